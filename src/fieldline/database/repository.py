"""What every repository needs: pages of a query, and searching text the same way everywhere."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from fieldline.kit.errors import Invalid
from fieldline.kit.paging import Page, PageRequest

T = TypeVar("T")
Column = InstrumentedAttribute[Any] | ColumnElement[Any]


def contains(text: str, columns: Sequence[Column]) -> ColumnElement[bool]:
    """Match ``text`` anywhere in any of the columns, whatever the case."""
    escaped = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return or_(*(func.lower(column).like(f"%{escaped}%", escape="\\") for column in columns))


async def fetch_page(
    session: AsyncSession,
    query: Select[T],
    request: PageRequest,
    *,
    sortable: Mapping[str, Column],
    tie_breaker: Column,
    searched: Sequence[Column] = (),
) -> Page[T]:
    """Run ``query`` for one page; rows with equal sort values come in the order of ``tie_breaker``.

    Args:
        session: to run it in.
        query: a select of one entity or column, with its filters, without order.
        request: which page; ``sort`` must be a key of ``sortable``.
        sortable: name -> column; must hold ``created_time``, the default.
        tie_breaker: usually the id.
        searched: columns that ``request.search`` is looked for in.

    Raises:
        Invalid: the list cannot be sorted by that.
    """
    if request.search and searched:
        query = query.where(contains(request.search, searched))
    total = await session.scalar(select(func.count()).select_from(query.order_by(None).subquery()))
    column = sortable.get(request.sort or "created_time")
    if column is None:
        known = ", ".join(sorted(sortable))
        msg = f"Cannot sort by '{request.sort}'; one of {known} is possible"
        raise Invalid(msg)
    if request.descending:
        query = query.order_by(column.desc(), tie_breaker.desc())
    else:
        query = query.order_by(column.asc(), tie_breaker.asc())
    rows = await session.scalars(query.limit(request.limit).offset(request.offset))
    return Page(list(rows), total or 0)
