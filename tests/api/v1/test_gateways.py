"""Gateways and the devices that speak through them, in the v1 dialect."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.support import Client, Platform, Tenant, created
from tests.domains.support import expect_v1_error, on_sqlite

GATEWAYS = "/api/v1/gateways"
DEVICES = "/api/v1/devices"


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant()


async def make(client: Client, name: str = "gate", **fields: Any) -> Any:
    return await created(client, GATEWAYS, {"name": name, **fields}, 201)


async def device(client: Client, name: str = "meter", **fields: Any) -> Any:
    return await created(client, DEVICES, {"name": name, **fields}, 201)


async def names(client: Client, path: str) -> list[str]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()]


async def attach(client: Client, gateway: Any, *devices: Any) -> None:
    for each in devices:
        answer = await client.put(f"{GATEWAYS}/{gateway['id']}/devices/{each['id']}")
        assert answer.status_code == 200, answer.text


async def test_a_gateway_is_a_device_with_counts(tenant: Tenant) -> None:
    gateway = await make(tenant.admin, label="Roof", additional_info={"floor": 3})

    as_device = (await tenant.admin.get(f"{DEVICES}/{gateway['id']}")).json()

    assert gateway == as_device | {"active": False, "device_count": 0, "active_device_count": 0}
    assert gateway["additional_info"] == {"floor": 3, "gateway": True}
    for prefix in ("/api/v1", "/api"):
        assert (await tenant.admin.get(f"{prefix}/gateways/{gateway['id']}")).json() == gateway


async def test_a_device_that_says_so_is_a_gateway(tenant: Tenant) -> None:
    made = await device(tenant.admin, "gate", additional_info={"gateway": True})
    await device(tenant.admin, "plain", additional_info={"gateway": "true"})

    assert await names(tenant.admin, GATEWAYS) == ["gate"]
    ended = await tenant.admin.put(f"{DEVICES}/{made['id']}", json={"additional_info": {}})

    assert ended.status_code == 200
    assert await names(tenant.admin, GATEWAYS) == []
    expect_v1_error(await tenant.admin.get(f"{GATEWAYS}/{made['id']}"), 404, "Gateway with id")


async def test_lists_are_newest_first_searched_and_filtered(tenant: Tenant) -> None:
    for name in ("first", "second", "third"):
        await make(tenant.admin, name, type="odd" if name == "second" else None)
    await make(tenant.admin, "theirs", customer_id=str(tenant.customer_id))
    await device(tenant.admin, "third device")

    assert await names(tenant.admin, GATEWAYS) == ["theirs", "third", "second", "first"]
    assert await names(tenant.admin, f"{GATEWAYS}?limit=2&offset=1") == ["third", "second"]
    assert await names(tenant.admin, f"{GATEWAYS}?search=IR") == ["theirs", "third", "first"]
    assert await names(tenant.admin, f"{GATEWAYS}?type=odd") == ["second"]
    of_customer = f"{GATEWAYS}?customer_id={tenant.customer_id}"
    assert await names(tenant.admin, of_customer) == ["theirs"]
    assert await names(tenant.customer_user, GATEWAYS) == ["theirs"]


async def test_devices_are_attached_listed_and_detached(tenant: Tenant) -> None:
    gateway, other = [await make(tenant.admin, name) for name in ("gate", "other")]
    first = await device(tenant.admin, "first", additional_info={"floor": 3})
    second = await device(tenant.admin, "second")
    path = f"{GATEWAYS}/{gateway['id']}/devices"

    await attach(tenant.admin, gateway, first, second)
    attached = (await tenant.admin.get(f"{DEVICES}/{first['id']}")).json()
    assert attached["additional_info"] == {"floor": 3, "lastConnectedGateway": gateway["id"]}
    assert await names(tenant.admin, path) == ["second", "first"]
    assert await names(tenant.admin, f"{path}?search=FIRST") == ["first"]

    await attach(tenant.admin, other, second)
    assert await names(tenant.admin, path) == ["first"]

    detached = await tenant.admin.delete(f"{path}/{first['id']}")
    assert (detached.status_code, detached.content) == (204, b"")
    assert await names(tenant.admin, path) == []
    left = (await tenant.admin.get(f"{DEVICES}/{first['id']}")).json()
    assert left == first
    again = await tenant.admin.delete(f"{path}/{first['id']}")
    expect_v1_error(again, 404, "is not attached to the gateway")


@pytest.mark.parametrize("is_reference", [False, True])
async def test_a_device_that_names_its_gateway_is_listed(
    tenant: Tenant, is_reference: bool
) -> None:
    gateway = await make(tenant.admin)
    named = {"entityType": "DEVICE", "id": gateway["id"]} if is_reference else gateway["id"]

    await device(tenant.admin, additional_info={"lastConnectedGateway": named})
    await device(tenant.admin, "odd", additional_info={"lastConnectedGateway": "unknown"})

    assert await names(tenant.admin, f"{GATEWAYS}/{gateway['id']}/devices") == ["meter"]


async def test_counts_tell_how_many_devices_there_are(tenant: Tenant) -> None:
    gateway = await make(tenant.admin)
    await make(tenant.admin, "empty")
    await attach(
        tenant.admin, gateway, *[await device(tenant.admin, name) for name in ("a", "b", "c")]
    )

    listed = {item["name"]: item for item in (await tenant.admin.get(GATEWAYS)).json()}

    assert listed["gate"]["device_count"] == 3
    assert listed["empty"]["device_count"] == 0
    assert (await tenant.admin.get(f"{GATEWAYS}/{gateway['id']}")).json() == listed["gate"]


async def test_a_customer_user_sees_and_counts_only_its_own(tenant: Tenant) -> None:
    customer_id = str(tenant.customer_id)
    gateway = await make(tenant.admin, customer_id=customer_id)
    hidden = await make(tenant.admin, "hidden")
    own = await device(tenant.admin, "own", customer_id=customer_id)
    await attach(tenant.admin, gateway, own, await device(tenant.admin, "not theirs"))
    path = f"{GATEWAYS}/{gateway['id']}"

    assert (await tenant.customer_user.get(path)).json()["device_count"] == 1
    assert await names(tenant.customer_user, f"{path}/devices") == ["own"]
    renamed = await tenant.customer_user.put(path, json={"name": "mine"})
    assert renamed.json()["name"] == "mine"
    for answer in (
        await tenant.customer_user.get(f"{GATEWAYS}/{hidden['id']}"),
        await tenant.customer_user.get(f"{GATEWAYS}/{hidden['id']}/devices"),
        await tenant.customer_user.post(GATEWAYS, json={"name": "new"}),
        await tenant.customer_user.put(f"{path}/devices/{own['id']}"),
        await tenant.customer_user.delete(f"{path}/devices/{own['id']}"),
        await tenant.customer_user.delete(path),
    ):
        expect_v1_error(answer, 403)


async def test_put_changes_what_it_names_and_the_gateway_stays_one(tenant: Tenant) -> None:
    gateway = await make(tenant.admin, label="roof")
    path = f"{GATEWAYS}/{gateway['id']}"

    renamed = await tenant.admin.put(path, json={"name": "renamed"})
    described = await tenant.admin.put(path, json={"additional_info": {"floor": 3}})
    emptied = await tenant.admin.put(path, json={"additional_info": None})
    ended = await tenant.admin.put(path, json={"additional_info": {"gateway": False}})

    changed = {"name": "renamed", "search_text": "renamed\nroof"}
    assert renamed.json() == gateway | changed
    assert described.json()["additional_info"] == {"floor": 3, "gateway": True}
    assert emptied.json()["additional_info"] == {"gateway": True}
    expect_v1_error(ended, 400, "additional_info.gateway of a gateway is true")


async def test_the_devices_of_a_deleted_gateway_stay(tenant: Tenant) -> None:
    gateway = await make(tenant.admin)
    meter = await device(tenant.admin)
    await attach(tenant.admin, gateway, meter)
    path = f"{GATEWAYS}/{gateway['id']}"

    deleted = await tenant.admin.delete(path)

    assert deleted.status_code == 204
    assert (await tenant.admin.get(f"{DEVICES}/{meter['id']}")).status_code == 200
    for answer in (
        await tenant.admin.get(path),
        await tenant.admin.get(f"{path}/devices"),
        await tenant.admin.put(path, json={"name": "x"}),
        await tenant.admin.delete(path),
        await tenant.admin.put(f"{path}/devices/{meter['id']}"),
        await tenant.admin.delete(f"{path}/devices/{meter['id']}"),
    ):
        expect_v1_error(answer, 404)


async def test_only_gateways_and_devices_of_the_tenant_are_joined(
    platform: Platform, tenant: Tenant
) -> None:
    stranger = await platform.tenant()
    gateway, plain = await make(tenant.admin), await device(tenant.admin)
    foreign = await device(stranger.admin)
    path = f"{GATEWAYS}/{gateway['id']}/devices"

    of_plain = await tenant.admin.put(f"{GATEWAYS}/{plain['id']}/devices/{gateway['id']}")
    itself = await tenant.admin.put(f"{path}/{gateway['id']}")
    missing = await tenant.admin.put(f"{path}/{uuid4()}")
    theirs = await tenant.admin.put(f"{path}/{foreign['id']}")
    named = {"lastConnectedGateway": gateway["id"]}
    await device(stranger.admin, "spy", additional_info=named)

    expect_v1_error(of_plain, 404, "Gateway with id")
    expect_v1_error(itself, 400, "cannot be attached to itself")
    expect_v1_error(missing, 404)
    expect_v1_error(theirs, 404)
    assert await names(tenant.admin, path) == []
    shown = (await tenant.admin.get(f"{GATEWAYS}/{gateway['id']}")).json()
    assert shown["device_count"] == 0


async def test_a_taken_name_is_a_conflict(tenant: Tenant) -> None:
    await device(tenant.admin, "gate")

    answer = await tenant.admin.post(GATEWAYS, json={"name": "gate"})

    expect_v1_error(answer, 409, "Device with such name already exists!")


@on_sqlite
@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({}, 400, "Device name should be specified!"),
        ({"name": "x" * 256}, 400, "equal or less than 255"),
        ({"name": 5}, 422, "name"),
        ({"name": "gate", "additional_info": []}, 422, "additional_info"),
        ({"name": "gate", "additional_info": {"gateway": False}}, 400, "is true"),
        ({"name": "gate", "customer_id": str(uuid4())}, 404, "is not found"),
    ],
)
async def test_what_is_wrong_is_said(tenant: Tenant, body: Any, status: int, detail: str) -> None:
    answer = await tenant.admin.post(GATEWAYS, json=body)

    expect_v1_error(answer, status, detail)
    assert await names(tenant.admin, GATEWAYS) == []


@on_sqlite
async def test_an_id_that_is_none_is_told(tenant: Tenant) -> None:
    expect_v1_error(await tenant.admin.get(f"{GATEWAYS}/none"), 422, "gateway_id")
    expect_v1_error(await tenant.admin.get(f"{GATEWAYS}/{uuid4()}"), 404, "is not found")
