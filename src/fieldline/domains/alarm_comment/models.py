"""The table of comments on alarms."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Base, now_ms
from fieldline.kit.ids import new_id


class AlarmComment(Base):
    """One comment; it goes with its alarm.

    ``user_id`` is the author, or who did what a system comment tells, None for the platform. It
    has no foreign key: what was said outlives who said it. ``comment`` is ThingsBoard's JSON with
    ``text`` and, in system comments, ``subtype``.
    """

    __tablename__ = "alarm_comment"
    __table_args__ = (Index("ix_alarm_comment_alarm_id_created_time", "alarm_id", "created_time"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_time: Mapped[int] = mapped_column(default=now_ms)
    alarm_id: Mapped[UUID] = mapped_column(ForeignKey("alarm.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None]
    type: Mapped[str] = mapped_column(String(16))
    comment: Mapped[dict[str, Any]]
