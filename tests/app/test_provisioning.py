"""Devices that make themselves known, through the whole platform."""

import asyncio
import json
from typing import Any

import pytest

from fieldline.ingest.guard import GuardOptions
from fieldline.messaging.message import Message
from tests.api.support import Client, created
from tests.app.plant import Plant
from tests.domains.device.certificates import make_certificate
from tests.waiting import until

PATH = "/api/v1/provision"
KEY = {"provisionDeviceKey": "key", "provisionDeviceSecret": "secret"}
NOT_FOUND = {"errorMsg": "Provision data was not found!", "status": "NOT_FOUND"}
FAILURE = {"errorMsg": "Failed to provision device!", "status": "FAILURE"}
CREATE, CHECK = "ALLOW_CREATE_NEW_DEVICES", "CHECK_PRE_PROVISIONED_DEVICES"


async def profile(admin: Client, strategy: str, key: str = "key") -> dict[str, Any]:
    made: dict[str, Any] = await created(
        admin,
        "/api/deviceProfile",
        {
            "name": strategy,
            "provisionType": strategy,
            "provisionDeviceKey": key,
            "profileData": {
                "provisionConfiguration": {"type": strategy, "provisionDeviceSecret": "secret"}
            },
        },
    )
    return made


async def ask(plant: Plant, **fields: Any) -> dict[str, Any]:
    answer = await plant.client().post(PATH, json={**KEY, **fields})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def device_named(admin: Client, name: str) -> dict[str, Any]:
    answer = await admin.get("/api/tenant/devices", params={"deviceName": name})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def state_of(admin: Client, device_id: str) -> list[Any]:
    path = f"/api/plugins/telemetry/DEVICE/{device_id}/values/attributes/SERVER_SCOPE"
    found = (await admin.get(f"{path}?keys=provisionState")).json()
    return [each["value"] for each in found]


