"""Queries on tenants."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from fieldline.database.repository import fetch_page
from fieldline.domains.tenant.models import Tenant
from fieldline.kit.paging import Page, PageRequest

_SORTABLE = {
    name: getattr(Tenant, name)
    for name in ("id", "created_time", "title", "region", "country", "city", "email", "phone")
} | {"name": Tenant.title}


class TenantRepository:
    """All queries of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, tenant_id: UUID, *, lock: bool = False) -> Tenant | None:
        """Return a tenant; ``lock`` keeps others from changing it until the transaction ends."""
        return await self._session.get(Tenant, tenant_id, with_for_update=lock or None)

    async def by_ids(self, ids: Collection[UUID]) -> Sequence[Tenant]:
        query = select(Tenant).where(Tenant.id.in_(ids)).order_by(Tenant.id)
        return (await self._session.scalars(query)).all()

    async def by_title(self, title: str) -> Tenant | None:
        query = select(Tenant).where(Tenant.title == title).order_by(Tenant.id).limit(1)
        return await self._session.scalar(query)

    async def page(self, request: PageRequest, *, only_id: UUID | None = None) -> Page[Tenant]:
        query = select(Tenant)
        if only_id is not None:
            query = query.where(Tenant.id == only_id)
        return await fetch_page(
            self._session,
            query,
            request,
            sortable=_SORTABLE,
            tie_breaker=Tenant.id,
            searched=[Tenant.title, Tenant.region, Tenant.email],
        )

    async def count(self) -> int:
        return await self._session.scalar(select(func.count(Tenant.id))) or 0

    async def add(self, tenant: Tenant) -> None:
        self._session.add(tenant)
        await self._session.flush()

    async def save(self, tenant: Tenant) -> None:
        flag_modified(tenant, "title")
        await self._session.flush()

    async def delete(self, tenant: Tenant) -> None:
        await self._session.delete(tenant)
        await self._session.flush()
