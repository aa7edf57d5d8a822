"""The dashboard of the home page, through the real application."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.support import Client, Platform, Tenant, created
from tests.domains.dashboard.support import DASHBOARD, assign, make, path_of
from tests.domains.support import expect_error, on_sqlite

HOME = "/api/tenant/dashboard/home/info"
MISSING = "784f394c-42b6-435a-983c-b7beff2784f9"


async def home_of(client: Client) -> Any:
    """Return the title of the home dashboard, None for none."""
    whole = await client.get(f"{DASHBOARD}/home")
    info = await client.get(f"{DASHBOARD}/home/info")
    assert (whole.status_code, info.status_code) == (200, 200), whole.text
    if not whole.content:
        assert info.content == b""
        return None
    assert info.json() == {
        "dashboardId": whole.json()["id"],
        "hideDashboardToolbar": whole.json()["hideDashboardToolbar"],
    }
    return whole.json()["title"]


async def choose(client: Client, info: dict[str, Any]) -> None:
    """Set the additional info of the client's own user."""
    user = (await client.get("/api/auth/user")).json()
    await created(client, "/api/user", user | {"additionalInfo": info})


async def test_nobody_has_a_home_dashboard_at_first(platform: Platform, tenant: Tenant) -> None:
    for client in (tenant.admin, tenant.customer_user, await platform.sysadmin()):
        assert await home_of(client) is None
    assert (await tenant.admin.get(HOME)).json() == {
        "dashboardId": None,
        "hideDashboardToolbar": True,
    }


async def test_the_tenants_home_dashboard_is_everybodys_who_may_see_it(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin, configuration={"a": 1})
    wanted = {"dashboardId": dashboard["id"], "hideDashboardToolbar": False}

    saved = await tenant.admin.post(HOME, json=wanted)

    assert (saved.status_code, saved.content) == (200, b"")
    assert (await tenant.admin.get(HOME)).json() == wanted
    found = (await tenant.admin.get(f"{DASHBOARD}/home")).json()
    assert found == dashboard | {"hideDashboardToolbar": False}
    assert await home_of(tenant.customer_user) is None
    await assign(tenant, dashboard, tenant.customer_id)
    assert await home_of(tenant.customer_user) == "Floor"


async def test_choosing_none_and_keeping_the_rest_of_the_tenants_info(platform: Platform) -> None:
    tenant = await platform.tenant(additionalInfo={"description": "d"})
    dashboard = await make(tenant.admin)
    await tenant.admin.post(HOME, json={"dashboardId": dashboard["id"]})

    await tenant.admin.post(HOME, json={"dashboardId": None})

    info = (await tenant.admin.get(f"/api/tenant/{tenant.id}")).json()["additionalInfo"]
    assert info == {"description": "d", "homeDashboardHideToolbar": True}
    assert await home_of(tenant.admin) is None


async def test_the_users_choice_comes_before_the_customers_and_the_tenants(
    tenant: Tenant,
) -> None:
    made = [await make(tenant.admin, title) for title in ("of tenant", "of customer", "of user")]
    for dashboard in made:
        await assign(tenant, dashboard, tenant.customer_id)
    ids = [dashboard["id"]["id"] for dashboard in made]
    found = []

    await tenant.admin.post(HOME, json={"dashboardId": made[0]["id"]})
    found.append(await home_of(tenant.customer_user))
    customer = (await tenant.admin.get(f"/api/customer/{tenant.customer_id}")).json()
    await created(
        tenant.admin, "/api/customer", customer | {"additionalInfo": {"homeDashboardId": ids[1]}}
    )
    found.append(await home_of(tenant.customer_user))
    await choose(tenant.customer_user, {"homeDashboardId": ids[2]})
    found.append(await home_of(tenant.customer_user))

    assert found == ["of tenant", "of customer", "of user"]
    assert await home_of(tenant.admin) == "of tenant"


@pytest.mark.parametrize("chosen", ["nonsense", MISSING, 5, {"id": "x"}, None])
async def test_a_choice_that_is_no_dashboard_counts_as_none(tenant: Tenant, chosen: object) -> None:
    dashboard = await make(tenant.admin)
    await tenant.admin.post(HOME, json={"dashboardId": dashboard["id"]})

    await choose(tenant.admin, {"homeDashboardId": chosen})

    assert await home_of(tenant.admin) == "Floor"


async def test_a_deleted_home_dashboard_counts_as_none(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    await tenant.admin.post(HOME, json={"dashboardId": dashboard["id"]})

    await tenant.admin.delete(path_of(dashboard))

    assert await home_of(tenant.admin) is None


async def test_a_foreign_or_missing_dashboard_is_no_home(tenant: Tenant, stranger: Tenant) -> None:
    foreign = await make(stranger.admin, "foreign")

    refused = await tenant.admin.post(HOME, json={"dashboardId": foreign["id"]})
    missing = await tenant.admin.post(HOME, json={"dashboardId": {"id": str(uuid4())}})
    await choose(tenant.admin, {"homeDashboardId": foreign["id"]["id"]})

    expect_error(refused, 403, 20)
    expect_error(missing, 404, 32)
    assert await home_of(tenant.admin) is None


@on_sqlite
@pytest.mark.parametrize(
    "body", [{"dashboardId": "nonsense"}, {"hideDashboardToolbar": "maybe"}, []]
)
async def test_a_bad_home_is_refused(tenant: Tenant, body: object) -> None:
    expect_error(await tenant.admin.post(HOME, json=body), 400, 31)


async def test_a_user_is_not_told_of_dashboards_that_it_cannot_see(tenant: Tenant) -> None:
    seen, unseen = await make(tenant.admin), await make(tenant.admin, "Roof")
    await assign(tenant, seen, tenant.customer_id)
    info = {"lang": "de_DE", "homeDashboardHideToolbar": False}
    chosen = {"homeDashboardId": seen["id"]["id"], "defaultDashboardId": unseen["id"]["id"]}

    await choose(tenant.customer_user, info | chosen)

    shown = (await tenant.customer_user.get("/api/auth/user")).json()["additionalInfo"]
    assert shown == info | {"homeDashboardId": seen["id"]["id"]}
