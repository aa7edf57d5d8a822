"""Queries of integrations."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.database.repository import Column, fetch_page, upserting
from fieldline.domains.integration.models import Integration, IntegrationStatistics
from fieldline.domains.integration.statistics import COUNTED, Statistics
from fieldline.kit.paging import Page, PageRequest

_SORTABLE: dict[str, Column] = {
    "created_time": Integration.created_time,
    "name": Integration.name,
}


class IntegrationRepository:
    """Integrations of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, integration_id: UUID, *, lock: bool = False) -> Integration | None:
        """Return one; ``lock`` keeps others from changing it until the transaction ends."""
        return await self._session.get(Integration, integration_id, with_for_update=lock or None)

    async def page(
        self, tenant_id: UUID, request: PageRequest, *, type_: str | None
    ) -> Page[Integration]:
        query = select(Integration).where(Integration.tenant_id == tenant_id)
        if type_ is not None:
            query = query.where(Integration.type == type_)
        return await fetch_page(
            self._session,
            query,
            request,
            sortable=_SORTABLE,
            tie_breaker=Integration.id,
            searched=(Integration.name,),
        )

    async def count(self, tenant_id: UUID) -> int:
        query = select(func.count()).where(Integration.tenant_id == tenant_id)
        return await self._session.scalar(query) or 0

    async def by_name(self, tenant_id: UUID, name: str) -> Integration | None:
        query = select(Integration).where(
            Integration.tenant_id == tenant_id, Integration.name == name
        )
        return (await self._session.scalars(query)).one_or_none()

    async def of_session(
        self, tenant_id: UUID, host: str, port: int, client_id: str
    ) -> Sequence[Integration]:
        """Return the tenant's integrations that have a session of a broker."""
        query = select(Integration).where(
            Integration.tenant_id == tenant_id,
            Integration.host == host,
            Integration.port == port,
            Integration.client_id == client_id,
        )
        return (await self._session.scalars(query)).all()

    async def enabled_ids(self) -> Sequence[UUID]:
        query = select(Integration.id).where(Integration.enabled).order_by(Integration.id)
        return (await self._session.scalars(query)).all()

    async def add(self, integration: Integration) -> None:
        self._session.add(integration)
        await self._session.flush()

    async def flush(self) -> None:
        await self._session.flush()

    async def remove(self, integration: Integration) -> None:
        await self._session.delete(integration)
        await self._session.flush()

    async def statistics(self, ids: Collection[UUID]) -> dict[UUID, Statistics]:
        """Return what is written of integrations; of some there is nothing yet."""
        if not ids:
            return {}
        query = select(IntegrationStatistics).where(IntegrationStatistics.integration_id.in_(ids))
        return {
            row.integration_id: Statistics(*(getattr(row, name) for name in COUNTED))
            for row in await self._session.scalars(query)
        }

    async def save_statistics(self, found: Mapping[UUID, Statistics]) -> None:
        """Write statistics; those of integrations that are gone are left out."""
        # The rows are held, so that none of them is deleted before its statistics are there.
        query = select(Integration.id).where(Integration.id.in_(found.keys()))
        for integration_id in (await self._session.scalars(query.with_for_update(read=True))).all():
            values = {name: getattr(found[integration_id], name) for name in COUNTED}
            statement = upserting(self._session, IntegrationStatistics).values(
                integration_id=integration_id, **values
            )
            await self._session.execute(
                statement.on_conflict_do_update(index_elements=["integration_id"], set_=values)
            )
