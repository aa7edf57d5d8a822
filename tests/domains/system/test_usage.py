"""How much a tenant has, through the real application."""

from fieldline.domains.system import usage
from tests.api.support import Platform, Tenant, created
from tests.domains.support import expect_error

USAGE = "/api/usage"
DAY_MS = 24 * 3600 * 1000
LIMITS = {
    "maxDevices": 11,
    "maxAssets": 12,
    "maxCustomers": 13,
    "maxUsers": 14,
    "maxDashboards": 15,
    "maxEdges": 16,
    "maxTransportMessages": 17,
    "maxJSExecutions": 18,
    "maxTbelExecutions": 19,
    "maxEmails": 20,
    "maxSms": 21,
    "maxCreatedAlarms": 22,
}


async def limited_tenant(platform: Platform) -> Tenant:
    body = {"name": "limited", "profileData": {"configuration": LIMITS}}
    profile = await created(await platform.sysadmin(), "/api/tenantProfile", body)
    return await platform.tenant(tenantProfileId=profile["id"])


async def fill(tenant: Tenant) -> None:
    device = await created(tenant.admin, "/api/device", {"name": "meter"})
    await created(tenant.admin, "/api/device", {"name": "valve"})
    await created(tenant.admin, "/api/asset", {"name": "hall"})
    await created(tenant.admin, "/api/dashboard", {"title": "Floor"})
    alarm = {"type": "broken", "severity": "MAJOR", "originator": device["id"]}
    await created(tenant.admin, "/api/alarm", alarm)


async def test_what_a_tenant_has_is_counted_beside_its_limits(platform: Platform) -> None:
    tenant, other = await limited_tenant(platform), await platform.tenant()
    await fill(tenant)
    await fill(other)
    counted = platform.usage.of(tenant.id)
    counted.transport_messages, counted.js_executions = 3, 2

    found = (await tenant.admin.get(USAGE)).json()

    assert found == {
        "devices": 2,
        "maxDevices": 11,
        "assets": 1,
        "maxAssets": 12,
        "customers": 1,
        "maxCustomers": 13,
        "users": 2,
        "maxUsers": 14,
        "dashboards": 1,
        "maxDashboards": 15,
        "edges": 0,
        "maxEdges": 16,
        "transportMessages": 3,
        "maxTransportMessages": 17,
        "jsExecutions": 2,
        "maxJsExecutions": 18,
        "tbelExecutions": 0,
        "maxTbelExecutions": 19,
        "emails": 0,
        "maxEmails": 20,
        "sms": 0,
        "maxSms": 21,
        "smsEnabled": False,
        "alarms": 1,
        "maxAlarms": 22,
    }


async def test_alarms_of_earlier_months_are_not_counted(platform: Platform) -> None:
    tenant = await platform.tenant()
    await fill(tenant)
    caller = platform.services.tokens.verify_access(tenant.admin.token or "")

    async with platform.services.database.read() as session:
        found = [
            (await usage.of_tenant(session, caller, platform.usage, now_ms)).alarms
            for now_ms in (platform.clock.now_ms(), platform.clock.now_ms() + 40 * DAY_MS)
        ]

    assert found == [1, 0]


async def test_only_a_tenant_administrator_may_ask(platform: Platform) -> None:
    tenant = await platform.tenant()

    for client in (tenant.customer_user, await platform.sysadmin()):
        expect_error(await client.get(USAGE), 403, 20)
