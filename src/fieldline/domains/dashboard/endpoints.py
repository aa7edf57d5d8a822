"""Dashboards in ThingsBoard's dialect."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Depends, Query, Request
from starlette.responses import Response

from fieldline.domains.dashboard import assignment, service
from fieldline.domains.dashboard import home as home_dashboard
from fieldline.domains.dashboard.answers import json_answer
from fieldline.domains.dashboard.fields import DashboardFields
from fieldline.domains.dashboard.home import Home
from fieldline.domains.dashboard.lists import DashboardFilter
from fieldline.domains.dashboard.schemas import (
    Dashboard,
    DashboardInfo,
    DashboardSave,
    HomeDashboard,
    HomeDashboardInfo,
)
from fieldline.domains.dashboard.shown import info, whole_json
from fieldline.rest.callers import AnyUser, SysAdmin, TenantAdmin, TenantOrCustomer
from fieldline.rest.dialects import tb_router
from fieldline.rest.documents import MAY_BE_EMPTY
from fieldline.rest.paging import PageData, TbPage
from fieldline.rest.parameters import id_list
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.rest.wire import values_of

router = tb_router("dashboard")
DashboardIds = Annotated[list[UUID], Depends(id_list("dashboardIds"))]
CustomerIds = Annotated[list[UUID], Body()]
Mobile = Annotated[bool | None, Query()]


@router.get("/dashboard/home", response_model=HomeDashboard, responses=MAY_BE_EMPTY)
async def get_home_dashboard(request: Request, caller: AnyUser, session: ReadSession) -> Response:
    """Return the dashboard of the caller's home page; an empty answer means there is none."""
    found = await home_dashboard.home(session, caller)
    if found is None or found.dashboard_id is None:
        return Response()
    shown = whole_json(await service.get_whole(session, caller, found.dashboard_id))
    return await json_answer(request, shown | {"hideDashboardToolbar": found.hides_toolbar})


@router.get("/dashboard/home/info", response_model=HomeDashboardInfo, responses=MAY_BE_EMPTY)
async def get_home_dashboard_info(
    caller: AnyUser, session: ReadSession
) -> Response | HomeDashboardInfo:
    """Return which dashboard the caller's home page shows; an empty answer means none."""
    found = await home_dashboard.home(session, caller)
    return Response() if found is None else _shown_home(found)


@router.get("/tenant/dashboard/home/info")
async def get_tenant_home_dashboard_info(
    caller: TenantAdmin, session: ReadSession
) -> HomeDashboardInfo:
    """Return which dashboard is on the home pages of the tenant's users who chose none."""
    return _shown_home(await home_dashboard.of_tenant(session, caller))


@router.post("/tenant/dashboard/home/info")
async def set_tenant_home_dashboard_info(
    body: HomeDashboardInfo, caller: TenantAdmin, session: WriteSession
) -> None:
    """Choose the dashboard on the home pages of the tenant's users who chose none."""
    wanted = Home(body.dashboard_id, body.hide_dashboard_toolbar)
    await home_dashboard.set_of_tenant(session, caller, wanted)


@router.get("/dashboard/info/{dashboard_id}")
async def get_dashboard_info(
    dashboard_id: UUID, caller: AnyUser, session: ReadSession
) -> DashboardInfo:
    """Return one dashboard without its configuration."""
    return info(await service.get(session, caller, dashboard_id))


@router.get("/dashboard/{dashboard_id}", response_model=Dashboard)
async def get_dashboard(
    request: Request,
    dashboard_id: UUID,
    caller: TenantOrCustomer,
    session: ReadSession,
    with_resources: Annotated[bool, Query(alias="includeResources")] = False,
) -> Response:
    """Return one dashboard; the resources asked for are none, since there are none yet."""
    found = await service.get_whole(session, caller, dashboard_id)
    return await json_answer(request, whole_json(found, [] if with_resources else None))


@router.post("/dashboard", response_model=Dashboard)
async def save_dashboard(
    request: Request, body: DashboardSave, caller: TenantAdmin, session: WriteSession
) -> Response:
    """Create a dashboard or, with an id, replace it; its customers stay."""
    fields: DashboardFields = values_of(body, "id", "version")
    if body.id is None:
        saved = await service.create(session, caller, fields)
    else:
        saved = await service.update(session, caller, body.id, fields, version=body.version)
    return await json_answer(request, whole_json(saved))


@router.delete("/dashboard/{dashboard_id}")
async def delete_dashboard(dashboard_id: UUID, caller: TenantAdmin, session: WriteSession) -> None:
    """Delete a dashboard; one that profiles have as their default is kept."""
    await service.delete(session, caller, dashboard_id)


@router.post("/customer/public/dashboard/{dashboard_id}", response_model=Dashboard)
async def assign_dashboard_to_public(
    request: Request, dashboard_id: UUID, caller: TenantAdmin, session: WriteSession
) -> Response:
    """Make a dashboard visible to everybody."""
    saved = await assignment.publish(session, caller, dashboard_id)
    return await json_answer(request, whole_json(saved))


