"""How much a tenant has of what its profile limits."""

from typing import TYPE_CHECKING

from fieldline.domains.api_usage.counters import Usage
from fieldline.domains.api_usage.months import month_start
from fieldline.domains.system.repository import UsageRepository
from fieldline.domains.system.schemas import UsageInfo
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.kit.ids import EntityType
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, tenant_of

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

_LIMITS = {
    "max_devices": "maxDevices",
    "max_assets": "maxAssets",
    "max_customers": "maxCustomers",
    "max_users": "maxUsers",
    "max_dashboards": "maxDashboards",
    "max_edges": "maxEdges",
    "max_transport_messages": "maxTransportMessages",
    "max_js_executions": "maxJSExecutions",
    "max_tbel_executions": "maxTbelExecutions",
    "max_emails": "maxEmails",
    "max_sms": "maxSms",
    "max_alarms": "maxCreatedAlarms",
}
"""Names in the answer and in a profile's configuration."""


async def of_tenant(
    session: "AsyncSession", caller: Caller, usage: Usage, now_ms: int
) -> UsageInfo:
    """Count what the caller's tenant has now, and used in this calendar month (UTC).

    What there is none of yet is 0: edges, TBEL, SMS, mails of rules.
    """
    tenant_id = tenant_of(caller, Operation.READ, EntityType.TENANT)
    used = usage.of(tenant_id)
    repository = UsageRepository(session)
    limits = await tenant_profile_service.configuration(session, tenant_id)
    return UsageInfo(
        **await repository.counts(tenant_id),
        **{name: limits.get(stored) or 0 for name, stored in _LIMITS.items()},
        alarms=await repository.alarms_since(tenant_id, month_start(now_ms)),
        edges=0,
        transport_messages=used.transport_messages,
        js_executions=used.js_executions,
        tbel_executions=0,
        emails=0,
        sms=0,
        sms_enabled=False,
    )
