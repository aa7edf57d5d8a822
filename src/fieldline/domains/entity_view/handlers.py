"""Reactions of entity views: what they show is not deleted under them."""

from typing import TYPE_CHECKING

from fieldline.domains.entity_view import service
from fieldline.domains.entity_view.targets import TARGETS
from fieldline.messaging.events import Change, EntityChanged

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def keep_targets(session: "AsyncSession", event: object) -> None:
    """Refuse the deletion of an entity that views show, in its own transaction."""
    if not isinstance(event, EntityChanged) or event.change is not Change.DELETED:
        return
    if event.entity.type in TARGETS:
        await service.require_no_views(session, event.entity)
