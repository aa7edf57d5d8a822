"""Gateways and the devices that speak through them, in the v1 dialect."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from fieldline.api.v1.devices import DeviceBody, DeviceOut, given_fields
from fieldline.domains.device import gateways
from fieldline.domains.device.lists import DeviceFilter
from fieldline.rest.callers import TenantAdmin, TenantOrCustomer
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession

router = v1_router("gateways")


class GatewayOut(DeviceOut):
    """A gateway: a device, whether it is active, and how many devices speak through it."""

    active: bool
    device_count: int
    active_device_count: int


@router.post("/gateways", status_code=201)
async def create_gateway(
    body: DeviceBody, caller: TenantAdmin, session: WriteSession, services: ServicesDep
) -> GatewayOut:
    """Create a gateway: a device whose `additional_info.gateway` is true."""
    fields = given_fields(body)
    return _out(await gateways.create(session, caller, fields, vault=services.vault))


@router.get("/gateways")
async def list_gateways(
    page: V1Page,
    caller: TenantOrCustomer,
    session: ReadSession,
    kind: Annotated[str | None, Query(alias="type")] = None,
    customer_id: UUID | None = None,
) -> list[GatewayOut]:
    """List gateways, the newest first."""
    wanted = DeviceFilter(type=kind or None, customer_id=customer_id)
    found = await gateways.page(session, caller, page, wanted)
    return [_out(item) for item in found.items]


@router.get("/gateways/{gateway_id}")
async def get_gateway(
    gateway_id: UUID, caller: TenantOrCustomer, session: ReadSession
) -> GatewayOut:
    """Return one gateway with the number of its devices."""
    return _out(await gateways.get(session, caller, gateway_id))


@router.put("/gateways/{gateway_id}")
async def update_gateway(
    gateway_id: UUID, body: DeviceBody, caller: TenantOrCustomer, session: WriteSession
) -> GatewayOut:
    """Change the given fields; ``customer_id`` assigns, null unassigns."""
    return _out(await gateways.update(session, caller, gateway_id, given_fields(body)))


@router.delete("/gateways/{gateway_id}", status_code=204)
async def delete_gateway(gateway_id: UUID, caller: TenantAdmin, session: WriteSession) -> Response:
    """Delete a gateway; the devices that speak through it stay."""
    await gateways.delete(session, caller, gateway_id)
    return Response(status_code=204)


@router.get("/gateways/{gateway_id}/devices")
async def list_gateway_devices(
    gateway_id: UUID, page: V1Page, caller: TenantOrCustomer, session: ReadSession
) -> list[DeviceOut]:
    """List the devices that speak through a gateway, the newest first."""
    found = await gateways.devices(session, caller, gateway_id, page)
    return [DeviceOut.of(item) for item in found.items]


@router.put("/gateways/{gateway_id}/devices/{device_id}")
async def attach_device(
    gateway_id: UUID, device_id: UUID, caller: TenantAdmin, session: WriteSession
) -> DeviceOut:
    """Attach a device to a gateway, away from another one."""
    return DeviceOut.of(await gateways.attach(session, caller, gateway_id, device_id))


@router.delete("/gateways/{gateway_id}/devices/{device_id}", status_code=204)
async def detach_device(
    gateway_id: UUID, device_id: UUID, caller: TenantAdmin, session: WriteSession
) -> Response:
    """Detach a device from a gateway."""
    await gateways.detach(session, caller, gateway_id, device_id)
    return Response(status_code=204)


def _out(gateway: gateways.Gateway) -> GatewayOut:
    return GatewayOut(
        **dict(DeviceOut.of(gateway.listed.thing)),
        active=gateway.listed.is_active,
        device_count=gateway.connected.devices,
        active_device_count=gateway.connected.active,
    )
