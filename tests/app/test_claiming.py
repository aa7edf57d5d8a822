"""Customers' users take over devices, through the whole platform."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.support import Client, created
from tests.app.plant import Plant, opened, settings_of
from tests.transports.mqtt.client import MqttClient
from tests.waiting import until

CLAIM = "v1/devices/me/claim"


async def customer_user(plant: Plant, admin: Client, name: str = "smith") -> Client:
    customer = await created(admin, "/api/customer", {"title": name})
    email = f"{name}@acme.org"
    body = {"email": email, "authority": "CUSTOMER_USER", "customerId": customer["id"]}
    await created(admin, "/api/user?sendActivationMail=false", body)
    return await plant.user(email)


async def send(client: MqttClient, topic: str, body: Any) -> None:
    await client.publish(topic, json.dumps(body).encode())
    await client.drain()


async def claim(user: Client, name: str, secret: str = "") -> tuple[int, Any]:
    answer = await user.post(f"/api/customer/device/{name}/claim", json={"secretKey": secret})
    return answer.status_code, answer.json()


async def set_attributes(admin: Client, device_id: str, values: dict[str, Any]) -> None:
    path = f"/api/plugins/telemetry/DEVICE/{device_id}/attributes/SERVER_SCOPE"
    assert (await admin.post(path, json=values)).status_code == 200


async def attributes_of(admin: Client, device_id: str) -> dict[str, Any]:
    path = f"/api/plugins/telemetry/DEVICE/{device_id}/values/attributes/SERVER_SCOPE"
    keys = "?keys=claimingData,claimingAllowed"
    return {each["key"]: each["value"] for each in (await admin.get(path + keys)).json()}


async def test_a_device_is_claimed_with_its_key(plant: Plant) -> None:
    admin = await plant.tenant()
    user = await customer_user(plant, admin)
    device_id = await plant.device(admin, "meter")
    await set_attributes(admin, device_id, {"claimingAllowed": True})
    client = await plant.connect("meter")
    await send(client, CLAIM, {"secretKey": "k", "durationMs": 60_000})
    await send(client, CLAIM, {"secretKey": "another", "durationMs": 1})

    status, result = await claim(user, "meter", "k")
    again = await claim(user, "meter", "k")
    mine = (await user.get(f"/api/device/{device_id}")).json()
    log = await admin.get("/api/audit/logs?pageSize=9&page=0&actionTypes=ASSIGNED_TO_CUSTOMER")

    assert (status, result["response"]) == (200, "SUCCESS")
    assert result["device"]["id"] == mine["id"]
    assert result["device"]["customerId"] == mine["customerId"]
    assert again == (400, "CLAIMED")
    assert await attributes_of(admin, device_id) == {}
    assert [each["userName"] for each in log.json()["data"]] == ["smith@acme.org"]


async def test_a_wrong_key_ends_the_devices_word(plant: Plant) -> None:
    admin = await plant.tenant()
    user = await customer_user(plant, admin)
    await plant.device(admin, "meter")
    client = await plant.connect("meter")
    await send(client, CLAIM, {"secretKey": "k"})

    attempts = [await claim(user, "meter", each) for each in ("wrong", "k")]
    await send(client, CLAIM, {"secretKey": "k"})
    status, _result = await claim(user, "meter", "k")

    assert attempts == [(400, "FAILURE"), (400, "FAILURE")]
    assert status == 200


async def test_time_runs_out(plant: Plant) -> None:
    admin = await plant.tenant()
    user = await customer_user(plant, admin)
    await plant.device(admin, "meter")
    client = await plant.connect("meter")
    await send(client, CLAIM, {"durationMs": 1})

    await asyncio.sleep(0.005)

    assert await claim(user, "meter") == (400, "FAILURE")
    assert await claim(user, "meter") == (400, "FAILURE")


async def test_what_nobody_may_have(plant: Plant) -> None:
    admin, stranger = await plant.tenant(), await plant.tenant("other")
    user, rival = [await customer_user(plant, admin, name) for name in ("smith", "jones")]
    await plant.device(admin, "meter")
    client = await plant.connect("meter")

    silent = await claim(user, "meter")
    unknown = await claim(user, "nothing")
    by_admin = await claim(admin, "meter")
    await send(client, CLAIM, {})
    taken = await claim(user, "meter")
    await send(client, CLAIM, {})  # acknowledged, and without effect
    of_another = await claim(rival, "meter")
    not_the_rivals = await rival.delete("/api/customer/device/meter/claim")
    not_the_strangers = await stranger.delete("/api/customer/device/meter/claim")

    assert (silent, taken[0], of_another) == ((400, "FAILURE"), 200, (400, "CLAIMED"))
    assert (unknown[0], by_admin[0]) == (404, 403)
    assert (not_the_rivals.status_code, not_the_strangers.status_code) == (403, 404)


async def test_the_tenant_says_who_may_have_a_device(plant: Plant) -> None:
    admin = await plant.tenant()
    user = await customer_user(plant, admin)
    device_id = await plant.device(admin, "meter")
    later = plant.platform.services.clock.now_ms() + 60_000
    data = {"secretKey": "k", "expirationTime": later}
    await set_attributes(admin, device_id, {"claimingData": data})

    wrong = await claim(user, "meter", "wrong")
    status, _result = await claim(user, "meter", "k")
    given_back = await user.delete("/api/customer/device/meter/claim")
    nobodys = await user.delete("/api/customer/device/meter/claim")
    device = (await admin.get(f"/api/device/{device_id}")).json()

    assert (wrong, status) == ((400, "FAILURE"), 200)
    assert await attributes_of(admin, device_id) == {}
    assert (given_back.status_code, nobodys.status_code) == (200, 200)
    assert device["customerId"]["id"].startswith("13814000")


async def test_devices_of_http_and_of_gateways(plant: Plant) -> None:
    admin = await plant.tenant()
    user = await customer_user(plant, admin)
    await plant.device(admin, "meter")
    await plant.device(admin, "gateway", additionalInfo={"gateway": True})
    http = plant.client()

    answers = [
        await http.post("/api/v1/meter/claim", content=b'{"secretKey":1}'),
        await http.post("/api/v1/meter/claim", content=b"null"),
        await http.post("/api/v1/nobody/claim"),
        await http.post("/api/v1/meter/claim"),
    ]
    gateway = await plant.connect("gateway")
    body = {"A": {"secretKey": "a"}, "B": {}, "C": 1}
    await send(gateway, "v1/gateway/claim", body)
    claimed = [await claim(user, *each) for each in (("meter", ""), ("A", "a"), ("B", ""))]

    assert [each.status_code for each in answers] == [400, 400, 401, 200]
    assert answers[0].text == "'secretKey' of a claim request must be a text"
    assert [status for status, _result in claimed] == [200, 200, 200]
    assert (await admin.get("/api/tenant/devices?deviceName=C")).status_code == 404


@pytest.mark.parametrize("payload", [b"null", b"[]", b"{", b'{"durationMs":"1"}'])
async def test_a_claim_request_that_is_none(plant: Plant, payload: bytes) -> None:
    admin = await plant.tenant()
    await plant.device(admin, "meter")
    client = await plant.connect("meter")

    await client.publish(CLAIM, payload)
    await until(lambda: client.refused)

    assert (client.last_refusal, client.is_open) == (0x99, True)


async def test_only_allowed_devices_and_the_word_outlives_the_process(
    database_url: str, tmp_path: Path
) -> None:
    settings = settings_of(database_url, tmp_path).model_copy(
        update={"security_claim_allow_claiming_by_default": False}
    )
    async with opened(settings) as plant:
        admin = await plant.tenant()
        user = await customer_user(plant, admin)
        device_id = await plant.device(admin, "meter")
        client = await plant.connect("meter")
        await send(client, CLAIM, {})
        refused = await claim(user, "meter")
        await set_attributes(admin, device_id, {"claimingAllowed": True})
        await send(client, CLAIM, {})
    async with opened(settings) as plant:
        admin, user = await plant.user("admin@acme.org"), await plant.user("smith@acme.org")
        status, _result = await claim(user, "meter")
        had = await attributes_of(admin, device_id)
        await user.delete("/api/customer/device/meter/claim")
        free = await attributes_of(admin, device_id)

    assert (refused, status) == ((400, "FAILURE"), 200)
    assert (had, free) == ({}, {"claimingAllowed": True})


async def test_secret_keys_are_not_guessed(plant: Plant) -> None:
    admin = await plant.tenant()
    user = await customer_user(plant, admin)
    await plant.device(admin, "meter")

    statuses = [(await claim(user, "meter", str(number)))[0] for number in range(21)]

    assert statuses == [400] * 20 + [429]
