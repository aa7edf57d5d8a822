"""The dashboards that a user opened last and starred, through the real application."""

from typing import Any
from uuid import uuid4

import pytest

from fieldline.domains.user_dashboard import service
from fieldline.domains.user_dashboard.service import MAX_LAST
from tests.api.support import Client, Platform, Tenant, created
from tests.domains.support import expect_error

MINE = "/api/user/dashboards"


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant()


async def make(client: Client, title: str = "Floor") -> str:
    dashboard = await created(client, "/api/dashboard", {"title": title})
    return str(dashboard["id"]["id"])


async def do(client: Client, dashboard_id: str, action: str) -> Any:
    answer = await client.get(f"{MINE}/{dashboard_id}/{action}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def mine(client: Client) -> Any:
    found = await client.get(MINE)
    assert (await client.get("/api/user/lastVisitedDashboards")).json() == found.json()
    return found.json()


def titles(dashboards: Any, which: str = "last") -> list[str]:
    return [each["title"] for each in dashboards[which]]


async def test_what_was_opened_and_starred_is_told(platform: Platform, tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    nothing = await mine(tenant.admin)

    visited = await do(tenant.admin, dashboard, "visit")
    platform.clock.advance(5)
    starred = await do(tenant.admin, dashboard, "STAR")
    unstarred = await do(tenant.admin, dashboard, "Unstar")

    now = platform.clock.now_ms()
    last = {"id": dashboard, "title": "Floor", "starred": False, "lastVisited": now - 5}
    assert nothing == {"last": [], "starred": []}
    assert visited == {"last": [last], "starred": []}
    assert starred == {
        "last": [last | {"starred": True}],
        "starred": [{"id": dashboard, "title": "Floor", "starredAt": now}],
    }
    assert unstarred == visited
    assert await mine(tenant.admin) == visited


async def test_the_newest_are_first_and_the_oldest_is_forgotten(
    platform: Platform, tenant: Tenant
) -> None:
    ids = [await make(tenant.admin, f"d{number}") for number in range(MAX_LAST + 1)]
    for dashboard in (*ids, ids[1]):
        platform.clock.advance(1)
        await do(tenant.admin, dashboard, "visit")

    found = titles(await mine(tenant.admin))

    assert found == ["d1", *(f"d{number}" for number in range(MAX_LAST, 1, -1))]


async def test_each_user_has_its_own(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    await created(tenant.admin, f"/api/customer/{tenant.customer_id}/dashboard/{dashboard}", None)
    await do(tenant.admin, dashboard, "visit")

    assert titles(await mine(tenant.customer_user)) == []
    assert titles(await do(tenant.customer_user, dashboard, "star"), "starred") == ["Floor"]


async def test_a_dashboard_is_shown_by_its_present_title_while_it_may_be_seen(
    tenant: Tenant,
) -> None:
    dashboard = await make(tenant.admin)
    assigned = f"/api/customer/{tenant.customer_id}/dashboard/{dashboard}"
    await created(tenant.admin, assigned, None)
    await do(tenant.customer_user, dashboard, "visit")

    await tenant.admin.put(f"/api/v1/dashboards/{dashboard}", json={"title": "Roof"})
    renamed = titles(await mine(tenant.customer_user))
    await tenant.admin.delete(assigned)
    hidden = titles(await mine(tenant.customer_user))
    await tenant.admin.delete(f"/api/dashboard/{dashboard}")

    assert (renamed, hidden) == (["Roof"], [])
    assert titles(await mine(tenant.customer_user)) == []


async def test_a_dashboard_that_may_not_be_seen_is_refused(
    platform: Platform, tenant: Tenant
) -> None:
    other = await platform.tenant()
    foreign, unassigned = await make(other.admin), await make(tenant.admin)

    for action in ("visit", "star", "unstar"):
        for client, dashboard in ((tenant.admin, foreign), (tenant.customer_user, unassigned)):
            expect_error(await client.get(f"{MINE}/{dashboard}/{action}"), 403, 20)
        missing = await tenant.admin.get(f"{MINE}/{uuid4()}/{action}")
        expect_error(missing, 404, 32, "Dashboard with id")
    assert await mine(tenant.customer_user) == {"last": [], "starred": []}


async def test_an_action_that_there_is_not_is_refused(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)

    expect_error(await tenant.admin.get(f"{MINE}/{dashboard}/paint"), 400, 31, "'paint'")
    expect_error(await tenant.admin.get(f"{MINE}/nonsense/visit"), 400, 31)


async def test_stars_are_limited_and_those_of_deleted_dashboards_do_not_count(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_STARRED", 2)
    ids = [await make(tenant.admin, f"d{number}") for number in range(3)]
    for dashboard in ids[:-1]:
        await do(tenant.admin, dashboard, "star")
    again = await do(tenant.admin, ids[0], "star")

    refused = await tenant.admin.get(f"{MINE}/{ids[-1]}/star")
    await tenant.admin.delete(f"/api/dashboard/{ids[0]}")
    starred = await do(tenant.admin, ids[-1], "star")

    assert len(again["starred"]) == 2
    expect_error(refused, 400, 31, "At most 2 dashboards can be starred")
    assert len(starred["starred"]) == 2


async def test_a_system_administrator_has_no_dashboards(platform: Platform) -> None:
    expect_error(await (await platform.sysadmin()).get(MINE), 403, 20)
