"""Dashboards: made by a tenant's administrators, seen by the customers they are assigned to."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.database.engine import announce
from fieldline.domains.customer import service as customer_service
from fieldline.domains.dashboard import shown
from fieldline.domains.dashboard.errors import DashboardInUse, DashboardNotFound
from fieldline.domains.dashboard.fields import DashboardFields, set_fields
from fieldline.domains.dashboard.lists import (
    DashboardFilter,
    ListedDashboard,
    SeenDashboard,
    WholeDashboard,
)
from fieldline.domains.dashboard.models import Dashboard
from fieldline.domains.dashboard.repository import DashboardRepository
from fieldline.domains.tenant import service as tenant_service
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.paging import Page, PageRequest
from fieldline.kit.versions import check_version
from fieldline.messaging.events import Change, EntityChanged
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, check, tenant_of

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

NO_CONFIGURATION = "null"


async def get(session: "AsyncSession", caller: Caller, dashboard_id: UUID) -> ListedDashboard:
    """Return a dashboard without its configuration."""
    return await listed(session, caller, await find(session, caller, dashboard_id, Operation.READ))


async def get_whole(session: "AsyncSession", caller: Caller, dashboard_id: UUID) -> WholeDashboard:
    return await whole(session, caller, await find(session, caller, dashboard_id, Operation.READ))


async def get_seen(session: "AsyncSession", caller: Caller, dashboard_id: UUID) -> SeenDashboard:
    """Return what things of any kind show of themselves (``domains/entity``)."""
    found = await find(session, caller, dashboard_id, Operation.READ)
    return SeenDashboard(found.tenant_id, found.title, caller.customer_id)


async def page(
    session: "AsyncSession", caller: Caller, request: PageRequest, wanted: DashboardFilter
) -> Page[ListedDashboard]:
    """Return a page of the tenant's dashboards, to a customer user of those assigned to its own.

    Raises:
        CustomerNotFound: the tenant has no such customer as ``wanted`` names.
    """
    tenant_id, wanted = await customer_service.narrowed(
        session, caller, EntityType.DASHBOARD, wanted
    )
    found = await DashboardRepository(session).page(tenant_id, request, wanted)
    return Page(await _list(session, caller, found.items), found.total)


async def page_of_tenant(
    session: "AsyncSession", caller: Caller, tenant_id: UUID, request: PageRequest
) -> Page[ListedDashboard]:
    """Return what a system administrator may see of a tenant's dashboards."""
    await tenant_service.get(session, caller, tenant_id)
    found = await DashboardRepository(session).page(tenant_id, request, DashboardFilter())
    return Page(await _list(session, caller, found.items), found.total)


async def by_ids(
    session: "AsyncSession", caller: Caller, ids: Collection[UUID]
) -> list[ListedDashboard]:
    """Return the dashboards of these ids in their order; one the caller may not see is left out."""
    tenant_id = tenant_of(
        caller, Operation.READ, EntityType.DASHBOARD, customer_id=caller.customer_id
    )
    found = await DashboardRepository(session).by_ids(tenant_id, ids, caller.customer_id)
    by_id = {dashboard.id: dashboard for dashboard in found}
    ordered = [by_id[each] for each in dict.fromkeys(ids) if each in by_id]
    return await _list(session, caller, ordered)


async def ids_shown_to(session: "AsyncSession", customer_id: UUID, limit: int) -> Sequence[UUID]:
    """Return the ids of the dashboards assigned to a customer, at most ``limit``."""
    return await DashboardRepository(session).ids_of_customer(customer_id, limit)


async def create(
    session: "AsyncSession", caller: Caller, fields: DashboardFields
) -> WholeDashboard:
    """Make a dashboard, assigned to nobody.

    Raises:
        LimitReached: the tenant's profile allows no more.
    """
    tenant_id = tenant_of(caller, Operation.CREATE, EntityType.DASHBOARD)
    repository = DashboardRepository(session)
    await tenant_profile_service.require_room(
        session, tenant_id, EntityType.DASHBOARD, lambda: repository.count(tenant_id)
    )
    dashboard = Dashboard(tenant_id=tenant_id)
    await set_fields(dashboard, {"title": None, **fields})
    await repository.add(dashboard)
    await tell(session, caller, ListedDashboard(dashboard, []), Change.CREATED)
    return await whole(session, caller, dashboard)


