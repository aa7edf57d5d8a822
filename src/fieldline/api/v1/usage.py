"""How much a tenant has and uses, in the v1 dialect."""

from pydantic import BaseModel

from fieldline.domains.api_usage import service
from fieldline.domains.api_usage.counters import UsageState
from fieldline.domains.api_usage.dependency import UsageDep
from fieldline.domains.api_usage.months import month_name
from fieldline.domains.system import usage as system_usage
from fieldline.rest.callers import TenantAdmin
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession

router = v1_router("usage")


class MonthOut(BaseModel):
    """What the tenant used in a calendar month (UTC), as ``2026-11``."""

    month: str
    transport_messages: int
    transport_data_points: int
    rule_engine_executions: int
    js_executions: int


class UsageOut(MonthOut):
    """What the tenant has, and used in this month; of a ``max`` 0 is unlimited.

    A state is WARNING when the ``warn_threshold`` of the tenant's profile is passed, DISABLED when
    the limit is reached: then devices, or scripts, are refused until the month ends.
    """

    transport_state: UsageState
    max_transport_messages: int
    max_transport_data_points: int
    js_execution_state: UsageState
    max_js_executions: int
    warn_threshold: float
    devices: int
    max_devices: int
    assets: int
    max_assets: int
    customers: int
    max_customers: int
    users: int
    max_users: int
    dashboards: int
    max_dashboards: int
    alarms: int


@router.get("/usage")
async def get_usage(
    caller: TenantAdmin, session: ReadSession, services: ServicesDep, usage: UsageDep
) -> UsageOut:
    """Return how much the tenant has, what it used in this month, and what it may use."""
    found = await system_usage.of_tenant(session, caller, usage, services.clock.now_ms())
    counts, limits = await service.present(session, caller, usage)
    return UsageOut.model_validate(
        {
            **found.model_dump(),
            **counts,
            "month": month_name(usage.month_ms),
            "transport_state": limits.transport_state(counts),
            "max_transport_data_points": limits.transport_data_points,
            "js_execution_state": limits.js_state(counts),
            "warn_threshold": limits.warn_threshold,
        }
    )


@router.get("/usage/months")
async def list_months(
    caller: TenantAdmin, session: ReadSession, usage: UsageDep, page: V1Page
) -> list[MonthOut]:
    """List what the tenant used in each month, the newest first."""
    found = await service.months(session, caller, usage, page)
    return [MonthOut(month=month_name(use.month_ms), **use.counts) for use in found]
