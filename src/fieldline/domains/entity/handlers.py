"""Tells the rules of a tenant what users did to its entities.

Source: ``rules/engine.md`` section 3.1, entity CRUD by user.
"""

from collections.abc import Callable
from typing import Any

from fieldline.kit.clock import Clock
from fieldline.kit.ids import EntityType
from fieldline.kit.redaction import without_secrets
from fieldline.messaging.bus import Bus, publish_alone
from fieldline.messaging.events import Change, EntityChanged
from fieldline.messaging.message import Message, MessageType

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


def listen(bus: Bus, clock: Clock) -> Callable[[], None]:
    """Start to tell the rules; returns what ends it.

    What the platform itself makes or changes is not told: a rule can start no circle.
    """

    def tell_rules(event: EntityChanged) -> None:
        message = _message(event, clock.now_ms())
        if message is not None:
            publish_alone(bus, message)

    return bus.listen(EntityChanged, tell_rules)


def _message(event: EntityChanged, now_ms: int) -> Message | None:
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
        ts_ms=now_ms,
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
    return about
