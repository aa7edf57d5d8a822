"""Devices: made with a profile and credentials, assigned to a customer, found by name or id."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fieldline.database.engine import announce
from fieldline.domains.audit_log import service as audit_log_service
from fieldline.domains.audit_log.actions import Action
from fieldline.domains.audit_log.service import Deed
from fieldline.domains.customer import service as customer_service
from fieldline.domains.device import schemas
from fieldline.domains.device.errors import DeviceNotFound, InvalidDevice
from fieldline.domains.device.fields import DeviceFields, set_fields
from fieldline.domains.device.lists import DeviceFilter, ListedDevice
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
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.kit.errors import Forbidden, NotFound, StaleVersion
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.paging import Page, PageRequest
from fieldline.kit.unique_name import NameConflict, Naming, unique_name
from fieldline.messaging.events import Change, EntityChanged
from fieldline.rest.wire import wire_json
from fieldline.security.caller import Caller
from fieldline.security.permissions import DENIED, Operation, check
from fieldline.security.secrets import Vault

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

_READING = frozenset({Operation.READ, Operation.READ_CREDENTIALS})
"""Operations that leave a device as it is; for others it is locked, so that the last of several
changes without a version wins on PostgreSQL too."""


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


async def get_by_name(session: "AsyncSession", caller: Caller, name: str) -> Device:
    tenant_id = _tenant_of(caller, Operation.READ)
    device = await DeviceRepository(session).by_name(tenant_id, name)
    if device is None:
        raise NotFound("Requested item wasn't found!")
    return device


async def by_ids(
    session: "AsyncSession", caller: Caller, ids: Collection[UUID]
) -> Sequence[Device]:
    """Return the devices of these ids in their order; one the caller may not see is left out."""
    tenant_id = _tenant_of(caller, Operation.READ, caller.customer_id)
    found = await DeviceRepository(session).by_ids(tenant_id, ids, caller.customer_id)
    by_id = {device.id: device for device in found}
    return [by_id[device_id] for device_id in dict.fromkeys(ids) if device_id in by_id]


async def get_info(session: "AsyncSession", caller: Caller, device_id: UUID) -> ListedDevice:
    """Return a device with its customer's name and its activity."""
    info = await DeviceRepository(session).info(device_id)
    if info is None:
        raise DeviceNotFound(device_id)
    _check(caller, Operation.READ, info.device)
    return info


async def page(
    session: "AsyncSession", caller: Caller, request: PageRequest, wanted: DeviceFilter
) -> Page[Device]:
    """Return a page of the tenant's devices, to a customer user of the own customer's.

    Raises:
        CustomerNotFound: the tenant has no such customer as ``wanted`` names.
    """
    tenant_id, wanted = await _visible(session, caller, wanted)
    return await DeviceRepository(session).page(tenant_id, request, wanted)


async def info_page(
    session: "AsyncSession", caller: Caller, request: PageRequest, wanted: DeviceFilter
) -> Page[ListedDevice]:
    """Return a page as :func:`page` does, with what lists show beside a device's own fields."""
    tenant_id, wanted = await _visible(session, caller, wanted)
    return await DeviceRepository(session).info_page(tenant_id, request, wanted)


async def _visible(
    session: "AsyncSession", caller: Caller, wanted: DeviceFilter
) -> tuple[UUID, DeviceFilter]:
    """Return the caller's tenant, and the filter narrowed to what the caller may see."""
    tenant_id = _tenant_of(caller, Operation.READ, caller.customer_id)
    if caller.is_customer_user:
        if wanted.customer_id not in {None, caller.customer_id}:
            raise Forbidden(DENIED)
        wanted = replace(wanted, customer_id=caller.customer_id)
    elif wanted.customer_id is not None:
        await customer_service.get(session, caller, wanted.customer_id)
    return tenant_id, wanted


