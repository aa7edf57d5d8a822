"""Queries of API usage."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import column, select, table
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.database.repository import upserting
from fieldline.database.types import Guid
from fieldline.domains.api_usage.counters import COUNTED, Use
from fieldline.domains.api_usage.models import ApiUsage
from fieldline.kit.paging import PageRequest

_TENANT = table("tenant", column("id", Guid))


class UsageRepository:
    """Usage in one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def of_month(self, month_ms: int) -> list[Use]:
        """Return what every tenant used in a month."""
        query = select(ApiUsage).where(ApiUsage.month_start == month_ms)
        return [_use(row) for row in await self._session.scalars(query)]

    async def of_tenant(self, tenant_id: UUID, page: PageRequest) -> list[Use]:
        """Return what a tenant used in each month, the newest first."""
        query = (
            select(ApiUsage)
            .where(ApiUsage.tenant_id == tenant_id)
            .order_by(ApiUsage.month_start.desc())
            .limit(page.limit)
            .offset(page.offset)
        )
        return [_use(row) for row in await self._session.scalars(query)]

    async def add(self, uses: Sequence[Use]) -> set[UUID]:
        """Add to what is stored; returns the tenants that are still there to store it of."""
        there = await self._existing({use.tenant_id for use in uses})
        rows = [
            {"tenant_id": use.tenant_id, "month_start": use.month_ms, **use.counts}
            for use in uses
            if use.tenant_id in there
        ]
        if not rows:
            return there
        row = upserting(self._session, ApiUsage)
        statement = row.on_conflict_do_update(
            index_elements=["tenant_id", "month_start"],
            set_={name: getattr(ApiUsage, name) + row.excluded[name] for name in COUNTED},
        )
        await self._session.execute(statement, rows)
        return there

    async def _existing(self, tenant_ids: Collection[UUID]) -> set[UUID]:
        query = select(_TENANT.c.id).where(_TENANT.c.id.in_(tenant_ids))
        return set(await self._session.scalars(query))


def _use(row: ApiUsage) -> Use:
    return Use(row.tenant_id, row.month_start, {name: getattr(row, name) for name in COUNTED})
