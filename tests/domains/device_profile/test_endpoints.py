"""Device profiles in ThingsBoard's dialect, through the real application."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from fieldline.domains.device import endpoints as device_endpoints
from fieldline.domains.device_profile import endpoints as profile_endpoints
from fieldline.domains.device_profile import service as profile_service
from tests.api.support import Client, Platform, Tenant, created, running

PAGE = "pageSize=10&page=0"


@pytest.fixture
async def platform(database_url: str) -> AsyncIterator[Platform]:
    routers = [device_endpoints.router, profile_endpoints.router]
    seeders = [profile_service.seed]
    async with running(database_url, thingsboard=routers, seeders=seeders) as platform:
        yield platform


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant()


async def make(client: Client, name: str = "meter", **fields: object) -> Any:
    return await created(client, "/api/deviceProfile", {"name": name, **fields})


async def test_a_profile_has_every_field_of_the_wire(tenant: Tenant) -> None:
    profile = await make(tenant.admin, transportType="COAP", description="of water")

    assert profile | {"id": 0, "createdTime": 0} == {
        "id": 0,
        "createdTime": 0,
        "tenantId": {"entityType": "TENANT", "id": str(tenant.id)},
        "name": "meter",
        "description": "of water",
        "image": None,
        "default": False,
        "type": "DEFAULT",
        "transportType": "COAP",
        "provisionType": "DISABLED",
        "defaultRuleChainId": None,
        "defaultEdgeRuleChainId": None,
        "defaultDashboardId": None,
        "defaultQueueName": None,
        "profileData": {
            "configuration": {"type": "DEFAULT"},
            "transportConfiguration": {"type": "COAP"},
            "provisionConfiguration": {"type": "DISABLED", "provisionDeviceSecret": None},
            "alarms": None,
        },
        "provisionDeviceKey": None,
        "firmwareId": None,
        "softwareId": None,
        "externalId": None,
        "version": 1,
    }
    path = f"/api/deviceProfile/{profile['id']['id']}"
    assert (await tenant.admin.get(path)).json() == profile


async def test_a_profile_is_saved_again_as_it_was_read(tenant: Tenant) -> None:
    profile = await make(
        tenant.admin,
        provisionType="ALLOW_CREATE_NEW_DEVICES",
        provisionDeviceKey="key",
        profileData={"provisionConfiguration": {"provisionDeviceSecret": "hush"}},
    )

    saved = await created(tenant.admin, "/api/deviceProfile", profile)
    stale = await tenant.admin.post("/api/deviceProfile", json=profile)

    provision = saved["profileData"]["provisionConfiguration"]
    assert provision == {
        "type": "ALLOW_CREATE_NEW_DEVICES",
        "provisionDeviceSecret": "hush",
    }
    assert saved == profile | {"version": 2}
    assert (stale.status_code, stale.json()["errorCode"]) == (409, 35)


async def test_the_default_profile_changes_by_its_own_call(tenant: Tenant) -> None:
    profile = await make(tenant.admin)

    answer = await tenant.admin.post(f"/api/deviceProfile/{profile['id']['id']}/default")
    info = (await tenant.customer_user.get("/api/deviceProfileInfo/default")).json()

    assert answer.json()["default"] is True
    assert info == {
        "id": profile["id"],
        "tenantId": profile["tenantId"],
        "name": "meter",
        "image": None,
        "defaultDashboardId": None,
        "type": "DEFAULT",
        "transportType": "DEFAULT",
    }


async def test_lists_infos_and_names(tenant: Tenant) -> None:
    profile = await make(tenant.admin, transportType="MQTT")
    await created(tenant.admin, "/api/device", {"name": "d", "deviceProfileId": profile["id"]})
    user = tenant.customer_user
    sort = "sortProperty=name&sortOrder=ASC"

    profiles = (await tenant.admin.get(f"/api/deviceProfiles?{PAGE}&{sort}")).json()
    infos = (await user.get(f"/api/deviceProfileInfos?{PAGE}&transportType=MQTT")).json()
    ids = f"{profile['id']['id']},{uuid4()}"
    by_ids = (await tenant.admin.get(f"/api/deviceProfileInfos?deviceProfileIds={ids}")).json()
    names = (await user.get("/api/deviceProfile/names")).json()
    active = (await user.get("/api/deviceProfile/names?activeOnly=true")).json()

    assert [item["name"] for item in profiles["data"]] == ["default", "meter"]
    assert [item["name"] for item in infos["data"]] == ["meter"]
    assert by_ids == infos["data"]
    assert [item["name"] for item in names] == ["default", "meter"]
    assert active == [{"id": profile["id"], "name": "meter"}]


async def test_a_new_name_reaches_the_devices(tenant: Tenant) -> None:
    profile = await make(tenant.admin)
    body = {"name": "d", "deviceProfileId": profile["id"]}
    device = await created(tenant.admin, "/api/device", body)

    await created(tenant.admin, "/api/deviceProfile", {**profile, "name": "counter"})
    renamed = (await tenant.admin.get(f"/api/device/info/{device['id']['id']}")).json()

    assert (renamed["type"], renamed["deviceProfileName"]) == ("counter", "counter")


async def test_what_must_not_be_is_refused(platform: Platform, tenant: Tenant) -> None:
    profile = await make(tenant.admin)
    path = f"/api/deviceProfile/{profile['id']['id']}"
    default = (await tenant.admin.get("/api/deviceProfileInfo/default")).json()["id"]["id"]
    await created(tenant.admin, "/api/device", {"name": "d", "deviceProfileId": profile["id"]})
    stranger = (await platform.tenant()).admin

    for status, code, answer in (
        (400, 31, await tenant.admin.post("/api/deviceProfile", json={"name": "meter"})),
        (400, 31, await tenant.admin.post("/api/deviceProfile", json={})),
        (400, 31, await tenant.admin.delete(path)),
        (400, 31, await tenant.admin.delete(f"/api/deviceProfile/{default}")),
        (404, 32, await tenant.admin.get(f"/api/deviceProfile/{uuid4()}")),
        (403, 20, await stranger.get(path)),
        (403, 20, await stranger.post("/api/deviceProfile", json=profile)),
        (403, 20, await stranger.delete(path)),
        (403, 20, await tenant.customer_user.get(path)),
        (401, 10, await platform.anybody.get(path)),
    ):
        assert (answer.status_code, answer.json()["errorCode"]) == (status, code), answer.text
