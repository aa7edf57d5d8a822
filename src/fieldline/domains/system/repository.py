"""Counts of what a tenant has."""

from uuid import UUID

from sqlalchemy import BigInteger, column, func, select, table
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.database.types import Guid

_COUNTED = {
    "devices": "device",
    "assets": "asset",
    "customers": "customer",
    "users": "tb_user",
    "dashboards": "dashboard",
}
"""What is counted, and in which table."""


class UsageRepository:
    """Counts of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def counts(self, tenant_id: UUID) -> dict[str, int]:
        """Return how many of each kind a tenant has, in one statement."""
        query = select(
            *(
                select(func.count())
                .select_from(rows := table(name, column("tenant_id", Guid)))
                .where(rows.c.tenant_id == tenant_id)
                .scalar_subquery()
                .label(kind)
                for kind, name in _COUNTED.items()
            )
        )
        row = (await self._session.execute(query)).one()
        return {kind: getattr(row, kind) for kind in _COUNTED}

    async def alarms_since(self, tenant_id: UUID, start_ms: int) -> int:
        """Return how many alarms were made since then and are still there."""
        alarm = table("alarm", column("tenant_id", Guid), column("created_time", BigInteger))
        query = (
            select(func.count())
            .select_from(alarm)
            .where(alarm.c.tenant_id == tenant_id, alarm.c.created_time >= start_ms)
        )
        return await self._session.scalar(query) or 0
