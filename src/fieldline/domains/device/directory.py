"""What the path of a reading must know of a device, in memory.

A :class:`DeviceRecord` is found by id or by credentials, loaded once and then kept up to date by
events, so that no reading asks the database who sent it. The number of records kept is bounded;
one that somebody still holds stays correct after it left the cache.
"""

from uuid import UUID

from fieldline.kit.ids import EntityRef


class DeviceRecord:
    """One device as ingest and the rules see it; changed in place when the device changes.

    ``is_deleted`` becomes true when the device is gone: sessions then close.
    """

    __slots__ = (
        "__weakref__",
        "additional_info",
        "customer_id",
        "id",
        "is_deleted",
        "is_gateway",
        "label",
        "name",
        "profile_id",
        "profile_name",
        "ref",
        "rule_chain_id",
        "tenant_id",
        "transport_configuration",
        "transport_type",
    )

    id: UUID
    ref: EntityRef
    tenant_id: UUID
    customer_id: UUID | None
    name: str
    label: str | None
    profile_id: UUID
    profile_name: str
    rule_chain_id: UUID | None
    transport_type: str
    transport_configuration: dict[str, object]
    additional_info: dict[str, object]
    is_gateway: bool
    is_deleted: bool
