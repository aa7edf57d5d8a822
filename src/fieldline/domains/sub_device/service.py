"""Finds devices by the names that a gateway or an integration has for them, and makes new ones."""

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from fieldline.domains.device import service as device_service
from fieldline.domains.device.content import LAST_GATEWAY
from fieldline.domains.relation import service as relation_service
from fieldline.domains.relation.kinds import Key
from fieldline.kit.errors import FieldlineError
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.security.caller import platform_of
from fieldline.security.secrets import Vault

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

CREATED = "Created"
"""The type of the relation from a gateway to the devices that were made for it."""


class Origin(NamedTuple):
    """Through whom the devices speak: a gateway, or with ``gateway_id`` None an integration."""

    tenant_id: UUID
    gateway_id: UUID | None = None
    customer_id: UUID | None = None


class Joined(NamedTuple):
    """A device, and whether it was made just now."""

    id: UUID
    is_new: bool = False


async def joined(
    session: "AsyncSession", origin: Origin, names: list[str]
) -> dict[str, Joined | FieldlineError]:
    """Return those of the devices that are known, by name; a gateway's only with their gateway."""
    found = await device_service.by_names(session, origin.tenant_id, names)
    return {
        device.name: Joined(device.id)
        for device in found
        if origin.gateway_id in (None, device.gateway_id)
    }


async def join(
    session: "AsyncSession", origin: Origin, name: str, device_type: str, *, vault: Vault
) -> Joined:
    """Return the device of a name, noting through which gateway it speaks.

    One that is not there is made: of the profile of that name, which is made too, and of the
    origin's customer.

    Raises:
        LimitReached: the tenant's profile allows no more devices.
        Invalid: the name or type is none.
    """
    caller = platform_of(origin.tenant_id)
    gateway_id = origin.gateway_id
    for found in await device_service.by_names(session, origin.tenant_id, [name]):
        if gateway_id is not None:
            info = {**(found.additional_info or {}), LAST_GATEWAY: str(gateway_id)}
            await device_service.update(session, caller, found.id, {"additional_info": info})
        return Joined(found.id)
    device = await device_service.create(
        session,
        caller,
        {
            "name": name,
            "type": device_type,
            "customer_id": origin.customer_id,
            "additional_info": None if gateway_id is None else {LAST_GATEWAY: str(gateway_id)},
        },
        vault=vault,
    )
    if gateway_id is not None:
        source, target = (EntityRef(EntityType.DEVICE, each) for each in (gateway_id, device.id))
        key = Key(source, target, CREATED)
        await relation_service.save(session, caller, key, additional_info=None)
    return Joined(device.id, is_new=True)
