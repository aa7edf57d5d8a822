"""Queries of comments."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, column, select, table
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.database.repository import Column, fetch_rows
from fieldline.database.types import Guid
from fieldline.domains.alarm_comment.models import AlarmComment
from fieldline.kit.paging import Page, PageRequest

_USER = table(
    "tb_user", column("id", Guid), column("first_name"), column("last_name"), column("email")
)
_SORTABLE: dict[str, Column] = {
    "id": AlarmComment.id,
    "created_time": AlarmComment.created_time,
    "type": AlarmComment.type,
}


class Listed(NamedTuple):
    """A comment, and who its author is; None when that user is gone."""

    comment: AlarmComment
    first_name: str | None
    last_name: str | None
    email: str | None


class AlarmCommentRepository:
    """Comments of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, comment_id: UUID) -> AlarmComment | None:
        """Return a comment, which nobody else changes until the transaction ends."""
        return await self._session.get(AlarmComment, comment_id, with_for_update=True)

    async def page(self, alarm_id: UUID, request: PageRequest) -> Page[Listed]:
        """Return a page of the comments on an alarm with their authors."""
        query = (
            select(AlarmComment, _USER.c.first_name, _USER.c.last_name, _USER.c.email)
            .outerjoin(_USER, _USER.c.id == AlarmComment.user_id)
            .where(AlarmComment.alarm_id == alarm_id)
        )
        page = await fetch_rows(
            self._session, query, request, sortable=_SORTABLE, tie_breaker=AlarmComment.id
        )
        return page.map(_listed)

    def add(self, comment: AlarmComment) -> None:
        """Add a comment; it is written with the rest of the transaction."""
        self._session.add(comment)

    async def flush(self) -> None:
        await self._session.flush()


def _listed(row: Row[Any]) -> Listed:
    return Listed(row.AlarmComment, row.first_name, row.last_name, row.email)