async def update(
    session: "AsyncSession",
    caller: Caller,
    dashboard_id: UUID,
    fields: DashboardFields,
    *,
    version: int | None = None,
) -> WholeDashboard:
    """Change the given fields.

    Raises:
        StaleVersion: ``version`` is given and is not the stored one.
    """
    dashboard = await find(session, caller, dashboard_id, Operation.WRITE)
    check_version("Dashboard", version, dashboard.version)
    await set_fields(dashboard, fields)
    await DashboardRepository(session).save(dashboard)
    saved = await whole(session, caller, dashboard)
    await tell(session, caller, saved.listed, Change.UPDATED)
    return saved


async def delete(session: "AsyncSession", caller: Caller, dashboard_id: UUID) -> None:
    """Delete a dashboard.

    Raises:
        DashboardInUse: profiles name it as their default dashboard.
    """
    dashboard = await find(session, caller, dashboard_id, Operation.DELETE)
    repository = DashboardRepository(session)
    users = await repository.profiles_with(dashboard)
    if users:
        raise DashboardInUse([f"{kind.replace('_', ' ')} '{name}'" for kind, name in users])
    await tell(session, caller, await listed(session, caller, dashboard), Change.DELETED)
    await repository.delete(dashboard)


async def find(
    session: "AsyncSession", caller: Caller, dashboard_id: UUID, operation: Operation
) -> Dashboard:
    """Return the bare row, if the caller may do this; one that is changed is locked.

    Raises:
        DashboardNotFound: there is none.
        Forbidden: the caller may not.
    """
    repository = DashboardRepository(session)
    dashboard = await repository.get(dashboard_id, lock=operation is not Operation.READ)
    if dashboard is None:
        raise DashboardNotFound(dashboard_id)
    customer_id = caller.customer_id
    if customer_id is not None and not await repository.is_assigned(dashboard_id, customer_id):
        customer_id = None
    check(
        caller,
        operation,
        EntityType.DASHBOARD,
        tenant_id=dashboard.tenant_id,
        customer_id=customer_id,
        entity_id=dashboard_id,
    )
    return dashboard


async def listed(session: "AsyncSession", caller: Caller, dashboard: Dashboard) -> ListedDashboard:
    """Return a dashboard, which the caller may see, with its customers."""
    return (await _list(session, caller, [dashboard]))[0]


async def whole(session: "AsyncSession", caller: Caller, dashboard: Dashboard) -> WholeDashboard:
    """Return a dashboard, which the caller may see, with everything."""
    configuration = await DashboardRepository(session).configuration(dashboard.id)
    return WholeDashboard(
        await listed(session, caller, dashboard), configuration or NO_CONFIGURATION
    )


async def tell(
    session: "AsyncSession",
    caller: Caller,
    about: ListedDashboard,
    change: Change,
    *,
    customer_id: UUID | None = None,
) -> None:
    """Announce a change, with what lists show: a configuration would be too large for a record."""
    dashboard = about.dashboard
    event = EntityChanged(
        dashboard.tenant_id,
        EntityRef(EntityType.DASHBOARD, dashboard.id),
        change,
        by=caller.actor,
        name=dashboard.title,
        customer_id=customer_id,
        data=shown.info(about).model_dump(mode="json", by_alias=True),
    )
    await announce(session, event)


async def _list(
    session: "AsyncSession", caller: Caller, dashboards: Sequence[Dashboard]
) -> list[ListedDashboard]:
    """Add the customers, of whom a customer user is told only the own one."""
    ids = [dashboard.id for dashboard in dashboards]
    assigned = await DashboardRepository(session).assigned(ids, caller.customer_id) if ids else {}
    return [ListedDashboard(each, assigned.get(each.id, [])) for each in dashboards]
