"""Queries of calculated fields."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.database.repository import Column, contains, fetch_page
from fieldline.domains.calculated_field.models import CalculatedField
from fieldline.kit.ids import EntityType
from fieldline.kit.paging import Page, PageRequest

_SORTABLE: dict[str, Column] = {
    "id": CalculatedField.id,
    "created_time": CalculatedField.created_time,
    "name": CalculatedField.name,
    "entity_type": CalculatedField.entity_type,
}


class CalculatedFieldRepository:
    """Calculated fields of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, field_id: UUID, *, lock: bool = False) -> CalculatedField | None:
        """Return a field; ``lock`` keeps others from changing it until the transaction ends."""
        return await self._session.get(CalculatedField, field_id, with_for_update=lock or None)

    async def by_name(self, entity_id: UUID, type_: str, name: str) -> CalculatedField | None:
        query = select(CalculatedField).where(
            CalculatedField.entity_id == entity_id,
            CalculatedField.type == type_,
            CalculatedField.name == name,
        )
        return (await self._session.scalars(query)).one_or_none()

    async def of_entities(
        self, type_: str, entity_ids: Collection[UUID]
    ) -> Sequence[CalculatedField]:
        query = select(CalculatedField).where(
            CalculatedField.type == type_, CalculatedField.entity_id.in_(entity_ids)
        )
        return (await self._session.scalars(query.order_by(CalculatedField.id))).all()

    async def entity_ids(self, type_: str) -> set[UUID]:
        query = select(CalculatedField.entity_id).where(CalculatedField.type == type_).distinct()
        return set(await self._session.scalars(query))

    async def page(
        self,
        tenant_id: UUID,
        type_: str,
        request: PageRequest,
        *,
        entity_type: EntityType | None = None,
        entity_ids: Collection[UUID] | None = None,
    ) -> Page[CalculatedField]:
        query = select(CalculatedField).where(
            CalculatedField.tenant_id == tenant_id, CalculatedField.type == type_
        )
        if entity_type is not None:
            query = query.where(CalculatedField.entity_type == entity_type.value)
        if entity_ids is not None:
            query = query.where(CalculatedField.entity_id.in_(entity_ids))
        return await fetch_page(
            self._session,
            query,
            request,
            sortable=_SORTABLE,
            tie_breaker=CalculatedField.id,
            searched=(CalculatedField.name,),
        )

    async def names(self, tenant_id: UUID, type_: str, request: PageRequest) -> Page[str]:
        query: Select[str] = select(CalculatedField.name).where(
            CalculatedField.tenant_id == tenant_id, CalculatedField.type == type_
        )
        if request.search:
            query = query.where(contains(request.search, [CalculatedField.name]))
        query = query.distinct()
        total = await self._session.scalar(select(func.count()).select_from(query.subquery()))
        name = CalculatedField.name
        order = name.desc() if request.descending else name.asc()
        query = query.order_by(order).limit(request.limit).offset(request.offset)
        return Page(list(await self._session.scalars(query)), total or 0)

    async def add(self, field: CalculatedField) -> None:
        self._session.add(field)
        await self._session.flush()

    async def flush(self) -> None:
        await self._session.flush()

    async def remove(self, field: CalculatedField) -> None:
        await self._session.delete(field)
        await self._session.flush()
