"""Comments on alarms in the v1 dialect."""

from typing import Any
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, ConfigDict

from fieldline.api.v1.shapes import Body
from fieldline.domains.alarm_comment import service
from fieldline.domains.alarm_comment.content import CommentType
from fieldline.rest.callers import TenantOrCustomer
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession

router = v1_router("alarms")


class CommentBody(Body):
    """What is said: ``text``, or a JSON object ``comment`` that has it."""

    text: str | None = None
    comment: dict[str, Any] | None = None

    @property
    def content(self) -> dict[str, Any]:
        """What is said as the service takes it."""
        said = dict(self.comment or {})
        return said if self.text is None else {**said, "text": self.text}


class SavedComment(BaseModel):
    """A comment; SYSTEM is what the platform noted, ``comment`` then has a ``subtype``."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_time: int
    alarm_id: UUID
    user_id: UUID | None
    type: CommentType
    comment: dict[str, Any]


class CommentOut(SavedComment):
    """A comment with its author; nulls when that user is gone."""

    first_name: str | None
    last_name: str | None
    email: str | None


@router.get("/alarms/{alarm_id}/comments")
async def list_comments(
    alarm_id: UUID, page: V1Page, caller: TenantOrCustomer, session: ReadSession
) -> list[CommentOut]:
    """List the comments on an alarm, the newest first."""
    found = await service.page(session, caller, alarm_id, page)
    return [CommentOut.model_validate(comment) for comment in found.items]


@router.post("/alarms/{alarm_id}/comments", status_code=201)
async def create_comment(
    alarm_id: UUID, body: CommentBody, caller: TenantOrCustomer, session: WriteSession
) -> SavedComment:
    """Comment on an alarm."""
    saved = await service.create(session, caller, alarm_id, body.content)
    return SavedComment.model_validate(saved)


@router.put("/alarms/{alarm_id}/comments/{comment_id}")
async def update_comment(
    alarm_id: UUID,
    comment_id: UUID,
    body: CommentBody,
    caller: TenantOrCustomer,
    session: WriteSession,
    services: ServicesDep,
) -> SavedComment:
    """Change what one has said."""
    now_ms = services.clock.now_ms()
    saved = await service.update(session, caller, alarm_id, comment_id, body.content, now_ms=now_ms)
    return SavedComment.model_validate(saved)


@router.delete("/alarms/{alarm_id}/comments/{comment_id}", status_code=204)
async def delete_comment(
    alarm_id: UUID, comment_id: UUID, caller: TenantOrCustomer, session: WriteSession
) -> Response:
    """Take a comment back; a note that it was deleted stands in its place."""
    await service.delete(session, caller, alarm_id, comment_id)
    return Response(status_code=204)
