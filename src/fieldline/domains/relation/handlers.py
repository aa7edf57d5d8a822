"""Reactions to events: relations go with either of their ends; rules are told what users did."""

from typing import TYPE_CHECKING

from fieldline.database.base import now_ms
from fieldline.domains.entity.access import FINDERS
from fieldline.domains.outbox.service import post
from fieldline.domains.relation import service
from fieldline.domains.relation.events import RelationActed
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


async def tell_rules(session: "AsyncSession", event: object) -> None:
    """Tell the rules of relations that users made or took away; a reaction."""
    if not isinstance(event, RelationActed):
        return
    message = Message(
        event.type,
        event.originator,
        event.tenant_id,
        event.data,
        dict(event.metadata),
        ts_ms=now_ms(),
        customer_id=event.customer_id,
        profile_id=event.profile_id,
    )
    await post(session, message)
