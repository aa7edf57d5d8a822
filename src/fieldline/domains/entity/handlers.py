"""Tells the rules of a tenant what users did to its entities.

Source: ``rules/engine.md`` section 3.1, entity CRUD by user.
"""

from typing import TYPE_CHECKING, Any

from fieldline.database.base import now_ms
from fieldline.domains.device.content import LAST_GATEWAY
from fieldline.domains.outbox.service import post
from fieldline.kit.ids import EntityType
from fieldline.kit.redaction import without_secrets
from fieldline.messaging.events import Change, EntityChanged
from fieldline.messaging.message import Message, MessageType

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

TOLD = frozenset(
    {
        EntityType.DEVICE,
        EntityType.DEVICE_PROFILE,
        EntityType.ASSET,
        EntityType.ASSET_PROFILE,
        EntityType.CUSTOMER,
        EntityType.USER,
        EntityType.DASHBOARD,
        EntityType.ENTITY_VIEW,
        EntityType.RULE_CHAIN,
        EntityType.EDGE,
    }
)
"""Kinds of entity whose life the rules see. Those of alarms are sent by ``domains/alarm``; tenants
and calculated fields come and go without."""
_TYPES = {
    Change.CREATED: MessageType.ENTITY_CREATED,
    Change.UPDATED: MessageType.ENTITY_UPDATED,
    Change.DELETED: MessageType.ENTITY_DELETED,
    Change.ASSIGNED: MessageType.ENTITY_ASSIGNED,
    Change.UNASSIGNED: MessageType.ENTITY_UNASSIGNED,
}


async def tell_rules(session: "AsyncSession", event: object) -> None:
    """Tell the rules what a user did; a reaction.

    What the platform itself makes or changes is not told: a rule can start no circle.
    """
    message = _message(event, now_ms()) if isinstance(event, EntityChanged) else None
    if message is not None:
        await post(session, message)


def _message(event: EntityChanged, ts_ms: int) -> Message | None:
    """Return what the rules are told of an event; None for what is none of theirs."""
    kind = _TYPES.get(event.change)
    is_more = event.action is not None
    if kind is None or is_more or event.by is None or event.tenant_id is None:
        return None
    if event.entity.type not in TOLD:
        return None
    return Message(
        kind,
        event.entity,
        event.tenant_id,
        _data(event),
        event.by.as_metadata | _about(event),
        ts_ms=ts_ms,
        customer_id=event.customer_id,
    )


def _data(event: EntityChanged) -> dict[str, Any]:
    data: dict[str, Any] = without_secrets(dict(event.data or {}))
    if event.entity.type is EntityType.DASHBOARD and "configuration" in data:
        # It may be megabytes.
        data["configuration"] = None
    return data


def _about(event: EntityChanged) -> dict[str, str]:
    about = {"entityName": event.name or "", "entityType": event.entity.type.value}
    if event.change is Change.ASSIGNED:
        about["assignedCustomerId"] = str(event.customer_id)
    elif event.change is Change.UNASSIGNED:
        about["unassignedCustomerId"] = str(event.customer_id)
    elif event.change is Change.CREATED and event.entity.type is EntityType.DEVICE:
        gateway_id = ((event.data or {}).get("additionalInfo") or {}).get(LAST_GATEWAY)
        if isinstance(gateway_id, str):
            about["gatewayId"] = gateway_id
    return about