def listen(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """Return what the rules are told, as it comes."""
    told: list[Message] = []
    bus = plant.platform.services.bus
    publish = bus.publish

    def note(message: Message) -> None:
        told.append(message)
        publish(message)

    monkeypatch.setattr(bus, "publish", note)
    return told


async def test_a_new_device_is_made_over_mqtt_and_connects(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = await plant.tenant()
    made = await profile(admin, CREATE)
    told = listen(plant, monkeypatch)
    client = await plant.connect("", username="provision", version=4)

    await client.subscribe("/provision/response", qos=0)
    body = {**KEY, "deviceName": " meter ", "token": "T1", "gateway": True, "hash": None}
    await client.publish("/provision/request", json.dumps(body).encode(), qos=0)
    await until(lambda: plant.heard)
    answer = json.loads(plant.heard[0].payload)
    device = await device_named(admin, "meter")
    await plant.connect(answer["credentialsValue"])
    await until(lambda: any(each.type == "PROVISION_SUCCESS" for each in told))
    log = await admin.get("/api/audit/logs?pageSize=9&page=0&actionTypes=PROVISION_SUCCESS")

    assert plant.heard[0].topic == "/provision/response"
    assert answer == {
        "credentialsType": "ACCESS_TOKEN",
        "credentialsValue": "T1",
        "status": "SUCCESS",
    }
    assert (device["type"], device["deviceProfileId"]) == (CREATE, made["id"])
    assert device["additionalInfo"] == {"gateway": True}
    assert await state_of(admin, device["id"]["id"]) == ["provisioned"]
    assert [each.type for each in told][:2] == ["ENTITY_CREATED", "PROVISION_SUCCESS"]
    event = next(each for each in told if each.type == "PROVISION_SUCCESS")
    assert event.metadata["tenantId"] == device["tenantId"]["id"]
    assert event.data["deviceName"] == " meter "
    assert "secret" not in event.data_text().replace("provisionDeviceSecret", "")
    [record] = log.json()["data"]
    assert (record["entityName"], record["actionStatus"]) == ("meter", "SUCCESS")


@pytest.mark.parametrize(
    ("fields", "kind", "value"),
    [
        ({"credentialsType": "ACCESS_TOKEN", "token": "T2"}, "ACCESS_TOKEN", "T2"),
        (
            {"credentialsType": "MQTT_BASIC", "username": "u", "password": "p", "clientId": None},
            "MQTT_BASIC",
            {"clientId": None, "userName": "u", "password": "p"},
        ),
        ({"credentialsType": "X509_CERTIFICATE", "hash": "$pem"}, "X509_CERTIFICATE", "$body"),
        ({"credentialsType": "MQTT_BASIC"}, "ACCESS_TOKEN", None),
    ],
)
async def test_credentials_of_each_type(
    plant: Plant, fields: dict[str, Any], kind: str, value: Any
) -> None:
    await profile(await plant.tenant(), CREATE)
    pem = make_certificate("meter")
    body = "".join(pem.splitlines()[1:-1])
    given = {name: pem if each == "$pem" else each for name, each in fields.items()}

    answer = await ask(plant, **given)

    assert (answer["status"], answer["credentialsType"]) == ("SUCCESS", kind)
    if value is None:
        assert len(answer["credentialsValue"]) == 20
    else:
        assert answer["credentialsValue"] == (body if value == "$body" else value)


async def test_what_is_refused(plant: Plant) -> None:
    admin, other = await plant.tenant(), await plant.tenant("other")
    await profile(admin, CREATE)
    await profile(other, "DISABLED", "off")
    await plant.device(admin, "taken")

    refusals = [
        await ask(plant, provisionDeviceKey="wrong"),
        await ask(plant, provisionDeviceSecret="wrong"),
        await ask(plant, provisionDeviceSecret=""),
        await ask(plant, provisionDeviceKey="off"),
        await ask(plant, deviceName="taken"),
        await ask(plant, deviceName="   "),
        await ask(plant, deviceName="a\0b"),
        await ask(plant, deviceName="new", token="taken"),
        await ask(plant, credentialsType="X509_CERTIFICATE", hash="no certificate"),
    ]
    log = await admin.get("/api/audit/logs?pageSize=9&page=0&actionTypes=PROVISION_FAILURE")

    assert refusals == [NOT_FOUND] * 4 + [FAILURE] * 5
    assert (await admin.get("/api/tenant/devices?deviceName=new")).status_code == 404
    [record] = log.json()["data"]
    assert record["actionFailureDetails"] == "There is a device 'taken' already"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"{", "not JSON"),
        (b"[]", "JSON object"),
        (b'{"provisionDeviceKey":"k"}', "provisionDeviceSecret"),
        (b'{"provisionDeviceKey":"k","provisionDeviceSecret":1}', "must be a text"),
        (
            b'{"provisionDeviceKey":"k","provisionDeviceSecret":"s","credentialsType":"X"}',
            "one of ACCESS_TOKEN",
        ),
    ],
)
async def test_a_request_that_is_none(plant: Plant, content: bytes, what: str) -> None:
    answer = await plant.client().post(PATH, content=content)

    assert answer.status_code == 400
    assert what in answer.text


async def test_an_expected_device_gets_its_credentials_once(plant: Plant) -> None:
    admin = await plant.tenant()
    made = await profile(admin, CHECK)
    device_id = await plant.device(admin, "meter", deviceProfileId=made["id"])
    await plant.device(admin, "of another profile")

    answers = await asyncio.gather(
        *(ask(plant, deviceName="meter", token="ignored") for _ in range(5))
    )
    again = await ask(plant, deviceName="meter")
    strangers = [await ask(plant, deviceName="of another profile"), await ask(plant)]

    successes = [each for each in answers if each["status"] == "SUCCESS"]
    assert [each["credentialsValue"] for each in successes] == ["meter"]
    assert [again, *strangers] == [FAILURE] * 3
    assert await state_of(admin, device_id) == ["provisioned"]


async def test_keys_are_not_guessed(plant: Plant) -> None:
    await profile(await plant.tenant(), CREATE)
    for number in range(GuardOptions().most):
        assert await ask(plant, provisionDeviceKey=f"guess {number}") == NOT_FOUND

    refused = await plant.client().post(PATH, json=KEY)
    client = await plant.connect("c", username="provision")
    await client.publish("/provision/request", json.dumps(KEY).encode())
    await client.wait_closed()

    assert refused.status_code == 429
    assert "Too many wrong credentials of devices came from this address" in refused.text
    assert (client.disconnect_code, plant.heard) == (0x83, [])


async def test_a_key_belongs_to_one_profile(plant: Plant) -> None:
    admin, other = await plant.tenant(), await plant.tenant("other")
    await profile(admin, CREATE)

    second = await other.post("/api/deviceProfile", json={"name": "x", "provisionDeviceKey": "key"})

    assert second.status_code == 400
    assert "already exists" in second.json()["message"]
