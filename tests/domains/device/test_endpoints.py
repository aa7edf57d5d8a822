"""Devices in ThingsBoard's dialect, through the real application."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from fieldline.domains.device import endpoints as device_endpoints
from fieldline.domains.device_profile import endpoints as profile_endpoints
from fieldline.domains.device_profile import service as profile_service
from fieldline.kit.ids import NULL_UUID
from fieldline.kit.json import dumps_text
from tests.api.support import Client, Platform, Tenant, created, running

PAGE = "pageSize=10&page=0"
NOBODY = {"entityType": "CUSTOMER", "id": str(NULL_UUID)}


@pytest.fixture
async def platform(database_url: str) -> AsyncIterator[Platform]:
    routers = [device_endpoints.router, profile_endpoints.router]
    seeders = [profile_service.seed]
    async with running(database_url, thingsboard=routers, seeders=seeders) as platform:
        yield platform


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant()


async def make(client: Client, name: str = "meter", query: str = "", **fields: object) -> dict:  # type: ignore[type-arg]
    device: dict[str, object] = await created(
        client, f"/api/device{query}", {"name": name, **fields}
    )
    return device


def path_of(device: dict) -> str:  # type: ignore[type-arg]
    return f"/api/device/{device['id']['id']}"


async def test_a_device_has_every_field_of_the_wire(tenant: Tenant) -> None:
    device = await make(tenant.admin, "meter", label="roof", type="water")

    assert device | {"createdTime": 0, "id": None, "deviceProfileId": None} == {
        "id": None,
        "createdTime": 0,
        "tenantId": {"entityType": "TENANT", "id": str(tenant.id)},
        "customerId": NOBODY,
        "name": "meter",
        "type": "water",
        "label": "roof",
        "deviceProfileId": None,
        "deviceData": {
            "configuration": {"type": "DEFAULT"},
            "transportConfiguration": {"type": "DEFAULT"},
        },
        "firmwareId": None,
        "softwareId": None,
        "externalId": None,
        "additionalInfo": None,
        "version": 1,
    }
    assert device["id"]["entityType"] == "DEVICE"
    assert device["deviceProfileId"]["entityType"] == "DEVICE_PROFILE"
    assert (await tenant.admin.get(path_of(device))).json() == device


async def test_a_device_may_be_made_with_its_access_token(tenant: Tenant) -> None:
    device = await make(tenant.admin, query="?accessToken=SECRET")

    answer = await tenant.admin.get(f"{path_of(device)}/credentials")

    credentials = answer.json()
    assert answer.status_code == 200
    assert set(credentials["id"]) == {"id"}
    assert credentials["deviceId"] == device["id"]
    assert credentials["credentialsType"] == "ACCESS_TOKEN"
    assert credentials["credentialsId"] == "SECRET"
    assert credentials["credentialsValue"] is None


async def test_a_taken_access_token_is_refused_without_a_device(
    platform: Platform, tenant: Tenant
) -> None:
    other = await platform.tenant()
    await make(tenant.admin, query="?accessToken=SECRET")

    answer = await other.admin.post("/api/device?accessToken=SECRET", json={"name": "thief"})

    assert answer.status_code == 400
    assert answer.json()["errorCode"] == 31
    assert "already assigned to another device" in answer.json()["message"]
    listed = await other.admin.get(f"/api/tenant/devices?{PAGE}")
    assert listed.json()["totalElements"] == 0


async def test_credentials_are_not_stored_in_clear(platform: Platform, tenant: Tenant) -> None:
    value = dumps_text({"clientId": "cid", "userName": "uname", "password": "pword"})
    credentials = {"credentialsType": "MQTT_BASIC", "credentialsValue": value}
    body = {"device": {"name": "meter"}, "credentials": credentials}
    await created(tenant.admin, "/api/device-with-credentials", body)

    async with platform.services.database.read() as session:
        rows = (await session.execute(text("SELECT * FROM device_credentials"))).all()

    stored = repr([list(map(_readable, row)) for row in rows])
    assert len(rows) == 1
    assert not [secret for secret in ("cid", "uname", "pword") if secret in stored]


def _readable(value: object) -> object:
    return bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else value


async def test_credentials_are_replaced(tenant: Tenant) -> None:
    device = await make(tenant.admin, query="?accessToken=OLD")
    credentials = (await tenant.admin.get(f"{path_of(device)}/credentials")).json()

    saved = await created(
        tenant.admin, "/api/device/credentials", {**credentials, "credentialsId": "NEW"}
    )

    assert (saved["credentialsId"], saved["version"]) == ("NEW", credentials["version"] + 1)
    stale = await tenant.admin.post("/api/device/credentials", json=credentials)
    assert (stale.status_code, stale.json()["errorCode"]) == (409, 35)


BAD_CREDENTIALS = [
    {"credentialsType": "ACCESS_TOKEN", "credentialsId": ""},
    {"credentialsType": "ACCESS_TOKEN", "credentialsId": None},
    {"credentialsType": "ACCESS_TOKEN", "credentialsId": "provision"},
    {"credentialsType": "ACCESS_TOKEN", "credentialsId": "devices"},
    {"credentialsType": "ACCESS_TOKEN", "credentialsId": "a\u0007b"},
    {"credentialsType": "PASSWORD", "credentialsId": "x"},
    {"credentialsType": None, "credentialsId": "x"},
    {"credentialsType": "X509_CERTIFICATE", "credentialsValue": "no certificate"},
    {"credentialsType": "X509_CERTIFICATE", "credentialsValue": None},
    {"credentialsType": "MQTT_BASIC", "credentialsValue": "{}"},
    {"credentialsType": "MQTT_BASIC", "credentialsValue": "[1]"},
    {"credentialsType": "MQTT_BASIC", "credentialsValue": "not JSON"},
    {"credentialsType": "MQTT_BASIC", "credentialsValue": '{"clientId":"c","password":"p"}'},
    {"credentialsType": "MQTT_BASIC", "credentialsValue": '{"clientId":5}'},
    {"credentialsType": "LWM2M_CREDENTIALS", "credentialsValue": '{"client":{}}'},
]


async def test_bad_credentials_are_refused(tenant: Tenant) -> None:
    for credentials in BAD_CREDENTIALS:
        body = {"device": {"name": "meter"}, "credentials": credentials}

        answer = await tenant.admin.post("/api/device-with-credentials", json=body)

        assert answer.status_code == 400, (credentials, answer.text)
        assert answer.json()["errorCode"] == 31


async def test_saving_with_an_id_replaces_and_checks_the_version(tenant: Tenant) -> None:
    device = await make(tenant.admin, label="roof")

    saved = await created(tenant.admin, "/api/device", {**device, "label": "cellar"})

    assert (saved["label"], saved["version"]) == ("cellar", 2)
    stale = await tenant.admin.post("/api/device", json=device)
    assert (stale.status_code, stale.json()["errorCode"]) == (409, 35)
    unchecked = {key: value for key, value in device.items() if key != "version"}
    await created(tenant.admin, "/api/device", unchecked)


async def test_a_taken_name_is_refused_or_made_unique(tenant: Tenant) -> None:
    await make(tenant.admin)

    answer = await tenant.admin.post("/api/device", json={"name": "meter"})
    query = "?nameConflictPolicy=UNIQUIFY&uniquifySeparator=-&uniquifyStrategy=INCREMENTAL"
    second = await make(tenant.admin, query=query)

    assert answer.status_code == 400
    assert answer.json()["message"] == "Device with such name already exists!"
    assert second["name"] == "meter-1"


async def test_devices_are_found_by_name_and_by_ids(platform: Platform, tenant: Tenant) -> None:
    stranger = await make((await platform.tenant()).admin, "stranger")
    first, second = await make(tenant.admin, "first"), await make(tenant.admin, "second")
    ids = ",".join(device["id"]["id"] for device in (second, stranger, first))

    by_name = await tenant.admin.get("/api/tenant/devices?deviceName=first")
    alias = await tenant.admin.get("/api/tenant/device?deviceName=first")
    missing = await tenant.admin.get("/api/tenant/devices?deviceName=none")
    by_ids = await tenant.admin.get(f"/api/devices?deviceIds={ids},{uuid4()}")

    assert by_name.json() == alias.json() == first
    assert (missing.status_code, missing.json()["errorCode"]) == (404, 32)
    assert by_ids.json() == [second, first]


async def test_a_list_is_paged_sorted_and_filtered(tenant: Tenant) -> None:
    for name in ("b", "a", "c"):
        await make(tenant.admin, name, type="odd" if name == "c" else "even")

    page = "/api/tenant/devices?pageSize=2&page=0&sortProperty=name&sortOrder=DESC"
    answer = (await tenant.admin.get(page)).json()
    even = (await tenant.admin.get(f"/api/tenant/devices?{PAGE}&type=even&textSearch=A")).json()
    types = (await tenant.admin.get("/api/device/types")).json()

    assert [device["name"] for device in answer["data"]] == ["c", "b"]
    assert (answer["totalPages"], answer["totalElements"], answer["hasNext"]) == (2, 3, True)
    assert [device["name"] for device in even["data"]] == ["a"]
    assert [found["type"] for found in types] == ["even", "odd"]
    assert types[0]["entityType"] == "DEVICE"
    wrong = await tenant.admin.get(f"/api/tenant/devices?{PAGE}&sortProperty=nonsense")
    assert (wrong.status_code, wrong.json()["errorCode"]) == (400, 31)


async def test_infos_show_customer_profile_and_activity(platform: Platform, tenant: Tenant) -> None:
    device = await make(tenant.admin, type="water")
    await make(tenant.admin, "silent")
    await tenant.admin.post(f"/api/customer/{tenant.customer_id}/device/{device['id']['id']}")
    await _set_active(platform, UUID(device["id"]["id"]))

    async def infos(client: Client, path: str) -> list[dict]:  # type: ignore[type-arg]
        answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    path = f"/api/tenant/deviceInfos?{PAGE}&type=&deviceProfileId="
    (active,) = await infos(tenant.admin, f"{path}&active=true")
    (inactive,) = await infos(tenant.admin, f"{path}&active=false")
    by_title = await infos(tenant.admin, f"{path}&textSearch=customer%20a")
    sorted_ = await infos(tenant.admin, f"{path}&sortProperty=customerTitle&sortOrder=ASC")
    own = await infos(
        tenant.customer_user, f"/api/customer/{tenant.customer_id}/deviceInfos?{PAGE}"
    )
    one = (await tenant.admin.get(f"/api/device/info/{device['id']['id']}")).json()

    assert (active["name"], active["customerTitle"], active["active"]) == (
        "meter",
        "Customer A",
        True,
    )
    assert (active["deviceProfileName"], active["customerIsPublic"]) == ("water", False)
    assert (inactive["name"], inactive["customerTitle"], inactive["active"]) == (
        "silent",
        None,
        False,
    )
    assert len(sorted_) == 2
    assert by_title == own == [active] == [one]


async def _set_active(platform: Platform, device_id: UUID) -> None:
    """Write the server attribute as the stores on SQL do."""
    async with platform.services.database.write() as session:
        await session.execute(text("INSERT INTO key_dictionary (key) VALUES ('active')"))
        is_sqlite = platform.services.database.is_sqlite
        statement = text(
            "INSERT INTO attribute_kv (entity_id, scope, key_id, last_update_ts, bool_v) "
            "SELECT :id, 2, key_id, 1, :yes FROM key_dictionary"
        )
        await session.execute(
            statement,
            {"id": device_id.bytes if is_sqlite else device_id, "yes": 1 if is_sqlite else True},
        )


async def test_a_device_is_assigned_made_public_and_taken_back(tenant: Tenant) -> None:
    device = await make(tenant.admin)
    device_id = device["id"]["id"]

    assigned = await created(
        tenant.admin, f"/api/customer/{tenant.customer_id}/device/{device_id}", None
    )
    public = await created(tenant.admin, f"/api/customer/public/device/{device_id}", None)
    unassigned = await tenant.admin.delete(f"/api/customer/device/{device_id}")
    again = await tenant.admin.delete(f"/api/customer/device/{device_id}")

    assert assigned["customerId"]["id"] == str(tenant.customer_id)
    assert public["customerId"] not in (NOBODY, assigned["customerId"])
    assert unassigned.json()["customerId"] == NOBODY
    assert (again.status_code, again.json()["errorCode"]) == (400, 31)


async def test_a_customer_user_reads_and_updates_but_does_not_own(tenant: Tenant) -> None:
    device = await make(tenant.admin, customerId={"id": str(tenant.customer_id)})
    hidden = await make(tenant.admin, "hidden")
    user = tenant.customer_user

    seen = await user.get(path_of(device))
    credentials = await user.get(f"{path_of(device)}/credentials")
    body = {key: value for key, value in device.items() if key != "customerId"}
    updated = await user.post("/api/device", json={**body, "label": "mine"})

    assert seen.json() == device
    assert credentials.status_code == 200
    assert (updated.status_code, updated.json()["label"]) == (200, "mine")
    assert updated.json()["customerId"]["id"] == str(tenant.customer_id)
    for answer in (
        await user.get(path_of(hidden)),
        await user.post("/api/device", json={"name": "new"}),
        await user.post("/api/device", json={**updated.json(), "customerId": NOBODY}),
        await user.put(f"/api/devices/{device['id']['id']}", json={"type": "no profile yet"}),
        await user.delete(path_of(device)),
        await user.post("/api/device/credentials", json=credentials.json()),
        await user.get(f"/api/customer/{uuid4()}/devices?{PAGE}"),
    ):
        assert (answer.status_code, answer.json()["errorCode"]) == (403, 20), answer.text


async def test_another_tenants_device_does_not_exist(platform: Platform, tenant: Tenant) -> None:
    device = await make(tenant.admin)
    stranger = (await platform.tenant()).admin

    for answer in (
        await stranger.get(path_of(device)),
        await stranger.get(f"{path_of(device)}/credentials"),
        await stranger.post("/api/device", json=device),
        await stranger.delete(path_of(device)),
        await stranger.delete(f"/api/customer/device/{device['id']['id']}"),
    ):
        assert (answer.status_code, answer.json()["errorCode"]) == (404, 32), answer.text


async def test_a_deleted_device_is_gone(tenant: Tenant) -> None:
    device = await make(tenant.admin, query="?accessToken=SECRET")

    deleted = await tenant.admin.delete(path_of(device))

    assert (deleted.status_code, deleted.content) == (200, b"")
    assert (await tenant.admin.get(path_of(device))).status_code == 404
    assert (await tenant.admin.get(f"{path_of(device)}/credentials")).status_code == 404
    await make(tenant.admin, query="?accessToken=SECRET")


async def test_a_wrong_id_is_a_bad_request(tenant: Tenant) -> None:
    for path in ("/api/device/nonsense", "/api/device/info/1", "/api/devices?deviceIds=x"):
        answer = await tenant.admin.get(path)
        assert (answer.status_code, answer.json()["errorCode"]) == (400, 31), path
    answer = await tenant.admin.get(f"/api/tenant/deviceInfos?{PAGE}&active=perhaps")
    assert answer.status_code == 400
