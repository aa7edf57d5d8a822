"""Dashboards in ThingsBoard's dialect, through the real application."""

import gzip
from typing import Any
from uuid import uuid4

import pytest

from tests.api.support import Platform, Tenant, created
from tests.domains.dashboard.support import DASHBOARD, PAGE, make, path_of, titles
from tests.domains.support import expect_error, on_sqlite

LAYOUT = {"widgets": {"b": {"z": 1, "a": [1.5, None, True]}, "a": {}}, "description": "<b>hi</b>"}


async def test_a_dashboard_has_every_field_of_the_wire(tenant: Tenant) -> None:
    dashboard = await make(
        tenant.admin, image="data:image/png;base64,AA", mobileOrder=3, configuration=LAYOUT
    )

    assert dashboard | {"id": 0, "createdTime": 0} == {
        "id": 0,
        "createdTime": 0,
        "tenantId": {"entityType": "TENANT", "id": str(tenant.id)},
        "title": "Floor",
        "name": "Floor",
        "image": "data:image/png;base64,AA",
        "assignedCustomers": [],
        "mobileHide": False,
        "mobileOrder": 3,
        "version": 1,
        "configuration": LAYOUT,
        "externalId": None,
        "resources": None,
    }
    assert dashboard["id"]["entityType"] == "DASHBOARD"
    assert (await tenant.admin.get(path_of(dashboard))).json() == dashboard


async def test_a_configuration_comes_back_in_the_order_of_its_keys(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin, configuration=LAYOUT)

    found = (await tenant.admin.get(path_of(dashboard))).json()["configuration"]

    assert list(found) == ["widgets", "description"]
    assert list(found["widgets"]["b"]) == ["z", "a"]


@pytest.mark.parametrize("configuration", [[1, 2], "text", 5, False, None])
async def test_a_configuration_may_be_any_json(tenant: Tenant, configuration: object) -> None:
    dashboard = await make(tenant.admin, configuration=configuration)

    assert (await tenant.admin.get(path_of(dashboard))).json()["configuration"] == configuration


async def test_an_info_and_the_lists_have_no_configuration(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin, configuration=LAYOUT)
    dashboard_id = dashboard["id"]["id"]
    wanted = {k: v for k, v in dashboard.items() if k not in {"configuration", "externalId"}}
    del wanted["resources"]

    info = await tenant.admin.get(f"{DASHBOARD}/info/{dashboard_id}")
    page = await tenant.admin.get(f"/api/tenant/dashboards?{PAGE}")
    old = await tenant.admin.get(f"/api/dashboards?dashboardIds={dashboard_id},{uuid4()}")
    new = await tenant.admin.get(f"/api/dashboards/list?dashboardIds={dashboard_id}")

    assert info.json() == wanted
    assert page.json() == {
        "data": [wanted],
        "totalPages": 1,
        "totalElements": 1,
        "hasNext": False,
    }
    assert old.json() == new.json() == [wanted]


async def test_resources_are_shown_when_asked_for(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)

    answer = await tenant.admin.get(path_of(dashboard, "?includeResources=true"))

    assert answer.json()["resources"] == []


async def test_two_dashboards_may_have_one_title(tenant: Tenant) -> None:
    first, second = await make(tenant.admin), await make(tenant.admin)

    assert first["id"] != second["id"]


async def test_saving_with_an_id_replaces(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin, configuration=LAYOUT, mobileOrder=3)

    saved = await created(
        tenant.admin,
        DASHBOARD,
        {"id": dashboard["id"], "title": "Roof", "mobileHide": True, "version": 1},
    )

    assert saved == dashboard | {
        "title": "Roof",
        "name": "Roof",
        "mobileHide": True,
        "mobileOrder": None,
        "configuration": None,
        "version": 2,
    }
    assert (await tenant.admin.get(path_of(dashboard))).json() == saved


async def test_a_stale_version_is_refused(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    await created(tenant.admin, DASHBOARD, {"id": dashboard["id"], "title": "Roof"})

    answer = await tenant.admin.post(DASHBOARD, json=dashboard | {"title": "Cellar"})

    expect_error(answer, 409, 35, "Dashboard was already changed by someone else")
    assert await titles(tenant.admin, f"/api/tenant/dashboards?{PAGE}") == ["Roof"]


async def test_a_deleted_dashboard_is_gone(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)

    answer = await tenant.admin.delete(path_of(dashboard))

    assert (answer.status_code, answer.content) == (200, b"")
    for method in ("GET", "DELETE"):
        gone = await tenant.admin.request(method, path_of(dashboard))
        expect_error(gone, 404, 32, "Dashboard with id")
    again = await tenant.admin.post(DASHBOARD, json=dashboard)
    expect_error(again, 404, 32, "Dashboard with id")


@on_sqlite
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Dashboard title should be specified!"),
        ({"title": " "}, "Dashboard title should be specified!"),
        ({"title": "x" * 256}, "title length must be equal or less than 255"),
        ({"title": "<script>"}, "title is malformed"),
        ({"title": "a", "image": "x" * 1_000_001}, "image length must be"),
        ({"title": "a", "mobileOrder": 2**31}, "mobileOrder"),
        ({"title": "a", "mobileOrder": "first"}, "mobileOrder"),
        ({"title": "a", "mobileHide": "maybe"}, "mobileHide"),
        ({"title": "a", "configuration": {"a": "\0"}}, "configuration holds the character U+0000"),
        ({"title": "a", "configuration": 2**63}, "beyond 64 bits"),
        ({"title": "a", "resources": [{"link": "x"}]}, "'resources' must be empty or null"),
        ({"title": "a", "externalId": {"id": "no uuid"}}, "externalId"),
        ([], ""),
    ],
)
async def test_a_bad_body_is_refused(tenant: Tenant, body: Any, message: str) -> None:
    answer = await tenant.admin.post(DASHBOARD, json=body)

    expect_error(answer, 400, 31, message)
    assert await titles(tenant.admin, f"/api/tenant/dashboards?{PAGE}") == []


