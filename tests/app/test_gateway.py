"""A gateway and its devices, through the whole platform."""

import asyncio
import json
from pathlib import Path
from typing import Any

from sqlalchemy import select

from fieldline.domains.tenant.models import Tenant
from tests.api.support import Client, created
from tests.app.plant import Plant, opened, settings_of
from tests.transports.mqtt.client import MqttClient
from tests.waiting import until

GATEWAY = {"additionalInfo": {"gateway": True}}


async def publish(client: MqttClient, topic: str, body: Any) -> None:
    await client.publish(topic, json.dumps(body).encode())
    await client.drain()


async def device_named(admin: Client, name: str) -> dict[str, Any]:
    answer = await admin.get("/api/tenant/devices", params={"deviceName": name})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_devices_are_made_with_profile_relation_and_readings(plant: Plant) -> None:
    admin = await plant.tenant()
    gateway_id = await plant.device(admin, "gateway", **GATEWAY)
    client = await plant.connect("gateway")

    await publish(client, "v1/gateway/connect", {"device": "A", "type": "thermostat"})
    await publish(client, "v1/gateway/telemetry", {"A": [{"t": 21.5}], "B": [{"t": 1}]})
    a, b = await device_named(admin, "A"), await device_named(admin, "B")
    latest = await admin.get(
        f"/api/plugins/telemetry/DEVICE/{a['id']['id']}/values/timeseries?keys=t"
    )
    relations = await admin.get(f"/api/relations?fromId={gateway_id}&fromType=DEVICE")

    assert (a["type"], b["type"]) == ("thermostat", "default")
    assert a["additionalInfo"]["lastConnectedGateway"] == gateway_id
    assert latest.json()["t"][0]["value"] == "21.5"
    assert {(each["type"], each["to"]["id"]) for each in relations.json()} == {
        ("Created", a["id"]["id"]),
        ("Created", b["id"]["id"]),
    }


async def test_a_device_that_is_there_already_is_used(plant: Plant) -> None:
    admin = await plant.tenant()
    gateway_id = await plant.device(admin, "gateway", **GATEWAY)
    device_id = await plant.device(admin, "A", additionalInfo={"description": "kept"})
    client = await plant.connect("gateway")

    await publish(client, "v1/gateway/connect", {"device": "A", "type": "thermostat"})
    found = await device_named(admin, "A")

    assert (found["id"]["id"], found["type"]) == (device_id, "default")
    assert found["additionalInfo"] == {
        "description": "kept",
        "lastConnectedGateway": gateway_id,
    }


async def test_a_device_is_the_gateways_customers(plant: Plant) -> None:
    admin = await plant.tenant()
    customer = await created(admin, "/api/customer", {"title": "Customer"})
    await plant.device(admin, "gateway", **GATEWAY, customerId=customer["id"])
    client = await plant.connect("gateway")

    await publish(client, "v1/gateway/connect", {"device": "A"})

    assert (await device_named(admin, "A"))["customerId"] == customer["id"]


async def test_other_tenants_devices_are_others(plant: Plant) -> None:
    admin, stranger = await plant.tenant(), await plant.tenant("other")
    await plant.device(admin, "gateway", **GATEWAY)
    foreign = await plant.device(stranger, "A")
    client = await plant.connect("gateway")

    await publish(client, "v1/gateway/telemetry", {"A": [{"t": 1}]})

    assert (await device_named(admin, "A"))["id"]["id"] != foreign
    keys = await stranger.get(f"/api/plugins/telemetry/DEVICE/{foreign}/keys/timeseries")
    assert keys.json() == []


async def test_a_command_reaches_a_device_behind_a_gateway(plant: Plant) -> None:
    admin = await plant.tenant()
    await plant.device(admin, "gateway", **GATEWAY)
    client = await plant.connect("gateway")
    await client.subscribe("v1/gateway/rpc")
    await publish(client, "v1/gateway/connect", {"device": "A"})
    device = await device_named(admin, "A")
    body = {"method": "open", "params": 1, "persistent": True, "timeout": 60_000}

    rpc = await created(admin, f"/api/rpc/twoway/{device['id']['id']}", body)
    await until(lambda: plant.heard)
    sent = json.loads(plant.heard[0].payload)
    await publish(
        client, "v1/gateway/rpc", {"device": "A", "id": sent["data"]["id"], "data": {"ok": 1}}
    )
    await plant.platform.door._server_rpc._kept.flush()  # type: ignore[attr-defined]
    found = (await admin.get(f"/api/rpc/persistent/{rpc['rpcId']}")).json()

    assert (sent["device"], sent["data"]["method"]) == ("A", "open")
    assert (found["status"], found["response"]) == ("SUCCESSFUL", {"ok": 1})


