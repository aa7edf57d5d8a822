"""A user's dashboards in ThingsBoard's dialect."""

from uuid import UUID

from fieldline.domains.user_dashboard import service
from fieldline.domains.user_dashboard.schemas import UserDashboards
from fieldline.rest.callers import TenantOrCustomer
from fieldline.rest.dialects import tb_router
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession

router = tb_router("user dashboards")


@router.get("/user/dashboards")
async def list_user_dashboards(caller: TenantOrCustomer, session: ReadSession) -> UserDashboards:
    """List the dashboards that the caller opened last, and those that it starred."""
    return await service.listed(session, caller)


@router.get("/user/lastVisitedDashboards")
async def list_last_visited_dashboards(
    caller: TenantOrCustomer, session: ReadSession
) -> UserDashboards:
    """List the same as ``/user/dashboards``, whose older name this is."""
    return await service.listed(session, caller)


@router.get("/user/dashboards/{dashboard_id}/{action}")
async def record_action(
    dashboard_id: UUID,
    action: str,
    caller: TenantOrCustomer,
    session: WriteSession,
    services: ServicesDep,
) -> UserDashboards:
    """Note that the caller opened a dashboard (visit), or gave or took its star (star, unstar)."""
    return await service.record(
        session,
        caller,
        dashboard_id,
        service.action_of(action),
        now_ms=services.clock.now_ms(),
    )
