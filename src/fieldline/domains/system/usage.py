"""How much a tenant has of what its profile limits."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

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


async def of_tenant(session: "AsyncSession", caller: Caller, now_ms: int) -> UsageInfo:
    """Count what the caller's tenant has now, and the alarms of this calendar month (UTC).

    Edges are 0 while there are none; messages, scripts and mails are not counted.
    """
    tenant_id = tenant_of(caller, Operation.READ, EntityType.TENANT)
    repository = UsageRepository(session)
    limits = await tenant_profile_service.configuration(session, tenant_id)
    return UsageInfo(
        **await repository.counts(tenant_id),
        **{name: limits.get(stored) or 0 for name, stored in _LIMITS.items()},
        alarms=await repository.alarms_since(tenant_id, _month_start(now_ms)),
        edges=0,
        transport_messages=None,
        js_executions=None,
        tbel_executions=0,
        emails=None,
        sms=0,
        sms_enabled=False,
    )


def _month_start(now_ms: int) -> int:
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    return int(datetime(now.year, now.month, 1, tzinfo=UTC).timestamp() * 1000)
