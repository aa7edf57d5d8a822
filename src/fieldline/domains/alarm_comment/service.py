"""Saying something of an alarm, and taking it back."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from fieldline.database.engine import announce
from fieldline.domains.alarm import service as alarm_service
from fieldline.domains.alarm.events import AlarmActed
from fieldline.domains.alarm_comment import content, schemas
from fieldline.domains.alarm_comment.content import CommentType
from fieldline.domains.alarm_comment.errors import CommentNotFound, NotTheAuthor, SystemComment
from fieldline.domains.alarm_comment.models import AlarmComment
from fieldline.domains.alarm_comment.repository import AlarmCommentRepository
from fieldline.domains.audit_log import service as audit_log_service
from fieldline.domains.audit_log.actions import Action
from fieldline.kit.errors import Forbidden
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.json import dumps_text
from fieldline.kit.paging import Page, PageRequest
from fieldline.messaging.message import MessageType
from fieldline.rest.wire import wire_json
from fieldline.security.caller import Caller
from fieldline.security.permissions import DENIED

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

CommentInfo = schemas.AlarmCommentInfo


async def page(
    session: "AsyncSession", caller: Caller, alarm_id: UUID, request: PageRequest
) -> Page[CommentInfo]:
    """Return comments on an alarm with their authors.

    Raises:
        NotFound: there is no such alarm.
        Forbidden: the caller may not see it, or is the public user, who sees nobody's name.
    """
    if caller.is_public:
        raise Forbidden(DENIED)
    await alarm_service.get(session, caller, alarm_id)
    found = await AlarmCommentRepository(session).page(alarm_id, request)
    return found.map(_with_author)


async def create(
    session: "AsyncSession",
    caller: Caller,
    alarm_id: UUID,
    given: Any,  # noqa: ANN401
) -> AlarmComment:
    """Say something of an alarm; ``given`` is the JSON of :func:`content.checked`."""
    alarm = await alarm_service.get_to_change(session, caller, alarm_id)
    comment = AlarmComment(
        alarm_id=alarm_id,
        user_id=caller.user_id,
        type=CommentType.OTHER.value,
        comment=content.checked(given),
    )
    repository = AlarmCommentRepository(session)
    repository.add(comment)
    await repository.flush()
    await _tell(session, caller, alarm, comment, Action.ADDED_COMMENT)
    return comment


async def update(
    session: "AsyncSession",
    caller: Caller,
    alarm_id: UUID,
    comment_id: UUID,
    given: Any,  # noqa: ANN401 - whatever the client sent
    *,
    now_ms: int,
) -> AlarmComment:
    """Change what one has said; the comment is marked as edited.

    Raises:
        CommentNotFound: the alarm has no such comment.
        NotTheAuthor: somebody else has said it.
        SystemComment: nobody has said it.
    """
    alarm = await alarm_service.get_to_change(session, caller, alarm_id)
    comment = await _find(session, alarm_id, comment_id)
    if comment.user_id != caller.user_id:
        raise NotTheAuthor("Only the author can change an alarm comment!")
    comment.comment = content.edited(content.checked(given), now_ms)
    await _tell(session, caller, alarm, comment, Action.UPDATED_COMMENT)
    return comment


async def delete(session: "AsyncSession", caller: Caller, alarm_id: UUID, comment_id: UUID) -> None:
    """Take a comment back: a system comment that says so stands in its place.

    Raises:
        CommentNotFound: the alarm has no such comment.
        NotTheAuthor: somebody else has said it, and the caller is no tenant administrator.
        SystemComment: nobody has said it.
    """
    alarm = await alarm_service.get_to_change(session, caller, alarm_id)
    comment = await _find(session, alarm_id, comment_id)
    if comment.user_id != caller.user_id and not caller.is_tenant_admin:
        msg = "Only the author and tenant administrators can delete an alarm comment!"
        raise NotTheAuthor(msg)
    comment.type = CommentType.SYSTEM.value
    comment.user_id = caller.user_id
    comment.comment = content.deleted(caller.actor)
    await _tell(session, caller, alarm, comment, Action.DELETED_COMMENT)


def add_system(
    session: "AsyncSession", alarm_id: UUID, user_id: UUID | None, comment: content.Comment
) -> None:
    """Note something of an alarm's life; asks no permission."""
    AlarmCommentRepository(session).add(
        AlarmComment(
            alarm_id=alarm_id, user_id=user_id, type=CommentType.SYSTEM.value, comment=comment
        )
    )


async def _find(session: "AsyncSession", alarm_id: UUID, comment_id: UUID) -> AlarmComment:
    comment = await AlarmCommentRepository(session).get(comment_id)
    if comment is None or comment.alarm_id != alarm_id:
        raise CommentNotFound(comment_id)
    if comment.type == CommentType.SYSTEM:
        raise SystemComment
    return comment


def _with_author(row: Any) -> CommentInfo:  # noqa: ANN401 - the repository's row
    info = CommentInfo.model_validate(row.comment)
    info.first_name, info.last_name, info.email = row.first_name, row.last_name, row.email
    return info


_MESSAGES = {
    Action.ADDED_COMMENT: MessageType.COMMENT_CREATED,
    Action.UPDATED_COMMENT: MessageType.COMMENT_UPDATED,
    Action.DELETED_COMMENT: MessageType.COMMENT_UPDATED,
}


async def _tell(
    session: "AsyncSession",
    caller: Caller,
    alarm: alarm_service.AlarmRow,
    comment: AlarmComment,
    action: Action,
) -> None:
    """Record the deed, and tell the rules after the commit."""
    shown = wire_json(schemas.AlarmComment, comment)
    entity = EntityRef(EntityType.ALARM, alarm.id)
    deed = audit_log_service.Deed(action, entity, alarm.type, alarm.customer_id, {"comment": shown})
    await audit_log_service.record(session, caller.actor, deed)
    info = await alarm_service.info(session, caller, alarm)
    metadata = {**caller.actor.as_metadata, "comment": dumps_text(shown)}
    data = info.model_dump(mode="json", by_alias=True)
    acted = AlarmActed(
        alarm.tenant_id, entity, alarm.customer_id, _MESSAGES[action], data, metadata
    )
    await announce(session, acted)
