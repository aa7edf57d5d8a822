"""Tells a gateway that one of its devices was renamed or deleted, which it is to forget.

Source: ThingsBoard's MQTT gateway API, messages that the platform sends to gateways.
"""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from fieldline.database.base import now_ms
from fieldline.domains.device import service as device_service
from fieldline.domains.device.content import last_gateway
from fieldline.domains.rpc import service as rpc_service
from fieldline.domains.rpc.command import Command
from fieldline.kit.ids import EntityType, new_id
from fieldline.messaging.events import Change, EntityChanged

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

KEPT_MS = 86_400_000
RETRIES = 3


async def tell_gateway(session: "AsyncSession", event: object) -> None:
    """Keep a command for the gateway of a device; a reaction."""
    if not isinstance(event, EntityChanged) or event.entity.type is not EntityType.DEVICE:
        return
    said = _said(event)
    gateway_id = last_gateway((event.data or {}).get("additionalInfo"))
    if said is None or gateway_id is None or event.tenant_id is None:
        return
    gateways = await device_service.snapshots(session, [gateway_id])
    if [gateway.tenant_id for gateway in gateways] == [event.tenant_id]:
        await rpc_service.post(session, _command(event.tenant_id, gateway_id, *said))


def _said(event: EntityChanged) -> tuple[str, Any] | None:
    """Return method and params of what a gateway is told; None for what is none of its."""
    if event.change is Change.DELETED:
        return "gateway_device_deleted", event.name
    former_name = (event.detail or {}).get("former_name")
    if event.change is Change.UPDATED and former_name is not None:
        return "gateway_device_renamed", {former_name: event.name}
    return None


def _command(tenant_id: UUID, gateway_id: UUID, method: str, params: Any) -> Command:  # noqa: ANN401
    return Command(
        id=new_id(),
        tenant_id=tenant_id,
        device_id=gateway_id,
        method=method,
        params=params,
        expires_ms=now_ms() + KEPT_MS,
        is_oneway=True,
        is_persistent=True,
        retries=RETRIES,
    )
