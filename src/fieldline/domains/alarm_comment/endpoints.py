"""Comments on alarms in ThingsBoard's dialect.

``/api/alarm/{alarmId}/comment`` has the form of ``/api/alarm/{entityType}/{entityId}``: this router
is mounted before that of alarms.
"""

from uuid import UUID

from fieldline.domains.alarm_comment import service
from fieldline.domains.alarm_comment.schemas import (
    AlarmComment,
    AlarmCommentInfo,
    AlarmCommentSave,
)
from fieldline.rest.callers import AnyUser, TenantOrCustomer
from fieldline.rest.dialects import tb_router
from fieldline.rest.paging import PageData, TbPage
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession

router = tb_router("AlarmComment")


@router.get("/alarm/{alarm_id}/comment")
async def list_comments(
    alarm_id: UUID, page: TbPage, caller: AnyUser, session: ReadSession
) -> PageData[AlarmCommentInfo]:
    """List the comments on an alarm with their authors."""
    return PageData.of(await service.page(session, caller, alarm_id, page), page)


@router.post("/alarm/{alarm_id}/comment")
async def save_comment(
    alarm_id: UUID,
    body: AlarmCommentSave,
    caller: TenantOrCustomer,
    session: WriteSession,
    services: ServicesDep,
) -> AlarmComment:
    """Comment on an alarm; with an id, change what one has said."""
    if body.id is None:
        saved = await service.create(session, caller, alarm_id, body.comment)
    else:
        now_ms = services.clock.now_ms()
        saved = await service.update(
            session, caller, alarm_id, body.id, body.comment, now_ms=now_ms
        )
    return AlarmComment.model_validate(saved)


@router.delete("/alarm/{alarm_id}/comment/{comment_id}")
async def delete_comment(
    alarm_id: UUID, comment_id: UUID, caller: TenantOrCustomer, session: WriteSession
) -> None:
    """Take a comment back; a note that it was deleted stands in its place."""
    await service.delete(session, caller, alarm_id, comment_id)
