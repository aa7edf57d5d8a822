"""Queries of entity views."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, Row, column, select, table
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from fieldline.database.repository import Column, fetch_page, fetch_rows
from fieldline.database.types import Guid
from fieldline.domains.entity_view.lists import ListedView, ViewFilter
from fieldline.domains.entity_view.models import EntityView
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.paging import Page, PageRequest

_CUSTOMER = table("customer", column("id", Guid), column("title"), column("is_public", Boolean))
_TARGETS = {
    EntityType.DEVICE: table("device", column("id", Guid)),
    EntityType.ASSET: table("asset", column("id", Guid)),
}
_SORTABLE: dict[str, Column] = {
    "id": EntityView.id,
    "created_time": EntityView.created_time,
    "name": EntityView.name,
    "type": EntityView.type,
    "entity_type": EntityView.entity_type,
    "entity_id": EntityView.entity_id,
    "start_time_ms": EntityView.start_ts,
    "end_time_ms": EntityView.end_ts,
    "customer_id": EntityView.customer_id,
    "tenant_id": EntityView.tenant_id,
    "customer_title": _CUSTOMER.c.title,
    "customer_is_public": _CUSTOMER.c.is_public,
}
_SEARCHED = [EntityView.search_text, EntityView.type]
_INFOS = select(
    EntityView,
    _CUSTOMER.c.title.label("customer_title"),
    _CUSTOMER.c.is_public.label("customer_is_public"),
).outerjoin(_CUSTOMER, _CUSTOMER.c.id == EntityView.customer_id)
"""Entity views with what lists show beside a view's own fields."""


class EntityViewRepository:
    """Entity views of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, view_id: UUID, *, lock: bool = False) -> EntityView | None:
        """Return a view; ``lock`` keeps others from changing it until the transaction ends."""
        return await self._session.get(EntityView, view_id, with_for_update=lock or None)

    async def by_ids(
        self, tenant_id: UUID, ids: Collection[UUID], customer_id: UUID | None
    ) -> Sequence[EntityView]:
        query = select(EntityView).where(EntityView.tenant_id == tenant_id, EntityView.id.in_(ids))
        if customer_id is not None:
            query = query.where(EntityView.customer_id == customer_id)
        return (await self._session.scalars(query)).all()

    async def by_name(self, tenant_id: UUID, name: str) -> EntityView | None:
        query = select(EntityView).where(EntityView.tenant_id == tenant_id, EntityView.name == name)
        return (await self._session.scalars(query)).one_or_none()

    async def page(
        self, tenant_id: UUID, request: PageRequest, wanted: ViewFilter
    ) -> Page[EntityView]:
        query = (
            select(EntityView)
            .outerjoin(_CUSTOMER, _CUSTOMER.c.id == EntityView.customer_id)
            .where(EntityView.tenant_id == tenant_id, *_conditions(wanted))
        )
        return await fetch_page(
            self._session,
            query,
            request,
            sortable=_SORTABLE,
            tie_breaker=EntityView.id,
            searched=_SEARCHED,
        )

    async def info_page(
        self, tenant_id: UUID, request: PageRequest, wanted: ViewFilter
    ) -> Page[ListedView]:
        """Return a page of a tenant's views, searched by the customer's title too."""
        page = await fetch_rows(
            self._session,
            _INFOS.where(EntityView.tenant_id == tenant_id, *_conditions(wanted)),
            request,
            sortable=_SORTABLE,
            tie_breaker=EntityView.id,
            searched=[*_SEARCHED, _CUSTOMER.c.title],
        )
        return page.map(_info)

    async def info(self, view_id: UUID) -> ListedView | None:
        query = _INFOS.where(EntityView.id == view_id)
        found = (await self._session.execute(query)).one_or_none()
        return None if found is None else _info(found)

    async def names_from(self, tenant_id: UUID, prefix: str) -> set[str]:
        """Return the names that begin with ``prefix``."""
        query = select(EntityView.name).where(
            EntityView.tenant_id == tenant_id, EntityView.name.startswith(prefix, autoescape=True)
        )
        return set(await self._session.scalars(query))

    async def types(self, tenant_id: UUID, customer_id: UUID | None) -> list[str]:
        query = select(EntityView.type).distinct().where(EntityView.tenant_id == tenant_id)
        if customer_id is not None:
            query = query.where(EntityView.customer_id == customer_id)
        return list(await self._session.scalars(query.order_by(EntityView.type)))

    async def names_of(self, target: EntityRef, limit: int) -> Sequence[str]:
        """Return the names of views that show this entity, sorted, at most ``limit``."""
        query = (
            select(EntityView.name)
            .where(EntityView.entity_id == target.id, EntityView.entity_type == target.type.value)
            .order_by(EntityView.name)
            .limit(limit)
        )
        return (await self._session.scalars(query)).all()

    async def hold(self, target: EntityRef) -> bool:
        """Keep an entity from being deleted until the transaction ends; False when it is gone.

        Who deletes it locks its row and then looks for views, so one of the two sees the other.
        """
        row = _TARGETS[target.type]
        query = select(row.c.id).where(row.c.id == target.id).with_for_update(read=True)
        return (await self._session.execute(query)).one_or_none() is not None

    async def add(self, view: EntityView) -> None:
        self._session.add(view)
        await self._session.flush()

    async def save(self, view: EntityView) -> None:
        """Write the view; its version rises even when nothing else changed."""
        flag_modified(view, "name")
        await self._session.flush()

    async def delete(self, view: EntityView) -> None:
        await self._session.delete(view)
        await self._session.flush()


def _info(row: Row[Any]) -> ListedView:
    return ListedView(row.EntityView, row.customer_title, bool(row.customer_is_public))


def _conditions(wanted: ViewFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.customer_id is not None:
        found.append(EntityView.customer_id == wanted.customer_id)
    if wanted.type:
        found.append(EntityView.type == wanted.type)
    return found
