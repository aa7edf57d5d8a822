"""Reactions to events: relations go with either of their ends; rules are told what users did."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from fieldline.domains.entity.access import FINDERS
from fieldline.domains.relation import service
from fieldline.domains.relation.events import RelationActed
from fieldline.kit.clock import Clock
from fieldline.messaging.bus import Bus, publish_alone
from fieldline.messaging.events import Change, EntityChanged
from fieldline.messaging.message import Message

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def leave_with_entity(session: "AsyncSession", event: object) -> None:
    """Delete the relations of a deleted entity; those of a tenant's go with the tenant by SQL."""
    if not isinstance(event, EntityChanged) or event.change is not Change.DELETED:
        return
    if event.entity.type in FINDERS:
        await service.forget(session, event.entity)


def listen(bus: Bus, clock: Clock) -> Callable[[], None]:
    """Start to tell the rules of relations; returns what ends it."""

    def tell_rules(event: RelationActed) -> None:
        message = Message(
            event.type,
            event.originator,
            event.tenant_id,
            event.data,
            dict(event.metadata),
            ts_ms=clock.now_ms(),
            customer_id=event.customer_id,
            profile_id=event.profile_id,
        )
        publish_alone(bus, message)

    return bus.listen(RelationActed, tell_rules)
