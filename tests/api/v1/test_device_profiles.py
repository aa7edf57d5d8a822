"""Device profiles in the v1 dialect."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from fieldline.api.v1 import device_profiles, devices
from fieldline.domains.device_profile import endpoints
from fieldline.domains.device_profile import service as profile_service
from tests.api.support import Client, Platform, Tenant, created, running

PROFILES = "/api/v1/deviceProfiles"


@pytest.fixture
async def platform(database_url: str) -> AsyncIterator[Platform]:
    async with running(
        database_url,
        thingsboard=[endpoints.router],
        v1=[devices.router, device_profiles.router],
        seeders=[profile_service.seed],
    ) as platform:
        yield platform


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant()


async def make(client: Client, name: str = "meter", **fields: object) -> Any:
    return await created(client, PROFILES, {"name": name, **fields}, 201)


async def test_a_tenant_starts_with_the_default_profile(tenant: Tenant) -> None:
    (profile,) = (await tenant.admin.get(PROFILES)).json()

    assert profile["name"] == "default"
    assert profile["description"] == "Default device profile"
    assert profile["is_default"] is True
    assert (profile["type"], profile["transport_type"]) == ("DEFAULT", "DEFAULT")
    assert profile["transport_configuration"] == {"type": "DEFAULT"}
    assert profile["profile_data"]["configuration"] == {"type": "DEFAULT"}


async def test_a_profile_is_made_read_changed_and_deleted(tenant: Tenant) -> None:
    profile = await make(tenant.admin, transport_type="MQTT", profile_data={"own": [1]})
    path = f"{PROFILES}/{profile['id']}"

    changed = await tenant.admin.put(path, json={"description": "of water"})
    read = await tenant.admin.get(path)
    deleted = await tenant.admin.delete(path)

    topic = profile["transport_configuration"]["deviceTelemetryTopic"]
    assert topic == "v1/devices/me/telemetry"
    assert profile["profile_data"]["own"] == [1]
    assert changed.json() == profile | {"description": "of water"}
    assert read.json() == changed.json()
    assert deleted.status_code == 204
    assert (await tenant.admin.get(path)).status_code == 404


async def test_another_profile_becomes_the_default(tenant: Tenant) -> None:
    profile = await make(tenant.admin)

    answer = await tenant.admin.put(f"{PROFILES}/{profile['id']}", json={"is_default": True})
    device = await created(tenant.admin, "/api/v1/devices", {"name": "x"}, 201)
    profiles = (await tenant.admin.get(PROFILES)).json()

    assert answer.json()["is_default"] is True
    assert device["type"] == "meter"
    assert [item["name"] for item in profiles if item["is_default"]] == ["meter"]
    assert [item["name"] for item in profiles] == ["meter", "default"]


async def test_the_shared_path_serves_both_dialects(tenant: Tenant) -> None:
    v1 = (await tenant.admin.get("/api/deviceProfiles")).json()
    thingsboard = (await tenant.admin.get("/api/deviceProfiles?pageSize=10&page=0")).json()

    assert v1[0]["id"] == thingsboard["data"][0]["id"]["id"]


async def test_a_profile_in_use_and_the_default_one_stay(tenant: Tenant) -> None:
    profile = await make(tenant.admin)
    await created(
        tenant.admin, "/api/v1/devices", {"name": "x", "device_profile_id": profile["id"]}, 201
    )
    default = next(item for item in (await tenant.admin.get(PROFILES)).json() if item["is_default"])

    for item in (profile, default):
        answer = await tenant.admin.delete(f"{PROFILES}/{item['id']}")
        assert (answer.status_code, answer.json()["status_code"]) == (409, 409)


async def test_only_the_own_tenants_administrators_see_profiles(
    platform: Platform, tenant: Tenant
) -> None:
    profile = await make(tenant.admin)
    stranger = (await platform.tenant()).admin
    path = f"{PROFILES}/{profile['id']}"

    for expected, answer in (
        (403, await stranger.get(path)),
        (403, await stranger.put(path, json={"name": "x"})),
        (403, await stranger.delete(path)),
        (403, await tenant.customer_user.get(PROFILES)),
        (401, await platform.anybody.get(PROFILES)),
    ):
        assert answer.status_code == expected, answer.text
