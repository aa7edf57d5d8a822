"""Reactions to changes of alarms: the platform notes them as comments."""

from typing import TYPE_CHECKING

from fieldline.domains.alarm_comment import service
from fieldline.domains.alarm_comment.content import of_event
from fieldline.kit.ids import EntityType
from fieldline.messaging.events import Change, EntityChanged

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def note(session: "AsyncSession", event: object) -> None:
    """Add the system comments of a changed alarm, in the transaction of the change."""
    if not isinstance(event, EntityChanged) or event.entity.type is not EntityType.ALARM:
        return
    if event.change is not Change.UPDATED:
        return
    for comment in of_event(event):
        user_id = event.by.user_id if event.by else None
        service.add_system(session, event.entity.id, user_id, comment)
