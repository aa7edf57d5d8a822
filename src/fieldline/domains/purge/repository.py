"""Queries of what is to be purged."""

from collections.abc import Collection, Iterator
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, delete, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.database.base import Base, Entity
from fieldline.domains.purge.models import Purge


class PurgeRepository:
    """The list of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, entity_id: UUID) -> None:
        await self._session.execute(insert(Purge).values(entity_id=entity_id))

    async def add_tenant(self, tenant_id: UUID) -> None:
        """Note every entity of a tenant, which go by the database's own cascade."""
        for table in _tables_of_tenants():
            await self._add_from(table, table.c.tenant_id == tenant_id)

    async def first(self, limit: int) -> list[UUID]:
        return list(await self._session.scalars(select(Purge.entity_id).limit(limit)))

    async def remove(self, ids: Collection[UUID]) -> None:
        await self._session.execute(delete(Purge).where(Purge.entity_id.in_(ids)))

    async def _add_from(self, table: FromClause, condition: ColumnElement[bool]) -> None:
        is_noted = exists().where(Purge.entity_id == table.c.id)
        ids = select(table.c.id).where(condition, ~is_noted)
        await self._session.execute(insert(Purge).from_select(["entity_id"], ids))


def _tables_of_tenants() -> Iterator[FromClause]:
    for mapper in Base.registry.mappers:
        table = mapper.local_table
        if issubclass(mapper.class_, Entity) and "tenant_id" in table.c:
            yield table
