"""Devices: made with a profile and credentials, assigned to a customer, found by name or id."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict
from uuid import UUID

from fieldline.database.engine import emit_after_commit
from fieldline.domains.device import content
from fieldline.domains.device.errors import (
    DeviceLimitReached,
    DeviceNameTaken,
    DeviceNotFound,
    InvalidDevice,
)
from fieldline.domains.device.models import Device
from fieldline.domains.device.repository import DeviceRepository
from fieldline.domains.device_credentials import service as credentials_service
from fieldline.domains.device_credentials.content import Content, check_content, generate_token
from fieldline.domains.device_credentials.service import Credentials, StoredCredentials
from fieldline.domains.device_profile import service as profile_service
from fieldline.kit.errors import StaleVersion
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.text import check_optional_text, check_text
from fieldline.messaging.events import Change, EntityChanged
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, check
from fieldline.security.secrets import Vault

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class DeviceFields(TypedDict, total=False):
    """Fields to set; what is left out stays as it is, or takes its default."""

    name: str | None
    type: str | None
    label: str | None
    customer_id: UUID | None
    device_profile_id: UUID | None
    device_data: dict[str, Any] | None
    firmware_id: UUID | None
    software_id: UUID | None
    external_id: UUID | None
    additional_info: dict[str, Any] | None


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


async def get(session: "AsyncSession", caller: Caller, device_id: UUID) -> Device:
    return await _get(session, caller, device_id, Operation.READ)


async def create(
    session: "AsyncSession",
    caller: Caller,
    fields: DeviceFields,
    *,
    vault: Vault,
    credentials: Content | None = None,
) -> Device:
    """Make a device with its credentials; without any given, a random access token.

    Raises:
        DeviceNameTaken: the tenant has one of this name.
        DeviceLimitReached: the tenant's profile allows no more.
        CredentialsTaken: another device has these credentials.
    """
    tenant_id = _tenant_of(caller, Operation.CREATE)
    await _check_limit(session, tenant_id)
    device = Device(tenant_id=tenant_id, additional_info=None)
    with session.no_autoflush:
        await _set(session, device, {"name": None, "device_profile_id": None, **fields})
        await DeviceRepository(session).add(device)
    if credentials is None:
        token = generate_token()
        credentials = check_content("ACCESS_TOKEN", token, None)
    await credentials_service.create(session, device.id, credentials, vault=vault)
    _tell(session, device, Change.CREATED)
    return device


async def update(
    session: "AsyncSession",
    caller: Caller,
    device_id: UUID,
    fields: DeviceFields,
    *,
    version: int | None = None,
) -> Device:
    """Change the given fields.

    Raises:
        StaleVersion: ``version`` is given and is not the stored one.
    """
    device = await _get(session, caller, device_id, Operation.WRITE)
    if version is not None and version != device.version:
        msg = "Device was already changed by someone else; read it again and retry"
        raise StaleVersion(msg)
    former = device.customer_id
    if "customer_id" in fields and fields["customer_id"] != former:
        _check(caller, Operation.ASSIGN, device)
    with session.no_autoflush:
        await _set(session, device, fields)
    await DeviceRepository(session).save(device)
    _tell(session, device, Change.UPDATED)
    _tell_assignment(session, device, former)
    return device


async def delete(session: "AsyncSession", caller: Caller, device_id: UUID) -> None:
    """Delete a device with its credentials; its readings go after the commit (``handlers``)."""
    device = await _get(session, caller, device_id, Operation.DELETE)
    await DeviceRepository(session).delete(device)
    _tell(session, device, Change.DELETED)


async def get_credentials(
    session: "AsyncSession", caller: Caller, device_id: UUID, *, vault: Vault
) -> Credentials:
    await _get(session, caller, device_id, Operation.READ_CREDENTIALS)
    return await credentials_service.get(session, device_id, vault=vault)


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


async def _get(
    session: "AsyncSession", caller: Caller, device_id: UUID, operation: Operation
) -> Device:
    device = await DeviceRepository(session).get(device_id)
    if device is None:
        raise DeviceNotFound(device_id)
    _check(caller, operation, device)
    return device


async def _set(session: "AsyncSession", device: Device, fields: DeviceFields) -> None:
    """Check the fields and put them into the device."""
    await _set_name(session, device, fields)
    await _set_customer(session, device, fields)
    transport_type = await _set_profile(session, device, fields)
    _set_json(device, fields, transport_type)
    if fields.get("firmware_id") is not None:
        raise InvalidDevice("Can't assign non-existent firmware!")
    if fields.get("software_id") is not None:
        raise InvalidDevice("Can't assign non-existent software!")
    if "external_id" in fields:
        device.external_id = fields["external_id"]


async def _set_name(session: "AsyncSession", device: Device, fields: DeviceFields) -> None:
    if "name" in fields:
        name = fields["name"] or ""
        check_text("Device name", name)
        other = await DeviceRepository(session).by_name(device.tenant_id, name)
        if other is not None and other is not device:
            raise DeviceNameTaken
        device.name = name
    if "label" in fields:
        check_optional_text("label", fields["label"])
        device.label = fields["label"]
    device.search_text = content.search_text(device.name, device.label)


async def _set_profile(session: "AsyncSession", device: Device, fields: DeviceFields) -> str:
    """Settle the profile: the one named, else that of the type, else the default one.

    An update that says nothing of it keeps the present one. Returns its transport type.
    """
    profile_id = fields.get("device_profile_id")
    if profile_id is None and "device_profile_id" not in fields and "type" not in fields:
        profile_id = device.device_profile_id
    type_ = (fields.get("type") or "").strip()
    if profile_id is not None:
        profile = await profile_service.of_tenant(session, device.tenant_id, profile_id)
    elif type_:
        check_text("type", type_)
        profile = await profile_service.find_or_create(session, device.tenant_id, type_)
    else:
        profile = await profile_service.default_of(session, device.tenant_id)
    device.device_profile_id = profile.id
    device.type = profile.name
    return profile.transport_type


async def _set_customer(session: "AsyncSession", device: Device, fields: DeviceFields) -> None:
    if "customer_id" not in fields:
        return
    customer_id = fields["customer_id"]
    if customer_id is not None:
        owner = await DeviceRepository(session).tenant_of_customer(customer_id)
        if owner is None:
            raise InvalidDevice("Can't assign device to non-existent customer!")
        if owner != device.tenant_id:
            raise InvalidDevice("Can't assign device to customer from different tenant!")
    device.customer_id = customer_id


def _set_json(device: Device, fields: DeviceFields, transport_type: str) -> None:
    given = fields.get("device_data", device.device_data)
    device.device_data = content.device_data(given, transport_type)
    if "additional_info" in fields:
        device.additional_info = content.additional_info(fields["additional_info"])


async def _check_limit(session: "AsyncSession", tenant_id: UUID) -> None:
    limit = 0
    if limit <= 0:
        return
    repository = DeviceRepository(session)
    await repository.lock_tenant(tenant_id)
    if await repository.count(tenant_id) >= limit:
        raise DeviceLimitReached(limit)


def _check(caller: Caller, operation: Operation, device: Device) -> None:
    check(
        caller,
        operation,
        EntityType.DEVICE,
        tenant_id=device.tenant_id,
        customer_id=device.customer_id,
        entity_id=device.id,
    )


def _tenant_of(caller: Caller, operation: Operation, customer_id: UUID | None = None) -> UUID:
    """Return the caller's tenant once it may do this there."""
    check(caller, operation, EntityType.DEVICE, tenant_id=caller.tenant_id, customer_id=customer_id)
    if caller.tenant_id is None:  # a system administrator, whom the check has refused
        raise DeviceNotFound("null")
    return caller.tenant_id


def _tell_assignment(session: "AsyncSession", device: Device, former: UUID | None) -> None:
    """Tell a change of customer: away from the former one, then to the new one."""
    if former == device.customer_id:
        return
    if former is not None:
        _tell(session, device, Change.UNASSIGNED, customer_id=former)
    if device.customer_id is not None:
        _tell(session, device, Change.ASSIGNED, customer_id=device.customer_id)


def _tell(
    session: "AsyncSession", device: Device, change: Change, *, customer_id: UUID | None = None
) -> None:
    """Emit the change; the detail names the device and the customer that it is about."""
    about = customer_id or device.customer_id
    detail = {
        "name": device.name,
        "type": device.type,
        "device_profile_id": str(device.device_profile_id),
        "customer_id": str(about) if about else None,
    }
    ref = EntityRef(EntityType.DEVICE, device.id)
    emit_after_commit(session, EntityChanged(device.tenant_id, ref, change, detail))
