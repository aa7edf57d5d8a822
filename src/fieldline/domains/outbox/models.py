"""The table of messages that the rules are still to be told."""

from typing import Any

from sqlalchemy import BigInteger, Integer
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Base


class OutboxMessage(Base):
    """A message of the platform's own, kept until the rules have finished with it.

    The id gives the order, and is never used again. ``content`` is :func:`packing.pack`'s.
    """

    __tablename__ = "outbox"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    content: Mapped[dict[str, Any]]
