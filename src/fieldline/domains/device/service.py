"""Devices: made with a profile and credentials, assigned to a customer, found by name or id."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fieldline.domains.audit_log import service as audit_log_service
from fieldline.domains.audit_log.actions import Action
from fieldline.domains.audit_log.service import Deed
from fieldline.domains.device import content, schemas
from fieldline.domains.device.fields import DeviceFields
from fieldline.domains.device.models import Device
from fieldline.domains.device.repository import DeviceRepository
from fieldline.domains.device_credentials import service as credentials_service
from fieldline.domains.device_credentials.content import Content, check_content, generate_token
from fieldline.domains.device_credentials.service import (
    ANY,
    Credentials,
    Replacing,
    StoredCredentials,
)
from fieldline.domains.device_profile import service as profile_service
from fieldline.domains.ota_package import service as ota_package_service
from fieldline.domains.ota_package.kinds import OtaType
from fieldline.domains.ota_package.service import Assignment
from fieldline.domains.thing.fields import ThingKind
from fieldline.domains.thing.service import Things
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.unique_name import Naming
from fieldline.messaging.events import Change
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation
from fieldline.security.secrets import Vault

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


Row = Device
"""For annotations of other domains."""
SAMPLE = 1_000
"""Devices that stand for all of their profile."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A device with what its profile says of its messages."""

    id: UUID
    tenant_id: UUID
    customer_id: UUID | None
    name: str
    label: str | None
    profile_id: UUID
    profile_name: str
    rule_chain_id: UUID | None
    transport_type: str
    transport_configuration: dict[str, Any]
    additional_info: dict[str, Any]


async def _set_own(
    session: "AsyncSession",
    device: Device,
    fields: Mapping[str, Any],
    profile: profile_service.Row,
) -> None:
    """Set what other things do not have."""
    given = fields.get("device_data", device.device_data)
    device.device_data = content.device_data(given, profile.transport_type)
    if "additional_info" in fields:
        device.is_gateway = content.is_gateway(fields["additional_info"])
        device.gateway_id = content.last_gateway(fields["additional_info"])
    for kind in OtaType:
        if kind.column in fields:
            setattr(device, kind.column, fields[kind.column])
        package_id = getattr(device, kind.column)
        if package_id is not None:
            # Also where only the profile is another one: the package is of one profile.
            wanted = Assignment(kind, package_id, device.tenant_id, profile.id)
            await ota_package_service.require_assignable(session, wanted)


_things = Things(
    ThingKind(
        EntityType.DEVICE, DeviceRepository, profile_service.profiles, schemas.Device, _set_own
    )
)
get = _things.get
get_for = _things.get_for
get_values = _things.get_values
get_by_name = _things.get_by_name
by_ids = _things.by_ids
get_info = _things.get_info
page = _things.page
page_of_values = _things.page_of_values
info_page = _things.info_page
types = _things.types
update = _things.update
delete = _things.delete
assign = _things.assign
assign_to_public = _things.assign_to_public
unassign = _things.unassign
claim = _things.claim


async def create(
    session: "AsyncSession",
    caller: Caller,
    fields: DeviceFields,
    *,
    vault: Vault,
    credentials: Content | None = None,
    naming: Naming | None = None,
) -> Device:
    """Make a device with its credentials; without any given, a random access token.

    Raises:
        ThingNameTaken: the tenant has one of this name.
        LimitReached: the tenant's profile allows no more.
        CredentialsTaken: another device has these credentials.
    """
    device = await _things.create(session, caller, fields, naming=naming)
    if credentials is None:
        token = generate_token()
        credentials = check_content("ACCESS_TOKEN", token, None)
    await credentials_service.create(session, device.id, credentials, vault=vault)
    return device


async def sample_of_profile(
    session: "AsyncSession", caller: Caller, profile_id: UUID | None
) -> list[UUID]:
    """Return the newest devices of a profile (None: of all), for questions about what they send.

    At most :data:`SAMPLE`.
    """
    tenant_id = profile_service.profiles.tenant_of(caller, Operation.READ)
    if profile_id is not None:
        await profile_service.get(session, caller, profile_id)
    return await DeviceRepository(session).newest_of_profile(tenant_id, profile_id, SAMPLE)


async def count_following(
    session: "AsyncSession", caller: Caller, profile_id: UUID, kind: OtaType
) -> int:
    """Return how many devices of a profile take its OTA package, having none of their own.

    To a customer user those of the own customer count.
    """
    profile = await profile_service.get(session, caller, profile_id)
    return await DeviceRepository(session).count_without_own(
        profile.tenant_id, profile_id, kind, caller.customer_id
    )


async def get_credentials(
    session: "AsyncSession", caller: Caller, device_id: UUID, *, vault: Vault
) -> Credentials:
    """Return a device's credentials in clear; who read them is recorded."""
    device = await _things.get_for(session, caller, device_id, Operation.READ_CREDENTIALS)
    deed = Deed(
        Action.CREDENTIALS_READ,
        EntityRef(EntityType.DEVICE, device_id),
        device.name,
        device.customer_id,
        {"entityId": str(device_id)},
    )
    await audit_log_service.record(session, caller.actor, deed)
    return await credentials_service.get(session, device_id, vault=vault)


async def replace_credentials(
    session: "AsyncSession",
    caller: Caller,
    device_id: UUID,
    credentials: Content,
    *,
    vault: Vault,
    replacing: Replacing = ANY,
) -> Credentials:
    """Exchange a device's credentials; sessions with the former ones end.

    Raises:
        CredentialsTaken: another device has these credentials.
        InvalidCredentials: ``replacing`` names another record than the device's.
        StaleVersion: ``replacing`` names another version than the stored one.
    """
    device = await _things.get_for(session, caller, device_id, Operation.WRITE_CREDENTIALS)
    saved = await credentials_service.replace(
        session, device_id, credentials, vault=vault, replacing=replacing
    )
    await _things.tell(session, caller, device, Change.CREDENTIALS_UPDATED)
    return saved


async def by_names(
    session: "AsyncSession", tenant_id: UUID, names: Collection[str]
) -> Sequence[Device]:
    """Return a tenant's devices of these names; for the platform: it asks for no permission."""
    return await DeviceRepository(session).by_names(tenant_id, names)


async def active_of(session: "AsyncSession", ids: Collection[UUID]) -> set[UUID]:
    """Return those of the devices that are online, for whoever has read the devices."""
    return await DeviceRepository(session).active_of(ids)


async def snapshots(session: "AsyncSession", ids: Collection[UUID]) -> Sequence[Snapshot]:
    """Return what the path of a reading must know of these devices; one that is gone is left out.

    For the directory alone: it asks for no permission.
    """
    rows = await DeviceRepository(session).snapshots(ids)
    return [
        Snapshot(
            id=device.id,
            tenant_id=device.tenant_id,
            customer_id=device.customer_id,
            name=device.name,
            label=device.label,
            profile_id=device.device_profile_id,
            profile_name=device.type,
            rule_chain_id=rule_chain_id,
            transport_type=transport_type,
            transport_configuration=transport_configuration,
            additional_info=device.additional_info or {},
        )
        for device, transport_type, transport_configuration, rule_chain_id in rows
    ]


async def find_credentials(
    session: "AsyncSession", lookup_hashes: Collection[bytes]
) -> dict[bytes, StoredCredentials]:
    """Return the credentials of these hashes, for the directory."""
    return await credentials_service.find(session, lookup_hashes)
