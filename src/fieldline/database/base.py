"""The base of every table of entities, and the columns that all entities share."""

import time
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Integer, MetaData, text
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from fieldline.database.types import Guid, Json
from fieldline.kit.ids import new_id

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Constraint names, the same on both databases, so that a migration can name what it changes."""


def now_ms() -> int:
    """Return the time of day, for a row that is made now."""
    return time.time_ns() // 1_000_000


def only_where(condition: str) -> dict[str, Any]:
    """Make an index of a model one of the rows that meet a condition.

    The migrations, which make the indexes, name it for PostgreSQL too. A model that did would load
    PostgreSQL's dialect, 4 MB, into a process with the embedded store.
    """
    return {"sqlite_where": text(condition)}


class Base(DeclarativeBase):
    """Every table; ``dict`` columns are JSON, ``UUID`` columns :class:`Guid`, ``int`` 64 bits."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        UUID: Guid,
        dict[str, Any]: Json,
        list[Any]: Json,
        int: BigInteger,
    }


class Entity(Base):
    """An entity: id, creation time in ms, and a version that every update raises by one.

    The version is SQLAlchemy's ``version_id_col``: two writers of one row cannot both win.
    """

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_time: Mapped[int] = mapped_column(default=now_ms, index=True)
    version: Mapped[int] = mapped_column(Integer, default=1, nullable=False)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}
