"""Devices in the v1 dialect."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from fieldline.api.v1 import device_profiles, devices
from fieldline.domains.device import endpoints
from fieldline.domains.device_profile import service as profile_service
from fieldline.rest.services import Limits
from tests.api.support import Client, Platform, Tenant, created, running
from tests.domains.device.certificates import make_certificate

DEVICES = "/api/v1/devices"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def platform(database_url: str) -> AsyncIterator[Platform]:
    async with running(
        database_url,
        thingsboard=[endpoints.router],
        v1=[devices.router, device_profiles.router],
        seeders=[profile_service.seed],
        limits=Limits(default_tenant_devices=4),
    ) as platform:
        yield platform


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant()


async def make(client: Client, name: str = "meter", **fields: object) -> Any:
    return await created(client, DEVICES, {"name": name, **fields}, 201)


async def test_a_device_has_every_field_of_the_contract(tenant: Tenant) -> None:
    device = await make(
        tenant.admin, label="Roof", type="water", unknown="ignored", id=str(uuid4())
    )

    assert device | {"id": 0, "created_time": 0, "device_profile_id": 0} == {
        "id": 0,
        "created_time": 0,
        "name": "meter",
        "tenant_id": str(tenant.id),
        "customer_id": None,
        "additional_info": {},
        "type": "water",
        "label": "Roof",
        "device_profile_id": 0,
        "device_data": {
            "configuration": {"type": "DEFAULT"},
            "transportConfiguration": {"type": "DEFAULT"},
        },
        "firmware_id": None,
        "software_id": None,
        "external_id": None,
        "search_text": "meter\nroof",
    }
    assert (await tenant.admin.get(f"{DEVICES}/{device['id']}")).json() == device
    assert (await tenant.admin.get(f"/api/devices/{device['id']}")).json() == device


async def test_put_changes_what_it_names_and_assigns(tenant: Tenant) -> None:
    device = await make(tenant.admin, label="roof", additional_info={"floor": 3})
    path = f"{DEVICES}/{device['id']}"
    customer_id = str(tenant.customer_id)

    renamed = await tenant.admin.put(path, json={"name": "renamed", "tenant_id": str(uuid4())})
    assigned = await tenant.admin.put(path, json={"customer_id": customer_id})
    seen = await tenant.customer_user.get(DEVICES)
    unassigned = await tenant.admin.put(path, json={"customer_id": None})
    hidden = await tenant.customer_user.get(path)

    assert renamed.status_code == 200
    changed = {"name": "renamed", "search_text": "renamed\nroof"}
    assert renamed.json() == device | changed
    assert assigned.json() == device | changed | {"customer_id": customer_id}
    assert seen.json() == [assigned.json()]
    assert unassigned.json() == device | changed
    assert (hidden.status_code, hidden.json()["status_code"]) == (403, 403)


async def test_lists_are_newest_first_and_filtered(tenant: Tenant) -> None:
    for name in ("first", "second", "third"):
        await make(tenant.admin, name, type="odd" if name == "second" else None)
    customer_id = str(tenant.customer_id)
    await make(tenant.admin, "theirs", customer_id=customer_id)

    async def names(query: str) -> list[str]:
        answer = await tenant.admin.get(f"{DEVICES}{query}")
        assert answer.status_code == 200, answer.text
        return [device["name"] for device in answer.json()]

    assert await names("") == ["theirs", "third", "second", "first"]
    assert await names("?limit=2&offset=1") == ["third", "second"]
    assert await names("?search=IR") == ["theirs", "third", "first"]
    assert await names("?type=odd") == ["second"]
    assert await names(f"?customer_id={customer_id}") == ["theirs"]


async def test_one_path_serves_both_dialects(tenant: Tenant) -> None:
    device = await make(tenant.admin)

    v1 = (await tenant.admin.get("/api/devices")).json()
    thingsboard = (await tenant.admin.get(f"/api/devices?deviceIds={device['id']}")).json()
    always_v1 = (await tenant.admin.get(f"{DEVICES}?deviceIds={device['id']}")).json()

    assert v1 == always_v1 == [device]
    assert thingsboard[0]["id"] == {"entityType": "DEVICE", "id": device["id"]}


async def test_a_deleted_device_is_not_found(tenant: Tenant) -> None:
    device = await make(tenant.admin)
    path = f"{DEVICES}/{device['id']}"

    deleted = await tenant.admin.delete(path)
    missing = await tenant.admin.get(path)

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (missing.status_code, missing.json()["status_code"]) == (404, 404)
    assert isinstance(missing.json()["detail"], str)


async def test_errors_have_v1s_form(platform: Platform, tenant: Tenant) -> None:
    device = await make(tenant.admin)
    stranger = (await platform.tenant()).admin
    path = f"{DEVICES}/{device['id']}"

    for expected, answer in (
        (409, await tenant.admin.post(DEVICES, json={"name": "meter"})),
        (400, await tenant.admin.post(DEVICES, json={})),
        (400, await tenant.admin.post(DEVICES, json={"name": "x", "firmware_id": str(uuid4())})),
        (400, await tenant.admin.post(DEVICES, content=b"{", headers=JSON)),
        (422, await tenant.admin.post(DEVICES, json={"name": 5})),
        (422, await tenant.admin.get(f"{DEVICES}/nonsense")),
        (422, await tenant.admin.get(f"{DEVICES}?limit=0")),
        (404, await stranger.get(path)),
        (404, await stranger.put(path, json={"name": "x"})),
        (404, await stranger.delete(path)),
        (404, await stranger.get(f"{path}/credentials")),
        (404, await tenant.admin.put(path, json={"customer_id": str(uuid4())})),
        (403, await tenant.customer_user.post(DEVICES, json={"name": "x"})),
        (403, await tenant.customer_user.delete(path)),
        (403, await (await platform.sysadmin()).get(DEVICES)),
        (401, await platform.anybody.get(DEVICES)),
    ):
        assert answer.status_code == expected, answer.text
        assert set(answer.json()) == {"detail", "status_code"}, answer.text
        assert answer.json()["status_code"] == expected


async def test_the_limit_of_the_installation_holds(tenant: Tenant) -> None:
    for number in range(4):
        await make(tenant.admin, f"device {number}")

    answer = await tenant.admin.post(DEVICES, json={"name": "one too many"})

    assert answer.status_code == 403
    assert answer.json()["detail"] == "Devices limit reached"


async def test_credentials_of_every_kind(tenant: Tenant) -> None:
    device = await make(tenant.admin)
    path = f"{DEVICES}/{device['id']}/credentials"
    first = (await tenant.admin.get(path)).json()

    async def replace(kind: str, **content: object) -> Any:
        body = {"credentials_type": kind, **content}
        saved = await created(tenant.admin, path, body)
        assert (await tenant.admin.get(path)).json() == saved
        return saved

    token = await replace("ACCESS_TOKEN", credentials_id="chosen")
    generated = await replace("ACCESS_TOKEN")
    basic = await replace("MQTT_BASIC", credentials_value={"userName": "u", "password": "p"})
    certificate = await replace("X509_CERTIFICATE", credentials_value=make_certificate("x"))
    lwm2m = await replace(
        "LWM2M_CREDENTIALS",
        credentials_value={"client": {"securityConfigClientMode": "NO_SEC", "endpoint": "urn:1"}},
    )

    assert set(first) == {
        "id",
        "created_time",
        "device_id",
        "credentials_type",
        "credentials_id",
        "credentials_value",
    }
    assert (first["credentials_type"], len(first["credentials_id"])) == ("ACCESS_TOKEN", 20)
    assert token["credentials_id"] == "chosen"
    assert len(generated["credentials_id"]) == 20
    assert basic["credentials_id"] == "u"
    assert '"password":"p"' in basic["credentials_value"]
    assert len(certificate["credentials_id"]) == 64
    assert "BEGIN" not in certificate["credentials_value"]
    assert lwm2m["credentials_id"] == "urn:1"


async def test_the_names_of_resources_are_no_access_tokens(tenant: Tenant) -> None:
    device = await make(tenant.admin)
    path = f"{DEVICES}/{device['id']}/credentials"

    for word in ("devices", "customers", "telemetry", "ruleChains", "auth", "provision"):
        body = {"credentials_type": "ACCESS_TOKEN", "credentials_id": word}
        assert (await tenant.admin.post(path, json=body)).status_code == 400, word


async def test_a_customer_user_reads_credentials_but_does_not_set_them(tenant: Tenant) -> None:
    device = await make(tenant.admin, customer_id=str(tenant.customer_id))
    path = f"{DEVICES}/{device['id']}/credentials"

    assert (await tenant.customer_user.get(path)).status_code == 200
    answer = await tenant.customer_user.post(path, json={"credentials_type": "ACCESS_TOKEN"})
    assert answer.status_code == 403
