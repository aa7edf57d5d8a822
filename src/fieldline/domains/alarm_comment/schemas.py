"""Comments on ThingsBoard's wire; their id has no entity type."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import computed_field

from fieldline.domains.alarm_comment.content import CommentType
from fieldline.kit.ids import EntityType
from fieldline.kit.json import dumps_text
from fieldline.rest.wire import OptionalRecordId, RecordId, TbModel, WireId


class AlarmCommentSave(TbModel):
    """The body of ``POST /api/alarm/{alarmId}/comment``; with an id it changes that comment."""

    id: OptionalRecordId = None
    comment: Any = None


class AlarmComment(TbModel):
    """A comment; ``name`` is its content as text."""

    id: RecordId
    created_time: int
    alarm_id: Annotated[UUID, WireId(EntityType.ALARM)]
    user_id: Annotated[UUID | None, WireId(EntityType.USER)]
    type: CommentType
    comment: dict[str, Any]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def name(self) -> str:
        return dumps_text(self.comment)


class AlarmCommentInfo(AlarmComment):
    """A comment with its author."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
