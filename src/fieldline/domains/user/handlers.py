"""Reactions of users: they go with their customer."""

from typing import TYPE_CHECKING

from fieldline.domains.user import service
from fieldline.kit.ids import EntityType
from fieldline.messaging.events import Change, EntityChanged

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def leave_with_customer(session: "AsyncSession", event: object) -> None:
    """Announce that the users of a deleted customer go, by the database's own cascade."""
    if not isinstance(event, EntityChanged) or event.change is not Change.DELETED:
        return
    if event.entity.type is EntityType.CUSTOMER:
        await service.announce_deletion_of_all(session, event.entity.id, event.by)