async def types(session: "AsyncSession", caller: Caller) -> list[str]:
    """Return the types that the caller's devices have, sorted."""
    tenant_id = _tenant_of(caller, Operation.READ, caller.customer_id)
    return await DeviceRepository(session).types(tenant_id, caller.customer_id)


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
        DeviceNameTaken: the tenant has one of this name.
        LimitReached: the tenant's profile allows no more.
        CredentialsTaken: another device has these credentials.
    """
    tenant_id = _tenant_of(caller, Operation.CREATE)
    repository = DeviceRepository(session)
    await tenant_profile_service.require_room(
        session, tenant_id, EntityType.DEVICE, lambda: repository.count(tenant_id)
    )
    if naming is not None and naming.conflict is NameConflict.UNIQUIFY:
        fields = {**fields, "name": await _free_name(session, tenant_id, fields, naming)}
    device = Device(tenant_id=tenant_id, additional_info=None)
    with session.no_autoflush:
        fields = {"name": None, "device_profile_id": None, **fields}
        await set_fields(session, caller, device, fields)
        await DeviceRepository(session).add(device)
    if credentials is None:
        token = generate_token()
        credentials = check_content("ACCESS_TOKEN", token, None)
    await credentials_service.create(session, device.id, credentials, vault=vault)
    await _tell(session, caller, device, Change.CREATED)
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
        await set_fields(session, caller, device, fields)
    await DeviceRepository(session).save(device)
    await _tell(session, caller, device, Change.UPDATED)
    await _tell_assignment(session, caller, device, former)
    return device


async def delete(session: "AsyncSession", caller: Caller, device_id: UUID) -> None:
    """Delete a device with its credentials; its readings go after the commit (``handlers``)."""
    device = await _get(session, caller, device_id, Operation.DELETE)
    await _tell(session, caller, device, Change.DELETED)
    await DeviceRepository(session).delete(device)


async def assign(
    session: "AsyncSession", caller: Caller, device_id: UUID, customer_id: UUID
) -> Device:
    """Assign a device to a customer of its tenant, away from the one it was assigned to."""
    device = await _get(session, caller, device_id, Operation.ASSIGN)
    return await _move(session, caller, device, customer_id)


async def assign_to_public(session: "AsyncSession", caller: Caller, device_id: UUID) -> Device:
    """Assign a device to the tenant's public customer, so that everybody may see it."""
    device = await _get(session, caller, device_id, Operation.ASSIGN)
    public = await customer_service.public_customer(session, device.tenant_id)
    return await _move(session, caller, device, public.id)


async def unassign(session: "AsyncSession", caller: Caller, device_id: UUID) -> Device:
    """Take a device from its customer.

    Raises:
        InvalidDevice: it has none.
    """
    device = await _get(session, caller, device_id, Operation.ASSIGN)
    if device.customer_id is None:
        raise InvalidDevice("Device isn't assigned to any customer!")
    return await _move(session, caller, device, None)


async def get_credentials(
    session: "AsyncSession", caller: Caller, device_id: UUID, *, vault: Vault
) -> Credentials:
    """Return a device's credentials in clear; who read them is recorded."""
    device = await _get(session, caller, device_id, Operation.READ_CREDENTIALS)
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
    device = await _get(session, caller, device_id, Operation.WRITE_CREDENTIALS)
    saved = await credentials_service.replace(
        session, device_id, credentials, vault=vault, replacing=replacing
    )
    await _tell(session, caller, device, Change.CREDENTIALS_UPDATED)
    return saved


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
    device = await DeviceRepository(session).get(device_id, lock=operation not in _READING)
    if device is None:
        raise DeviceNotFound(device_id)
    _check(caller, operation, device)
    return device


async def _move(
    session: "AsyncSession", caller: Caller, device: Device, customer_id: UUID | None
) -> Device:
    former = device.customer_id
    await set_fields(session, caller, device, {"customer_id": customer_id})
    await DeviceRepository(session).save(device)
    await _tell_assignment(session, caller, device, former)
    return device


async def _free_name(
    session: "AsyncSession", tenant_id: UUID, fields: DeviceFields, naming: Naming
) -> str:
    name = fields.get("name") or ""
    taken = await DeviceRepository(session).names_from(tenant_id, name)
    return unique_name(name, taken, separator=naming.separator, strategy=naming.strategy)


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


async def _tell_assignment(
    session: "AsyncSession", caller: Caller, device: Device, former: UUID | None
) -> None:
    """Tell a change of customer: away from the former one, then to the new one."""
    if former == device.customer_id:
        return
    if former is not None:
        await _tell(session, caller, device, Change.UNASSIGNED, customer_id=former)
    if device.customer_id is not None:
        await _tell(session, caller, device, Change.ASSIGNED, customer_id=device.customer_id)


async def _tell(
    session: "AsyncSession",
    caller: Caller,
    device: Device,
    change: Change,
    *,
    customer_id: UUID | None = None,
) -> None:
    """Announce the change; the detail names the device and the customer that it is about."""
    about = customer_id or device.customer_id
    detail = {
        "name": device.name,
        "type": device.type,
        "device_profile_id": str(device.device_profile_id),
        "customer_id": str(about) if about else None,
    }
    event = EntityChanged(
        device.tenant_id,
        EntityRef(EntityType.DEVICE, device.id),
        change,
        detail,
        by=caller.actor,
        name=device.name,
        customer_id=about,
        data=wire_json(schemas.Device, device),
    )
    await announce(session, event)