async def test_the_limit_of_devices_holds_for_gateways_too(plant: Plant) -> None:
    admin = await plant.tenant()
    await plant.device(admin, "gateway", **GATEWAY)
    sysadmin = await plant.user("sysadmin@thingsboard.org")
    profile = (await sysadmin.get("/api/tenantProfileInfo/default")).json()
    whole = (await sysadmin.get(f"/api/tenantProfile/{profile['id']['id']}")).json()
    whole["profileData"]["configuration"]["maxDevices"] = 2
    await created(sysadmin, "/api/tenantProfile", whole)
    client = await plant.connect("gateway")

    await publish(client, "v1/gateway/telemetry", {"A": [{"t": 1}]})
    await publish(client, "v1/gateway/telemetry", {"A": [{"t": 2}], "B": [{"t": 3}]})
    missing = await admin.get("/api/tenant/devices?deviceName=B")

    assert (client.refused, client.last_refusal, client.is_open) == (1, 0x97, True)
    assert missing.status_code == 404


async def test_nothing_is_left_of_a_device_that_is_refused(plant: Plant) -> None:
    admin = await plant.tenant()
    await plant.device(admin, "gateway", **GATEWAY)
    client = await plant.connect("gateway")

    await client.publish("v1/gateway/connect", b'{"device":"A","type":"thermostat"}')
    await client.publish("v1/gateway/connect", b'{"device":"<b>","type":"boiler"}')
    await client.publish("v1/gateway/connect", b'{"device":"C","type":"meter"}')
    await client.drain()
    page = await admin.get("/api/deviceProfileInfos?pageSize=9&page=0&sortProperty=name")

    assert (client.refused, client.last_refusal) == (1, 0x80)
    assert [each["name"] for each in page.json()["data"]] == ["default", "meter", "thermostat"]


async def test_names_that_are_none(plant: Plant) -> None:
    admin = await plant.tenant()
    await plant.device(admin, "gateway", **GATEWAY)
    client = await plant.connect("gateway")

    for name in ("", "  ", "<b>x</b>", "x" * 256):
        await publish(client, "v1/gateway/telemetry", {name: [{"t": 1}]})

    assert (client.refused, client.last_refusal, client.is_open) == (4, 0x80, True)


async def test_a_name_that_no_database_holds(plant: Plant) -> None:
    admin = await plant.tenant()
    await plant.device(admin, "gateway", **GATEWAY)
    client = await plant.connect("gateway")

    await publish(client, "v1/gateway/connect", {"device": "A\x00"})

    assert (client.refused, client.last_refusal, client.is_open) == (1, 0x80, True)


async def test_hundreds_of_devices_of_one_gateway(plant: Plant) -> None:
    admin = await plant.tenant()
    await plant.device(admin, "gateway", **GATEWAY)
    client = await plant.connect("gateway")

    for number in range(300):
        await client.publish(
            "v1/gateway/telemetry", json.dumps({f"D{number}": [{"n": number}]}).encode()
        )
    await client.drain()
    page = (await admin.get("/api/tenant/devices?pageSize=1&page=0")).json()

    assert (page["totalElements"], client.refused) == (301, 0)


async def test_a_gateway_is_told_of_a_device_that_is_renamed_or_deleted(plant: Plant) -> None:
    admin = await plant.tenant()
    await plant.device(admin, "gateway", **GATEWAY)
    client = await plant.connect("gateway")
    await client.subscribe("v1/devices/me/rpc/request/+")
    await publish(client, "v1/gateway/connect", {"device": "A"})
    device = await device_named(admin, "A")

    await created(admin, "/api/device", {**device, "name": "B", "version": None})
    await created(admin, "/api/device", {**device, "name": "B", "label": "x", "version": None})
    answer = await admin.delete(f"/api/device/{device['id']['id']}")
    await until(lambda: len(plant.heard) >= 2)

    assert answer.status_code == 200
    assert [json.loads(packet.payload) for packet in plant.heard] == [
        {"method": "gateway_device_renamed", "params": {"A": "B"}},
        {"method": "gateway_device_deleted", "params": "B"},
    ]


async def test_gateways_that_come_at_once_leave_the_database_to_others(
    database_url: str, tmp_path: Path
) -> None:
    settings = settings_of(database_url, tmp_path)
    few = settings.model_copy(update={"postgres_pool_size": 5, "postgres_max_overflow": 0})
    async with opened(few) as plant:
        admin = await plant.tenant()
        names = [f"gateway {number}" for number in range(8)]
        for name in names:
            await plant.device(admin, name, **GATEWAY)
        gateways = [await plant.connect(name) for name in names]

        async with plant.platform.services.database.write() as session:
            await session.scalars(select(Tenant.id).with_for_update())  # nobody else makes devices
            for number, gateway in enumerate(gateways):
                body = {"device": f"meter {number}"}
                await gateway.publish("v1/gateway/connect", json.dumps(body).encode())
            await asyncio.sleep(0.2)  # each has had time for taking a connection
            during = await asyncio.wait_for(
                admin.get("/api/tenant/deviceInfos?pageSize=1&page=0"), 10
            )
        for gateway in gateways:
            await gateway.drain()
        after = await admin.get("/api/tenant/deviceInfos?pageSize=1&page=0")

    assert during.json()["totalElements"] == 8
    assert after.json()["totalElements"] == 16
