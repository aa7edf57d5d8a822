"""What every repository needs: pages of a query, and searching text the same way everywhere."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, ScalarSelect, Select, func, or_, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from fieldline.database.base import Base
from fieldline.kit.errors import Invalid
from fieldline.kit.paging import Page, PageRequest

T = TypeVar("T")
Column = InstrumentedAttribute[Any] | ColumnElement[Any]
_TOTAL = "total_of_all_pages"


def contains(text: str, columns: Sequence[Column]) -> ColumnElement[bool]:
    """Match ``text`` anywhere in any of the columns, whatever the case."""
    escaped = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return or_(*(func.lower(column).like(f"%{escaped}%", escape="\\") for column in columns))


def upserting(session: AsyncSession, table: type[Base]) -> Any:  # noqa: ANN401 - of either dialect
    """Return an INSERT into a table that may end in ``on_conflict_do_update``."""
    if session.get_bind().dialect.name == "postgresql":
        # Not loaded for nothing: 4 MB.
        from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415

        return insert(table)
    return sqlite.insert(table)


async def fetch_page(
    session: AsyncSession,
    query: Select[T],
    request: PageRequest,
    *,
    sortable: Mapping[str, Column],
    tie_breaker: Column,
    searched: Sequence[Column] = (),
) -> Page[T]:
    """Run ``query`` for one page of its first column; see :func:`fetch_rows`."""
    page = await fetch_rows(
        session, query, request, sortable=sortable, tie_breaker=tie_breaker, searched=searched
    )
    return page.map(_first)


async def fetch_rows(
    session: AsyncSession,
    query: Select[Any],
    request: PageRequest,
    *,
    sortable: Mapping[str, Column],
    tie_breaker: Column,
    searched: Sequence[Column] = (),
) -> Page[Row[Any]]:
    """Run ``query`` for one page; rows with equal sort values come in the order of ``tie_breaker``.

    The page and the number of all rows are one statement, so that they fit together.

    Args:
        session: to run it in.
        query: a select of entities or columns, with its filters, without order.
        request: which page; ``sort`` must be a key of ``sortable``.
        sortable: name -> column; must hold ``created_time``, the default.
        tie_breaker: usually the id.
        searched: columns that ``request.search`` is looked for in.

    Raises:
        Invalid: the list cannot be sorted by that.
    """
    if request.search and searched:
        query = query.where(contains(request.search, searched))
    count = _count_of(query, tie_breaker)
    column = sortable.get(request.sort or "created_time")
    if column is None:
        known = ", ".join(sorted(sortable))
        msg = f"Cannot sort by '{request.sort}'; one of {known} is possible"
        raise Invalid(msg)
    if request.descending:
        query = query.order_by(column.desc(), tie_breaker.desc())
    else:
        query = query.order_by(column.asc(), tie_breaker.asc())
    query = query.limit(request.limit).offset(request.offset)
    if not request.counted:
        rows = (await session.execute(query)).all()
        return Page(list(rows), request.offset + len(rows))
    rows = (await session.execute(query.add_columns(count.label(_TOTAL)))).all()
    if rows:
        return Page(list(rows), getattr(rows[0], _TOTAL))
    # Beyond the last page there is no row that could carry the number.
    total = await session.scalar(select(count)) if request.offset else 0
    return Page([], total or 0)


def _count_of(query: Select[Any], tie_breaker: Column) -> ScalarSelect[int]:
    """Count the rows of a query by what identifies them, which an index may hold."""
    rows = query.with_only_columns(tie_breaker).order_by(None)
    return select(func.count()).select_from(rows.subquery()).scalar_subquery()


def _first(row: "Row[Any]") -> Any:  # noqa: ANN401 - whatever the query selects
    return row[0]
