"""Queries of dashboards."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Select,
    TableClause,
    column,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    table,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from fieldline.database.repository import Column, fetch_page
from fieldline.database.types import Guid
from fieldline.domains.dashboard.lists import Assigned, DashboardFilter
from fieldline.domains.dashboard.models import Dashboard, DashboardCustomer
from fieldline.kit.paging import Page, PageRequest

_CUSTOMER = table("customer", column("id", Guid), column("title"), column("is_public", Boolean))


def _profile(name: str) -> TableClause:
    return table(
        name, column("name"), column("tenant_id", Guid), column("default_dashboard_id", Guid)
    )


_PROFILES = {name: _profile(name) for name in ("device_profile", "asset_profile")}
"""Tables that name a dashboard as the default one of their kind."""
_SORTABLE: dict[str, Column] = {
    "id": Dashboard.id,
    "created_time": Dashboard.created_time,
    "title": Dashboard.title,
    "name": Dashboard.title,
    "mobile_hide": Dashboard.mobile_hide,
    "mobile_order": Dashboard.mobile_order,
    "tenant_id": Dashboard.tenant_id,
}
MAX_USERS_NAMED = 5
"""Profiles that an error names; there may be thousands."""


class DashboardRepository:
    """Dashboards of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, dashboard_id: UUID, *, lock: bool = False) -> Dashboard | None:
        """Return a dashboard; ``lock`` keeps others from changing it until the transaction ends."""
        return await self._session.get(Dashboard, dashboard_id, with_for_update=lock or None)

    async def configuration(self, dashboard_id: UUID) -> str | None:
        query = select(Dashboard.configuration).where(Dashboard.id == dashboard_id)
        return await self._session.scalar(query)

    async def by_ids(
        self, tenant_id: UUID, ids: Collection[UUID], customer_id: UUID | None
    ) -> Sequence[Dashboard]:
        query = _of_tenant(tenant_id, DashboardFilter(customer_id))
        return (await self._session.scalars(query.where(Dashboard.id.in_(ids)))).all()

    async def page(
        self, tenant_id: UUID, request: PageRequest, wanted: DashboardFilter
    ) -> Page[Dashboard]:
        query = _of_tenant(tenant_id, wanted)
        if wanted.for_mobile:
            query = query.order_by(Dashboard.mobile_order.asc().nulls_last())
        return await fetch_page(
            self._session,
            query,
            request,
            sortable=_SORTABLE,
            tie_breaker=Dashboard.id,
            searched=[Dashboard.search_text],
        )

    async def ids_of_customer(self, customer_id: UUID, limit: int) -> Sequence[UUID]:
        """Return the dashboards assigned to a customer, the oldest first, at most ``limit``."""
        query = (
            select(DashboardCustomer.dashboard_id)
            .where(DashboardCustomer.customer_id == customer_id)
            .order_by(DashboardCustomer.dashboard_id)
        )
        return (await self._session.scalars(query.limit(limit))).all()

    async def is_assigned(self, dashboard_id: UUID, customer_id: UUID) -> bool:
        query = select(
            exists().where(
                DashboardCustomer.dashboard_id == dashboard_id,
                DashboardCustomer.customer_id == customer_id,
            )
        )
        return bool(await self._session.scalar(query))

    async def assigned(
        self, ids: Collection[UUID], only_customer: UUID | None
    ) -> dict[UUID, list[Assigned]]:
        """Return dashboard -> its customers by title, in one query for a whole list."""
        query = (
            select(DashboardCustomer.dashboard_id, _CUSTOMER)
            .join(_CUSTOMER, _CUSTOMER.c.id == DashboardCustomer.customer_id)
            .where(DashboardCustomer.dashboard_id.in_(ids))
            .order_by(_CUSTOMER.c.title, _CUSTOMER.c.id)
        )
        if only_customer is not None:
            query = query.where(DashboardCustomer.customer_id == only_customer)
        found: dict[UUID, list[Assigned]] = {}
        for row in await self._session.execute(query):
            customer = Assigned(row.id, row.title, bool(row.is_public))
            found.setdefault(row.dashboard_id, []).append(customer)
        return found

    async def assign(self, dashboard_id: UUID, customer_ids: Collection[UUID]) -> None:
        if customer_ids:
            rows = [{"dashboard_id": dashboard_id, "customer_id": each} for each in customer_ids]
            await self._session.execute(insert(DashboardCustomer), rows)

    async def unassign(self, dashboard_id: UUID, customer_ids: Collection[UUID]) -> None:
        await self._session.execute(
            delete(DashboardCustomer).where(
                DashboardCustomer.dashboard_id == dashboard_id,
                DashboardCustomer.customer_id.in_(customer_ids),
            )
        )

    async def profiles_with(self, dashboard: Dashboard) -> list[tuple[str, str]]:
        """Return (kind, name) of profiles whose default dashboard this is, a few of them."""
        queries = [
            select(literal(kind).label("kind"), profile.c.name).where(
                profile.c.tenant_id == dashboard.tenant_id,
                profile.c.default_dashboard_id == dashboard.id,
            )
            for kind, profile in _PROFILES.items()
        ]
        found = union_all(*queries).order_by("kind", "name").limit(MAX_USERS_NAMED)
        return [(row.kind, row.name) for row in await self._session.execute(found)]

    async def count(self, tenant_id: UUID) -> int:
        query = select(func.count(Dashboard.id)).where(Dashboard.tenant_id == tenant_id)
        return await self._session.scalar(query) or 0

    async def add(self, dashboard: Dashboard) -> None:
        self._session.add(dashboard)
        await self._session.flush()

    async def save(self, dashboard: Dashboard) -> None:
        """Write the dashboard; its version rises even when nothing else changed."""
        flag_modified(dashboard, "title")
        await self._session.flush()

    async def delete(self, dashboard: Dashboard) -> None:
        await self._session.delete(dashboard)
        await self._session.flush()


def _of_tenant(tenant_id: UUID, wanted: DashboardFilter) -> Select[Dashboard]:
    query = select(Dashboard).where(Dashboard.tenant_id == tenant_id)
    if wanted.customer_id is not None:
        query = query.where(
            exists().where(
                DashboardCustomer.dashboard_id == Dashboard.id,
                DashboardCustomer.customer_id == wanted.customer_id,
            )
        )
    if wanted.for_mobile:
        query = query.where(Dashboard.mobile_hide.is_(False))
    return query