@router.delete("/customer/public/dashboard/{dashboard_id}", response_model=Dashboard)
async def unassign_dashboard_from_public(
    request: Request, dashboard_id: UUID, caller: TenantAdmin, session: WriteSession
) -> Response:
    """Make a dashboard visible no longer to everybody; its other customers keep it."""
    saved = await assignment.unpublish(session, caller, dashboard_id)
    return await json_answer(request, whole_json(saved))


@router.post("/customer/{customer_id}/dashboard/{dashboard_id}", response_model=Dashboard)
async def assign_dashboard(
    request: Request,
    customer_id: UUID,
    dashboard_id: UUID,
    caller: TenantAdmin,
    session: WriteSession,
) -> Response:
    """Assign a dashboard to one more customer."""
    saved = await assignment.assign(session, caller, dashboard_id, [customer_id])
    return await json_answer(request, whole_json(saved))


@router.delete("/customer/{customer_id}/dashboard/{dashboard_id}", response_model=Dashboard)
async def unassign_dashboard(
    request: Request,
    customer_id: UUID,
    dashboard_id: UUID,
    caller: TenantAdmin,
    session: WriteSession,
) -> Response:
    """Take a dashboard from a customer."""
    saved = await assignment.unassign(session, caller, dashboard_id, [customer_id])
    return await json_answer(request, whole_json(saved))


@router.post("/dashboard/{dashboard_id}/customers", response_model=Dashboard)
async def set_dashboard_customers(
    request: Request,
    dashboard_id: UUID,
    caller: TenantAdmin,
    session: WriteSession,
    customer_ids: CustomerIds | None = None,
) -> Response:
    """Assign a dashboard to exactly these customers; without a body to nobody."""
    saved = await assignment.assign_exactly(session, caller, dashboard_id, customer_ids or [])
    return await json_answer(request, whole_json(saved))


@router.post("/dashboard/{dashboard_id}/customers/add", response_model=Dashboard)
async def add_dashboard_customers(
    request: Request,
    dashboard_id: UUID,
    customer_ids: CustomerIds,
    caller: TenantAdmin,
    session: WriteSession,
) -> Response:
    """Assign a dashboard to these customers too."""
    saved = await assignment.assign(session, caller, dashboard_id, customer_ids)
    return await json_answer(request, whole_json(saved))


@router.post("/dashboard/{dashboard_id}/customers/remove", response_model=Dashboard)
async def remove_dashboard_customers(
    request: Request,
    dashboard_id: UUID,
    customer_ids: CustomerIds,
    caller: TenantAdmin,
    session: WriteSession,
) -> Response:
    """Take a dashboard from these customers."""
    saved = await assignment.unassign(session, caller, dashboard_id, customer_ids)
    return await json_answer(request, whole_json(saved))


@router.get("/tenant/dashboards")
async def list_tenant_dashboards(
    page: TbPage, caller: TenantAdmin, session: ReadSession, mobile: Mobile = None
) -> PageData[DashboardInfo]:
    """List the tenant's dashboards; ``mobile`` those shown there, in their order there."""
    wanted = DashboardFilter(for_mobile=bool(mobile))
    return PageData.of((await service.page(session, caller, page, wanted)).map(info), page)


@router.get("/tenant/{tenant_id}/dashboards")
async def list_dashboards_of_tenant(
    tenant_id: UUID, page: TbPage, caller: SysAdmin, session: ReadSession
) -> PageData[DashboardInfo]:
    """List the dashboards of any tenant, without their configurations."""
    found = await service.page_of_tenant(session, caller, tenant_id, page)
    return PageData.of(found.map(info), page)


@router.get("/customer/{customer_id}/dashboards")
async def list_customer_dashboards(
    customer_id: UUID,
    page: TbPage,
    caller: TenantOrCustomer,
    session: ReadSession,
    mobile: Mobile = None,
) -> PageData[DashboardInfo]:
    """List the dashboards assigned to a customer."""
    wanted = DashboardFilter(customer_id, for_mobile=bool(mobile))
    return PageData.of((await service.page(session, caller, page, wanted)).map(info), page)


@router.get("/dashboards", include_in_schema=False)
@router.get("/dashboards/list")
async def list_dashboards_by_ids(
    ids: DashboardIds, caller: TenantOrCustomer, session: ReadSession
) -> list[DashboardInfo]:
    """List the dashboards of these ids; missing and foreign ones are left out."""
    return [info(each) for each in await service.by_ids(session, caller, ids)]


def _shown_home(found: Home) -> HomeDashboardInfo:
    return HomeDashboardInfo(
        dashboard_id=found.dashboard_id, hide_dashboard_toolbar=found.hides_toolbar
    )
