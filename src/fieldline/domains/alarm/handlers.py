"""Reactions to events: tells rules what users did to alarms, deletes alarms of what is gone.

The active alarms of a device, asset or entity view follow it to another customer; the alarms that a
user who is gone took care of are nobody's.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.database.base import now_ms
from fieldline.domains.alarm import assignment
from fieldline.domains.alarm.changes import Forget, Move, Stored
from fieldline.domains.alarm.events import AlarmActed
from fieldline.domains.alarm.writer import AlarmWriter
from fieldline.domains.outbox.service import post
from fieldline.kit.ids import EntityType
from fieldline.messaging.bus import Bus
from fieldline.messaging.events import Change, EntityChanged
from fieldline.messaging.message import Message

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

logger = logging.getLogger(__name__)
ORIGINATORS = frozenset(
    {
        EntityType.CUSTOMER,
        EntityType.USER,
        EntityType.DEVICE_PROFILE,
        EntityType.ASSET_PROFILE,
        EntityType.RULE_CHAIN,
        EntityType.ENTITY_VIEW,
    }
)
"""Kinds of entity whose alarms are deleted after them; those of a device, an asset or a tenant go
with it, by the database's own cascade."""
ASSIGNED = frozenset({EntityType.DEVICE, EntityType.ASSET, EntityType.ENTITY_VIEW})
"""Kinds of entity whose active alarms are seen by the customer that they are assigned to."""


async def release_alarms(session: "AsyncSession", event: object) -> None:
    """Take the alarms from a user who is deleted, may not log in any more or changes the customer.

    A reaction.
    """
    if not isinstance(event, EntityChanged) or event.entity.type is not EntityType.USER:
        return
    is_disabled = (
        event.change is Change.CREDENTIALS_UPDATED and (event.detail or {}).get("enabled") is False
    )
    if is_disabled or event.change in {Change.DELETED, Change.UNASSIGNED}:
        await assignment.release_all(session, event)


async def tell_rules(session: "AsyncSession", event: object) -> None:
    """Tell the rules what users did to alarms; a reaction."""
    if not isinstance(event, AlarmActed):
        return
    message = Message(
        event.type,
        event.originator,
        event.tenant_id,
        event.data,
        dict(event.metadata),
        ts_ms=now_ms(),
        customer_id=event.customer_id,
    )
    await post(session, message)


def listen(bus: Bus, writer: AlarmWriter) -> Callable[[], None]:
    """Start to react; returns what ends it."""

    def forget(event: EntityChanged) -> None:
        is_gone = event.change is Change.DELETED and event.entity.type in ORIGINATORS
        if is_gone and event.tenant_id is not None:
            writer.put(Forget(event.tenant_id, event.entity), _log_failure)

    def move(event: EntityChanged) -> None:
        is_moved = event.change in {Change.ASSIGNED, Change.UNASSIGNED}
        if is_moved and event.entity.type in ASSIGNED and event.tenant_id is not None:
            # The event of an unassignment names the customer that the thing is taken from.
            new = (event.detail or {})["customer_id"] if event.change is Change.ASSIGNED else None
            customer_id = UUID(new) if new else None
            writer.put(Move(event.tenant_id, event.entity, customer_id), _log_failure)

    ends = (
        bus.listen(EntityChanged, forget),
        bus.listen(EntityChanged, move),
    )

    def end() -> None:
        for one in ends:
            one()

    return end


def _log_failure(_stored: Stored | None, error: Exception | None) -> None:
    if error is not None:
        logger.error(
            "the alarms of an entity that is gone or was moved stay as they are: %s", error
        )
