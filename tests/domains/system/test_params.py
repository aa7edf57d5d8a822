"""What clients ask at log-in, through the real application."""

import fieldline
from tests.api.support import BASE_URL, Platform, created
from tests.domains.support import expect_error

PARAMS = "/api/system/params"
NUMBERS_OF_THE_PROFILE = {
    "maxResourceSize": 0,
    "maxDebugModeDurationMinutes": 15,
    "maxArgumentsPerCF": 10,
    "maxDataPointsPerRollingArg": 1000,
    "minAllowedScheduledUpdateIntervalInSecForCF": 10,
    "maxRelationLevelPerCfArgument": 2,
    "maxRelatedEntitiesToReturnPerCfArgument": 100,
    "minAllowedDeduplicationIntervalInSecForCF": 10,
    "minAllowedAggregationIntervalInSecForCF": 60,
    "intermediateAggregationIntervalInSecForCF": 300,
}
PARAMETERS = {
    "userTokenAccessEnabled": False,
    "allowedDashboardIds": [],
    "edgesSupportEnabled": False,
    "hasRepository": False,
    "tbelEnabled": False,
    "persistDeviceStateToTelemetry": False,
    "userSettings": {"openedMenuSections": []},
    "maxDatapointsLimit": 50_000,
    "mobileQrEnabled": False,
    "ruleChainDebugPerTenantLimitsConfiguration": None,
    "calculatedFieldDebugPerTenantLimitsConfiguration": None,
    "trendzSettings": None,
    "allowKeyFiltersOrConditions": False,
    "nullsOrderStrategy": "default",
    "edqsEnabled": False,
    "iotHubBaseUrl": None,
}


async def test_a_tenants_users_get_the_numbers_of_its_profile(platform: Platform) -> None:
    body = {"name": "other", "profileData": {"configuration": {"maxResourceSize": 7}}}
    profile = await created(await platform.sysadmin(), "/api/tenantProfile", body)
    tenant = await platform.tenant(tenantProfileId=profile["id"])

    for client, may_act in ((tenant.admin, True), (tenant.customer_user, False)):
        found = (await client.get(PARAMS)).json()
        assert found == PARAMETERS | NUMBERS_OF_THE_PROFILE | {
            "maxResourceSize": 7,
            "userTokenAccessEnabled": may_act,
        }


async def test_a_system_administrator_has_no_such_numbers(platform: Platform) -> None:
    found = (await (await platform.sysadmin()).get(PARAMS)).json()

    assert found == PARAMETERS | dict.fromkeys(NUMBERS_OF_THE_PROFILE, 0) | {
        "userTokenAccessEnabled": True
    }


async def test_the_callers_general_settings_are_in_it(platform: Platform) -> None:
    tenant = await platform.tenant()
    await created(tenant.admin, "/api/user/settings", {"openedMenuSections": ["a"], "b": 1})

    found = (await tenant.admin.get(PARAMS)).json()["userSettings"]
    other = (await tenant.customer_user.get(PARAMS)).json()["userSettings"]

    assert found == {"openedMenuSections": ["a"], "b": 1}
    assert other == {"openedMenuSections": []}


async def test_a_customers_user_is_told_which_dashboards_it_may_see(platform: Platform) -> None:
    tenant = await platform.tenant()
    dashboard = await created(tenant.admin, "/api/dashboard", {"title": "Floor"})
    dashboard_id = dashboard["id"]["id"]
    await created(
        tenant.admin, f"/api/customer/{tenant.customer_id}/dashboard/{dashboard_id}", None
    )

    assert (await tenant.customer_user.get(PARAMS)).json()["allowedDashboardIds"] == [dashboard_id]
    assert (await tenant.admin.get(PARAMS)).json()["allowedDashboardIds"] == []


async def test_everybody_who_is_logged_in_is_told_the_version_the_time_and_the_limits(
    platform: Platform,
) -> None:
    tenant = await platform.tenant()

    for client in (await platform.sysadmin(), tenant.admin, tenant.customer_user):
        version = await client.get("/api/system/info")
        help_url = await client.get("/api/uiSettings/helpBaseUrl")
        server_time = await client.get("/api/dashboard/serverTime")
        limit = await client.get("/api/dashboard/maxDatapointsLimit")

        assert version.json() == {
            "version": fieldline.__version__,
            "artifact": "fieldline",
            "name": "Fieldline",
            "type": "CE",
        }
        assert help_url.text == BASE_URL
        assert help_url.headers["content-type"].startswith("text/plain")
        assert server_time.json() == platform.clock.now_ms()
        assert limit.json() == 50_000


async def test_nobody_else_is(platform: Platform) -> None:
    for path in (
        PARAMS,
        "/api/system/info",
        "/api/uiSettings/helpBaseUrl",
        "/api/dashboard/serverTime",
        "/api/dashboard/maxDatapointsLimit",
    ):
        expect_error(await platform.anybody.get(path), 401, 10)
