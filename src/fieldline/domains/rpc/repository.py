"""Queries of kept commands."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import JSON, and_, column, delete, not_, select, table, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.database.repository import Column, fetch_page
from fieldline.database.types import Guid
from fieldline.domains.rpc.command import PENDING, RpcStatus
from fieldline.domains.rpc.models import Rpc
from fieldline.kit.paging import Page, PageRequest

_TENANT = table("tenant", column("id", Guid), column("tenant_profile_id", Guid))
_IS_DONE = and_(
    Rpc.status == RpcStatus.DELIVERED, type_coerce(Rpc.request, JSON())["oneway"].as_boolean()
)
_IS_OPEN = and_(Rpc.status.in_(sorted(PENDING)), not_(_IS_DONE))
"""A one-way command is done when it is delivered."""
_SORTABLE: dict[str, Column] = {
    "id": Rpc.id,
    "created_time": Rpc.created_time,
    "expiration_time": Rpc.expiration_time,
    "status": Rpc.status,
}


class RpcRepository:
    """Kept commands of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, rpc_id: UUID, *, lock: bool = False) -> Rpc | None:
        """Return a command; ``lock`` keeps others from changing it until the transaction ends."""
        return await self._session.get(Rpc, rpc_id, with_for_update=lock or None)

    async def page(
        self, tenant_id: UUID, device_id: UUID, request: PageRequest, status: RpcStatus | None
    ) -> Page[Rpc]:
        query = select(Rpc).where(Rpc.tenant_id == tenant_id, Rpc.device_id == device_id)
        if status is not None:
            query = query.where(Rpc.status == status)
        return await fetch_page(
            self._session, query, request, sortable=_SORTABLE, tie_breaker=Rpc.id
        )

    async def add(self, rpc: Rpc) -> None:
        self._session.add(rpc)
        await self._session.flush()

    async def delete(self, rpc: Rpc) -> None:
        await self._session.delete(rpc)

    async def pending(self, device_id: UUID, after_ms: int, limit: int) -> Sequence[Rpc]:
        """Return what is to be done yet, oldest first."""
        query = (
            select(Rpc)
            .where(
                Rpc.device_id == device_id,
                _IS_OPEN,
                Rpc.expiration_time > after_ms,
            )
            .order_by(Rpc.created_time, Rpc.id)
            .limit(limit)
        )
        return (await self._session.scalars(query)).all()

    async def devices_with_pending(self, after_ms: int) -> Collection[UUID]:
        """Return the devices that have something to do yet."""
        query = select(Rpc.device_id).where(_IS_OPEN, Rpc.expiration_time > after_ms)
        return set(await self._session.scalars(query.distinct()))

    async def expired(self, before_ms: int, limit: int) -> Sequence[UUID]:
        """Return ids of what should have been done by then and was not."""
        query = select(Rpc.id).where(_IS_OPEN, Rpc.expiration_time <= before_ms).limit(limit)
        return (await self._session.scalars(query)).all()

    async def made_before(self, profile_id: UUID, before_ms: int, limit: int) -> Sequence[UUID]:
        """Return ids of what was made before then by tenants with a profile."""
        query = (
            select(Rpc.id)
            .join(_TENANT, _TENANT.c.id == Rpc.tenant_id)
            .where(_TENANT.c.tenant_profile_id == profile_id, Rpc.created_time < before_ms)
            .limit(limit)
        )
        return (await self._session.scalars(query)).all()

    async def by_ids(self, ids: Collection[UUID]) -> Sequence[Rpc]:
        return (await self._session.scalars(select(Rpc).where(Rpc.id.in_(ids)))).all()

    async def delete_all(self, ids: Collection[UUID]) -> None:
        await self._session.execute(delete(Rpc).where(Rpc.id.in_(ids)))
