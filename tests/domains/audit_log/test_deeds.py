"""Log-ins, credentials, readings and attributes leave records as well."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from fieldline.domains.audit_log.models import AuditLog
from fieldline.domains.login.origin import Origin
from tests.api.support import PASSWORD, Client, Platform, Tenant, created
from tests.domains.support import on_sqlite

PAGE = "pageSize=100&page=0&sortProperty=createdTime&sortOrder=DESC"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
DEVICE_TOKEN = "device-secret-1"


async def records(client: Client, action: str) -> list[dict[str, Any]]:
    answer = await client.get(f"/api/audit/logs?{PAGE}&actionTypes={action}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def device_of(tenant: Tenant, token: str = DEVICE_TOKEN) -> str:
    made = await created(
        tenant.admin, f"/api/device?accessToken={token}", {"name": "meter", "type": "default"}
    )
    found: str = made["id"]["id"]
    return found


async def test_a_log_in_is_recorded_with_where_it_came_from(platform: Platform) -> None:
    tenant = await platform.tenant()
    await platform.anybody.post(
        "/api/auth/login",
        json={"username": "customer1@example.com", "password": PASSWORD},
        headers={"User-Agent": FIREFOX},
    )

    newest = (await records(tenant.admin, "LOGIN"))[0]

    assert newest["entityId"] == newest["userId"]
    assert newest["userName"] == newest["entityName"] == "customer1@example.com"
    assert newest["actionStatus"] == "SUCCESS"
    assert newest["actionData"] == {
        "clientAddress": "127.0.0.1",
        "browser": "Firefox 128",
        "os": "Linux",
        "device": "Other",
    }


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/v1/auth/login"])
async def test_a_failed_log_in_of_a_user_is_recorded(platform: Platform, path: str) -> None:
    tenant = await platform.tenant()
    body = {"username": "customer1@example.com", "password": "not the password"}
    assert (await platform.anybody.post(path, json=body)).status_code == 401
    await platform.services.background.idle()

    newest = (await records(tenant.admin, "LOGIN"))[0]

    assert (newest["userName"], newest["actionStatus"]) == ("customer1@example.com", "FAILURE")
    assert newest["actionFailureDetails"] == "Invalid username or password"


async def test_a_log_in_of_a_disabled_user_is_recorded(platform: Platform) -> None:
    tenant = await platform.tenant()
    user = (await tenant.customer_user.get("/api/v1/auth/user")).json()
    await tenant.admin.put(f"/api/v1/users/{user['id']}", json={"enabled": False})
    body = {"username": "customer1@example.com", "password": PASSWORD}
    assert (await platform.anybody.post("/api/auth/login", json=body)).status_code == 401
    await platform.services.background.idle()

    newest = (await records(tenant.admin, "LOGIN"))[0]

    assert newest["actionFailureDetails"] == "User account is not active"


@pytest.mark.parametrize("path", ["/api/auth/logout", "/api/v1/auth/logout"])
async def test_a_log_out_is_recorded(platform: Platform, path: str) -> None:
    tenant = await platform.tenant()
    await tenant.customer_user.post(path)

    (record,) = await records(tenant.admin, "LOGOUT")

    assert record["userName"] == "customer1@example.com"
    assert record["actionData"]["clientAddress"] == "127.0.0.1"


async def test_an_address_that_nobody_has_leaves_no_record(platform: Platform) -> None:
    tenant = await platform.tenant()
    before = len(await records(tenant.admin, "LOGIN"))
    body = {"username": "nobody@example.com", "password": PASSWORD}

    await platform.anybody.post("/api/auth/login", json=body)
    await platform.services.background.idle()

    assert len(await records(tenant.admin, "LOGIN")) == before


@on_sqlite
@pytest.mark.parametrize("email", ["customer1@example.com", "nobody@example.com"])
async def test_a_refused_log_in_is_answered_while_nothing_can_be_written(
    platform: Platform, email: str
) -> None:
    await platform.tenant()
    body = {"username": email, "password": "not the password"}

    async with platform.services.database.write(), asyncio.timeout(10):
        answer = await platform.anybody.post("/api/auth/login", json=body)
    await platform.services.background.idle()

    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("agent", "browser", "system", "device"),
    [
        (FIREFOX, "Firefox 128", "Linux", "Other"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0",
            "Edge 120",
            "Windows",
            "Other",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Version/17.0 Mobile/15E148 Safari/604.1",
            "Safari 17",
            "iOS",
            "iPhone",
        ),
        ("python-httpx/0.28", "python-httpx/0.28", "Other", "Other"),
        ("", "Other", "Other", "Other"),
    ],
)
def test_what_a_client_calls_itself_is_read(
    agent: str, browser: str, system: str, device: str
) -> None:
    assert Origin("10.0.0.1", agent).as_data == {
        "clientAddress": "10.0.0.1",
        "browser": browser,
        "os": system,
        "device": device,
    }


async def test_a_changed_password_is_recorded(platform: Platform) -> None:
    tenant = await platform.tenant()
    new = "another good password"
    answer = await tenant.customer_user.post(
        "/api/auth/changePassword", json={"currentPassword": PASSWORD, "newPassword": new}
    )
    assert answer.status_code == 200, answer.text

    (record,) = await records(tenant.admin, "CREDENTIALS_UPDATED")

    assert record["entityId"] == record["userId"]
    assert new not in str(record)


@pytest.mark.parametrize("path", ["/api/device/{}/credentials", "/api/v1/devices/{}/credentials"])
async def test_reading_credentials_is_recorded_without_them(platform: Platform, path: str) -> None:
    tenant = await platform.tenant()
    device_id = await device_of(tenant)
    answer = await tenant.admin.get(path.format(device_id))
    assert DEVICE_TOKEN in answer.text

    (record,) = await records(tenant.admin, "CREDENTIALS_READ")

    assert record["entityId"] == {"entityType": "DEVICE", "id": device_id}
    assert record["actionData"] == {"entityId": device_id}


async def test_what_users_write_and_delete_is_recorded_with_keys_and_values(
    platform: Platform,
) -> None:
    tenant = await platform.tenant()
    device_id = await device_of(tenant)
    path = f"/api/plugins/telemetry/DEVICE/{device_id}"
    for answer in (
        await tenant.admin.post(f"{path}/timeseries/ANY", json={"ts": 7, "values": {"t": 21}}),
        await tenant.admin.post(f"{path}/SERVER_SCOPE", json={"limit": 5}),
        await tenant.admin.delete(f"{path}/timeseries/delete?keys=t&deleteAllDataForKeys=true"),
        await tenant.admin.delete(f"{path}/SERVER_SCOPE?keys=limit"),
    ):
        assert answer.status_code == 200, answer.text

    async def data(action: str) -> Any:
        (record,) = await records(tenant.admin, action)
        assert (record["entityName"], record["actionData"].pop("entityId")) == ("meter", device_id)
        return record["actionData"]

    assert await data("TIMESERIES_UPDATED") == {"timeseries": [{"ts": 7, "values": {"t": 21}}]}
    assert await data("ATTRIBUTES_UPDATED") == {
        "scope": "SERVER_SCOPE",
        "attributes": {"limit": 5},
    }
    assert (await data("TIMESERIES_DELETED"))["timeseries"] == ["t"]
    assert await data("ATTRIBUTES_DELETED") == {"scope": "SERVER_SCOPE", "attributes": ["limit"]}


async def test_a_refused_write_of_readings_leaves_no_record(platform: Platform) -> None:
    tenant, other = await platform.tenant(), await platform.tenant()
    device_id = await device_of(tenant)

    path = f"/api/plugins/telemetry/DEVICE/{device_id}/timeseries/ANY"
    assert (await other.admin.post(path, json={"t": 1})).status_code == 404

    assert await records(other.admin, "TIMESERIES_UPDATED") == []


async def test_what_is_too_long_to_record_is_left_out(platform: Platform) -> None:
    tenant = await platform.tenant()
    device_id = await device_of(tenant)
    path = f"/api/plugins/telemetry/DEVICE/{device_id}/SERVER_SCOPE"
    assert (await tenant.admin.post(path, json={"text": "x" * 200_000})).status_code == 200

    (record,) = await records(tenant.admin, "ATTRIBUTES_UPDATED")

    assert record["actionData"]["entityId"] == device_id
    assert record["actionData"]["leftOutBytes"] > 200_000


async def test_secrets_are_never_recorded(platform: Platform) -> None:
    tenant = await platform.tenant()
    device_id = await device_of(tenant)
    profile = {
        "name": "with secrets",
        "provisionType": "ALLOW_CREATE_NEW_DEVICES",
        "provisionDeviceKey": "secret-provision-key",
        "profileData": {
            "provisionConfiguration": {"provisionDeviceSecret": "secret-provision-text"}
        },
    }
    await created(tenant.admin, "/api/deviceProfile", profile)
    await created(
        tenant.admin,
        f"/api/v1/devices/{device_id}/credentials",
        {"credentials_id": "device-secret-2"},
    )
    await tenant.admin.post(
        f"/api/plugins/telemetry/DEVICE/{device_id}/SHARED_SCOPE",
        json={"wifiPassword": "secret-of-the-net", "setup": {"apiToken": "secret-of-a-cloud"}},
    )

    async with platform.services.database.read() as session:
        rows = list(await session.scalars(select(AuditLog)))
    recorded = " ".join(str(vars(row)) for row in rows)

    assert "with secrets" in recorded
    assert "wifiPassword" in recorded
    found = [
        text
        for text in ("secret-provision", DEVICE_TOKEN, "device-secret-2", "secret-of", PASSWORD)
        if text in recorded
    ]
    assert found == []
