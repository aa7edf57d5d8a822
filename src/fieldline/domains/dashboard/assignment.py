"""Which customers a dashboard is assigned to."""

from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.domains.customer import service as customer_service
from fieldline.domains.customer.errors import CustomerNotFound
from fieldline.domains.dashboard import service
from fieldline.domains.dashboard.errors import InvalidDashboard
from fieldline.domains.dashboard.lists import WholeDashboard
from fieldline.domains.dashboard.models import Dashboard
from fieldline.domains.dashboard.repository import DashboardRepository
from fieldline.messaging.events import Change
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

MAX_CUSTOMERS = 1_000
"""Customers of one dashboard at the most; every list of dashboards shows all of them."""


async def assign(
    session: "AsyncSession", caller: Caller, dashboard_id: UUID, customer_ids: Collection[UUID]
) -> WholeDashboard:
    """Show a dashboard to these customers too.

    Raises:
        CustomerNotFound: the tenant has no such customer.
        InvalidDashboard: they would be too many.
    """
    dashboard, present = await _open(session, caller, dashboard_id, customer_ids)
    return await _set(session, caller, dashboard, present, present | set(customer_ids))


async def unassign(
    session: "AsyncSession", caller: Caller, dashboard_id: UUID, customer_ids: Collection[UUID]
) -> WholeDashboard:
    """Hide a dashboard from these customers; raises as :func:`assign`."""
    dashboard, present = await _open(session, caller, dashboard_id, customer_ids)
    return await _set(session, caller, dashboard, present, present - set(customer_ids))


async def assign_exactly(
    session: "AsyncSession", caller: Caller, dashboard_id: UUID, customer_ids: Collection[UUID]
) -> WholeDashboard:
    """Show a dashboard to these customers and to no others; raises as :func:`assign`."""
    dashboard, present = await _open(session, caller, dashboard_id, customer_ids)
    return await _set(session, caller, dashboard, present, set(customer_ids))


async def publish(session: "AsyncSession", caller: Caller, dashboard_id: UUID) -> WholeDashboard:
    """Show a dashboard to everybody."""
    dashboard, present = await _open(session, caller, dashboard_id, ())
    public = await customer_service.public_customer(session, dashboard.tenant_id)
    return await _set(session, caller, dashboard, present, present | {public.id})


async def unpublish(session: "AsyncSession", caller: Caller, dashboard_id: UUID) -> WholeDashboard:
    """Show a dashboard no longer to everybody; its other customers keep it."""
    dashboard, present = await _open(session, caller, dashboard_id, ())
    found = await DashboardRepository(session).assigned([dashboard_id], None)
    public = {each.customer_id for each in found.get(dashboard_id, ()) if each.is_public}
    return await _set(session, caller, dashboard, present, present - public)


async def _open(
    session: "AsyncSession", caller: Caller, dashboard_id: UUID, customer_ids: Collection[UUID]
) -> tuple[Dashboard, set[UUID]]:
    """Return the dashboard, locked, and its customers; the named ones must be the tenant's."""
    dashboard = await service.find(session, caller, dashboard_id, Operation.ASSIGN)
    if len(customer_ids) > MAX_CUSTOMERS:
        raise _too_many(len(customer_ids))
    known = await customer_service.by_ids(session, caller, customer_ids) if customer_ids else ()
    missing = set(customer_ids) - {customer.id for customer in known}
    if missing:
        raise CustomerNotFound(min(missing))
    found = await DashboardRepository(session).assigned([dashboard_id], None)
    return dashboard, {each.customer_id for each in found.get(dashboard_id, ())}


async def _set(
    session: "AsyncSession",
    caller: Caller,
    dashboard: Dashboard,
    present: set[UUID],
    wanted: set[UUID],
) -> WholeDashboard:
    if len(wanted) > MAX_CUSTOMERS:
        raise _too_many(len(wanted))
    repository = DashboardRepository(session)
    if wanted != present:
        await repository.unassign(dashboard.id, present - wanted)
        await repository.assign(dashboard.id, sorted(wanted - present))
        await repository.save(dashboard)
    saved = await service.whole(session, caller, dashboard)
    for change, customers in (
        (Change.UNASSIGNED, present - wanted),
        (Change.ASSIGNED, wanted - present),
    ):
        for customer_id in sorted(customers):
            await service.tell(session, caller, saved.listed, change, customer_id=customer_id)
    return saved


def _too_many(count: int) -> InvalidDashboard:
    return InvalidDashboard(
        f"A dashboard can be assigned to at most {MAX_CUSTOMERS} customers, not to {count}"
    )