async def test_an_external_id_is_unique_in_the_tenant(tenant: Tenant) -> None:
    external = {"entityType": "DASHBOARD", "id": str(uuid4())}
    await make(tenant.admin, externalId=external)

    answer = await tenant.admin.post(DASHBOARD, json={"title": "Roof", "externalId": external})

    expect_error(answer, 400, 31)


@on_sqlite
async def test_an_id_that_is_none_is_refused(tenant: Tenant) -> None:
    expect_error(await tenant.admin.get(f"{DASHBOARD}/nonsense"), 400, 31)


async def test_lists_search_titles_in_any_case(tenant: Tenant) -> None:
    for title in ("Ölstand", "Roof", "floor"):
        await make(tenant.admin, title)
    path = f"/api/tenant/dashboards?{PAGE}"

    assert await titles(tenant.admin, f"{path}&textSearch=öl") == ["Ölstand"]
    assert await titles(tenant.admin, f"{path}&textSearch=100%25") == []


async def test_lists_sort(tenant: Tenant) -> None:
    for title in ("roof", "cellar", "floor"):
        await make(tenant.admin, title)
    path = f"/api/tenant/dashboards?{PAGE}"

    ascending = await titles(tenant.admin, f"{path}&sortProperty=title&sortOrder=ASC")
    newest = await titles(tenant.admin, f"{path}&sortProperty=createdTime&sortOrder=DESC")

    assert ascending == ["cellar", "floor", "roof"]
    assert newest == ["floor", "cellar", "roof"]
    expect_error(await tenant.admin.get(f"{path}&sortProperty=colour"), 400, 31, "Cannot sort")


async def test_a_mobile_list_leaves_out_the_hidden_and_has_an_order_of_its_own(
    tenant: Tenant,
) -> None:
    await make(tenant.admin, "unordered")
    await make(tenant.admin, "second", mobileOrder=2)
    await make(tenant.admin, "first", mobileOrder=1)
    await make(tenant.admin, "hidden", mobileHide=True)

    found = await titles(tenant.admin, f"/api/tenant/dashboards?{PAGE}&mobile=true")

    assert found == ["first", "second", "unordered"]


async def test_a_large_answer_is_compressed_for_who_can_read_it(tenant: Tenant) -> None:
    layout = {"text": "x" * 100_000}
    dashboard = await make(tenant.admin, configuration=layout)

    async with tenant.admin.stream(
        "GET", path_of(dashboard), headers={"Accept-Encoding": "gzip"}
    ) as answer:
        body = b"".join([part async for part in answer.aiter_raw()])
    plain = await tenant.admin.get(path_of(dashboard), headers={"Accept-Encoding": "identity"})

    assert answer.headers["content-encoding"] == "gzip"
    assert len(body) < 10_000
    assert gzip.decompress(body) == plain.content
    assert "content-encoding" not in plain.headers


async def test_a_configuration_over_the_body_limit_is_refused(tenant: Tenant) -> None:
    answer = await tenant.admin.post(
        DASHBOARD, json={"title": "a", "configuration": "x" * (16 * 1024 * 1024)}
    )

    assert answer.status_code == 413
    assert "16 MiB" in answer.text
    assert await titles(tenant.admin, f"/api/tenant/dashboards?{PAGE}") == []


async def test_a_profile_limits_the_number_of_dashboards(platform: Platform) -> None:
    profile = await created(
        await platform.sysadmin(),
        "/api/tenantProfile",
        {"name": "small", "profileData": {"configuration": {"maxDashboards": 1}}},
    )
    tenant = await platform.tenant(tenantProfileId=profile["id"])
    await make(tenant.admin)

    answer = await tenant.admin.post(DASHBOARD, json={"title": "Roof"})

    expect_error(answer, 403, 41, "Dashboards limit reached")
    assert (answer.json()["entityType"], answer.json()["limit"]) == ("DASHBOARD", 1)


async def test_a_system_administrator_lists_a_tenants_dashboards(
    platform: Platform, tenant: Tenant, stranger: Tenant
) -> None:
    await make(tenant.admin)
    await make(stranger.admin, "foreign")
    sysadmin = await platform.sysadmin()

    found = await titles(sysadmin, f"/api/tenant/{tenant.id}/dashboards?{PAGE}")
    missing = await sysadmin.get(f"/api/tenant/{uuid4()}/dashboards?{PAGE}")

    assert found == ["Floor"]
    expect_error(missing, 404, 32, "Tenant with id")


async def test_a_system_administrator_sees_no_dashboard_itself(
    platform: Platform, tenant: Tenant
) -> None:
    dashboard = await make(tenant.admin)

    answer = await (await platform.sysadmin()).get(f"{DASHBOARD}/info/{dashboard['id']['id']}")

    expect_error(answer, 403, 20)
