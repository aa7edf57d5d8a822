"""Who refers to dashboards, and what is told of their changes."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from fieldline.kit.ids import EntityType
from fieldline.messaging.events import EntityChanged
from tests.api.support import Client, Platform, Tenant, created
from tests.domains.dashboard.support import assign, make, path_of
from tests.domains.support import expect_error

PROFILE = "/api/deviceProfile"


async def profile_with(client: Client, dashboard_id: Any, name: str = "meter") -> Any:
    body = {"name": name, "defaultDashboardId": dashboard_id}
    return await created(client, PROFILE, body)


async def test_a_device_profile_names_its_default_dashboard(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)

    profile = await profile_with(tenant.admin, dashboard["id"])

    profile_id = profile["id"]["id"]
    assert profile["defaultDashboardId"] == dashboard["id"]
    found = await tenant.admin.get(f"{PROFILE}Info/{profile_id}")
    assert found.json()["defaultDashboardId"] == dashboard["id"]
    v1 = await tenant.admin.put(
        f"/api/v1/deviceProfiles/{profile_id}", json={"default_dashboard_id": None}
    )
    assert v1.json()["default_dashboard_id"] is None


async def test_a_profiles_default_dashboard_must_be_of_its_tenant(
    tenant: Tenant, stranger: Tenant
) -> None:
    foreign = await make(stranger.admin)

    for dashboard_id, message in (
        (foreign["id"], "Can't assign dashboard from different tenant!"),
        ({"id": str(uuid4())}, "Can't assign non-existent dashboard!"),
    ):
        body = {"name": "meter", "defaultDashboardId": dashboard_id}
        expect_error(await tenant.admin.post(PROFILE, json=body), 400, 31, message)


async def test_a_default_dashboard_is_not_deleted(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    profile = await profile_with(tenant.admin, dashboard["id"])

    refused = await tenant.admin.delete(path_of(dashboard))
    await created(tenant.admin, PROFILE, profile | {"defaultDashboardId": None})
    deleted = await tenant.admin.delete(path_of(dashboard))

    expect_error(refused, 400, 31, "is the default one of device profile 'meter'")
    assert deleted.status_code == 200


async def test_an_asset_profile_names_its_default_dashboard(
    tenant: Tenant, stranger: Tenant
) -> None:
    dashboard, foreign = await make(tenant.admin), await make(stranger.admin)
    body = {"name": "halls", "defaultDashboardId": foreign["id"]}

    refused = await tenant.admin.post("/api/assetProfile", json=body)
    body["defaultDashboardId"] = dashboard["id"]
    profile = await created(tenant.admin, "/api/assetProfile", body)
    kept = await tenant.admin.delete(path_of(dashboard))

    expect_error(refused, 400, 31, "Can't assign dashboard from different tenant!")
    assert profile["defaultDashboardId"] == dashboard["id"]
    expect_error(kept, 400, 31, "is the default one of asset profile 'halls'")


async def test_an_alarm_names_its_dashboard(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    alarm = {"type": "broken", "severity": "MAJOR", "originator": dashboard["id"]}
    await created(tenant.admin, "/api/alarm", alarm)

    page = (await tenant.admin.get("/api/alarms?pageSize=1&page=0")).json()

    assert [each["originatorName"] for each in page["data"]] == ["Floor"]


async def test_a_dashboard_goes_with_its_tenant(platform: Platform, tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    await profile_with(tenant.admin, dashboard["id"])
    sysadmin = await platform.sysadmin()

    answer = await sysadmin.delete(f"/api/tenant/{tenant.id}")

    assert answer.status_code == 200


@pytest.fixture
def told(platform: Platform) -> list[tuple[str, str | None]]:
    """What was told of dashboards: change and customer."""
    events: list[tuple[str, str | None]] = []

    def note(event: EntityChanged) -> None:
        if event.entity.type is EntityType.DASHBOARD:
            assert event.data is not None
            assert "configuration" not in event.data
            customer = str(event.customer_id) if event.customer_id else None
            events.append((event.change.value, customer))

    platform.bus.listen(EntityChanged, note)
    return events


async def test_changes_are_told(told: list[tuple[str, str | None]], tenant: Tenant) -> None:
    customer = str(tenant.customer_id)

    dashboard = await make(tenant.admin, configuration={"a": 1})
    await make(tenant.admin, "Roof", id=dashboard["id"])
    await assign(tenant, dashboard, customer)
    await created(tenant.admin, path_of(dashboard, "/customers"), [])
    await tenant.admin.delete(path_of(dashboard))

    assert told == [
        ("CREATED", None),
        ("UPDATED", None),
        ("ASSIGNED", customer),
        ("UNASSIGNED", customer),
        ("DELETED", None),
    ]


async def test_no_profile_names_a_dashboard_that_is_deleted_at_the_same_time(
    tenant: Tenant,
) -> None:
    profile = await created(tenant.admin, PROFILE, {"name": "meter"})
    for number in range(4):
        dashboard = await make(tenant.admin, f"d{number}")
        body = profile | {"defaultDashboardId": dashboard["id"], "version": None}

        deleted, saved = await asyncio.gather(
            tenant.admin.delete(path_of(dashboard)), tenant.admin.post(PROFILE, json=body)
        )

        assert {deleted.status_code, saved.status_code} == {200, 400}, deleted.text + saved.text
        found = await tenant.admin.get(path_of(dashboard))
        assert found.is_success == saved.is_success
