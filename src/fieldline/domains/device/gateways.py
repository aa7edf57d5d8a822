"""Gateways: devices through which other devices speak, and those devices.

A gateway is a device whose ``additionalInfo.gateway`` is true; a device names the gateway through
which it speaks in ``additionalInfo.lastConnectedGateway``. Both may be written with the device
itself; here they are set and listed by what they mean.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from fieldline.database.things import Listed
from fieldline.domains.device import service
from fieldline.domains.device.content import GATEWAY, LAST_GATEWAY
from fieldline.domains.device.fields import DeviceFields
from fieldline.domains.device.lists import DeviceCount, DeviceFilter
from fieldline.domains.device.models import Device
from fieldline.domains.device.repository import DeviceRepository
from fieldline.domains.thing.errors import InvalidThing
from fieldline.kit.errors import NotFound
from fieldline.kit.paging import Page, PageRequest
from fieldline.security.caller import Caller
from fieldline.security.secrets import Vault

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class Gateway(NamedTuple):
    """A gateway, and how many devices speak through it as far as the caller may see them."""

    listed: Listed[Device]
    connected: DeviceCount


class GatewayNotFound(NotFound):
    """There is no such device, or it is no gateway."""

    def __init__(self, gateway_id: object) -> None:
        super().__init__(f"Gateway with id [{gateway_id}] is not found")


async def page(
    session: "AsyncSession", caller: Caller, request: PageRequest, wanted: DeviceFilter
) -> Page[Gateway]:
    """Return a page of the gateways that the caller may see; raises as ``service.page``."""
    found = await service.info_page(session, caller, request, replace(wanted, is_gateway=True))
    return Page(await _counted(session, caller, found.items), found.total)


async def get(session: "AsyncSession", caller: Caller, gateway_id: UUID) -> Gateway:
    """Return a gateway.

    Raises:
        GatewayNotFound: the device is no gateway.
        DeviceNotFound: there is no such device.
    """
    info = await service.get_info(session, caller, gateway_id)
    if not info.thing.is_gateway:
        raise GatewayNotFound(gateway_id)
    return (await _counted(session, caller, [info]))[0]


async def create(
    session: "AsyncSession", caller: Caller, fields: DeviceFields, *, vault: Vault
) -> Gateway:
    """Make a gateway; raises as ``service.create``."""
    device = await service.create(session, caller, _as_gateway(fields), vault=vault)
    return await get(session, caller, device.id)


async def update(
    session: "AsyncSession", caller: Caller, gateway_id: UUID, fields: DeviceFields
) -> Gateway:
    """Change the given fields of a gateway, which stays one; raises as ``service.update``."""
    await get(session, caller, gateway_id)
    if "additional_info" in fields:
        fields = _as_gateway(fields)
    await service.update(session, caller, gateway_id, fields)
    return await get(session, caller, gateway_id)


async def delete(session: "AsyncSession", caller: Caller, gateway_id: UUID) -> None:
    """Delete a gateway; the devices that speak through it stay."""
    await get(session, caller, gateway_id)
    await service.delete(session, caller, gateway_id)


async def devices(
    session: "AsyncSession", caller: Caller, gateway_id: UUID, request: PageRequest
) -> Page[Device]:
    """Return a page of the devices that speak through a gateway, as far as the caller sees them."""
    await get(session, caller, gateway_id)
    return await service.page(session, caller, request, DeviceFilter(gateway_id=gateway_id))


async def attach(
    session: "AsyncSession", caller: Caller, gateway_id: UUID, device_id: UUID
) -> Device:
    """Note that a device speaks through a gateway, and through no other.

    Raises:
        GatewayNotFound: there is no such gateway.
        InvalidThing: it is the gateway itself.
    """
    await get(session, caller, gateway_id)
    if device_id == gateway_id:
        raise InvalidThing("A gateway cannot be attached to itself; name another device")
    device = await service.get(session, caller, device_id)
    info = {**_info(device), LAST_GATEWAY: str(gateway_id)}
    return await _set_info(session, caller, device, info)


async def detach(
    session: "AsyncSession", caller: Caller, gateway_id: UUID, device_id: UUID
) -> Device:
    """Note that a device does not speak through a gateway any more.

    Raises:
        GatewayNotFound: there is no such gateway.
        NotFound: the device is not one of the gateway's.
    """
    await get(session, caller, gateway_id)
    device = await service.get(session, caller, device_id)
    if device.gateway_id != gateway_id:
        msg = f"Device with id [{device_id}] is not attached to the gateway [{gateway_id}]"
        raise NotFound(msg)
    left = {key: value for key, value in _info(device).items() if key != LAST_GATEWAY}
    return await _set_info(session, caller, device, left)


def _info(device: Device) -> dict[str, Any]:
    return device.additional_info or {}


async def _set_info(
    session: "AsyncSession", caller: Caller, device: Device, info: dict[str, Any]
) -> Device:
    """Replace the free JSON of a device, unless somebody changed it since it was read."""
    fields: DeviceFields = {"additional_info": info}
    return await service.update(session, caller, device.id, fields, version=device.version)


def _as_gateway(fields: DeviceFields) -> DeviceFields:
    info = fields.get("additional_info") or {}
    if info.get(GATEWAY, True) is not True:
        msg = "additional_info.gateway of a gateway is true; change it at /devices to end that"
        raise InvalidThing(msg)
    return {**fields, "additional_info": {**info, GATEWAY: True}}


async def _counted(
    session: "AsyncSession", caller: Caller, found: Sequence[Listed[Device]]
) -> list[Gateway]:
    """Return gateways with the number of their devices, of all of them in one query."""
    if not found:
        return []
    ids = [info.thing.id for info in found]
    tenant_id = found[0].thing.tenant_id
    counts = await DeviceRepository(session).counts_by_gateway(tenant_id, ids, caller.customer_id)
    return [Gateway(info, counts.get(info.thing.id, DeviceCount())) for info in found]
