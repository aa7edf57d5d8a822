"""A Sparkplug edge node and its devices, through the whole platform."""

from typing import Any

from fieldline.protocols.mqtt.packets import Will
from tests.api.support import Client, created
from tests.app.plant import Plant
from tests.protocols.sparkplug import wire
from tests.protocols.sparkplug.wire import BOOLEAN, DOUBLE, INT64, STRING, death, metric, payload
from tests.transports.mqtt.client import MqttClient
from tests.waiting import until_async

BD_SEQ = metric("bdSeq", INT64, 0)


async def edge_node(plant: Plant, admin: Client, name: str = "node", **configuration: Any) -> str:
    """Make an edge node's device, with a profile of its own; returns its id."""
    transport = {"type": "MQTT", "sparkplug": True, **configuration}
    profile = await created(
        admin,
        "/api/deviceProfile",
        {
            "name": "edge" if name == "node" else f"edge {name}",
            "type": "DEFAULT",
            "transportType": "MQTT",
            "profileData": {
                "configuration": {"type": "DEFAULT"},
                "transportConfiguration": transport,
            },
        },
    )
    return await plant.device(admin, name, deviceProfileId=profile["id"])


async def connect(plant: Plant, token: str = "node") -> MqttClient:
    return await plant.connect(token, will=Will("spBv1.0/G/NDEATH/E", death(), 1))


async def says(client: MqttClient, topic: str, *metrics: bytes, seq: int) -> None:
    await client.publish(f"spBv1.0/G/{topic}", payload(metrics, seq=seq))
    await client.drain()


async def latest(admin: Client, device_id: str) -> dict[str, str]:
    answer = await admin.get(f"/api/plugins/telemetry/DEVICE/{device_id}/values/timeseries")
    return {key: points[0]["value"] for key, points in answer.json().items()}


async def device_named(admin: Client, name: str) -> dict[str, Any]:
    answer = await admin.get("/api/tenant/devices", params={"deviceName": name})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_births_data_and_a_death(plant: Plant) -> None:
    admin = await plant.tenant()
    node_id = await edge_node(plant, admin, sparkplugAttributesMetricNames=["Node Info/*"])
    client = await connect(plant)

    await says(
        client, "NBIRTH/E", BD_SEQ, metric("load", DOUBLE, 0.5),
        metric("Node Info/OS", STRING, "Linux"), seq=0,
    )  # fmt: skip
    await says(client, "DBIRTH/E/D", metric("t", DOUBLE, 20.5, alias=1), seq=1)
    await says(client, "DDATA/E/D", metric(alias=1, datatype=-DOUBLE, given=21.5), seq=2)
    device = await device_named(admin, "G:E:D")
    alive = await latest(admin, node_id)
    attributes = await admin.get(
        f"/api/plugins/telemetry/DEVICE/{node_id}/values/attributes/SHARED_SCOPE"
    )

    assert (device["label"], device["type"]) == ("D", "edge device")
    assert device["additionalInfo"]["lastConnectedGateway"] == node_id
    assert (alive["load"], alive["sparkplugConnectionState"]) == ("0.5", "ONLINE")
    assert (alive["NBIRTH bdSeq"], alive["NBIRTH seq"]) == ("0", "0")
    assert (await latest(admin, device["id"]["id"]))["t"] == "21.5"
    assert {each["key"]: each["value"] for each in attributes.json()} == {"Node Info/OS": "Linux"}
    assert plant.heard == [], "what it said itself is not written back"

    client.abort()

    async def is_offline(entity_id: str) -> bool:
        return (await latest(admin, entity_id))["sparkplugConnectionState"] == "OFFLINE"

    await until_async(lambda: is_offline(node_id))
    await until_async(lambda: is_offline(device["id"]["id"]))


async def test_commands_and_shared_attributes(plant: Plant) -> None:
    admin = await plant.tenant()
    node_id = await edge_node(plant, admin)
    client = await connect(plant)
    await says(client, "NBIRTH/E", BD_SEQ, metric("on", BOOLEAN, False), seq=0)
    await says(client, "DBIRTH/E/D", metric("target", DOUBLE, 20.5), seq=1)
    device_id = (await device_named(admin, "G:E:D"))["id"]["id"]

    command = {"method": "NCMD", "params": {"metricName": "on", "value": True}}
    done = await admin.post(f"/api/rpc/twoway/{node_id}", json=command)
    wrong = {"method": "DCMD", "params": {"metricName": "on", "value": True}}
    refused = await admin.post(f"/api/rpc/twoway/{device_id}", json=wrong)
    oneway = await admin.post(f"/api/rpc/oneway/{device_id}", json=wrong)
    shared = f"/api/plugins/telemetry/DEVICE/{device_id}/attributes/SHARED_SCOPE"
    await admin.post(shared, json={"target": 18})

    async def is_told() -> bool:
        return len(plant.heard) == 2

    await until_async(is_told)
    assert done.json() == {"result": "Success: NCMD"}
    error = "Metric 'on': The device 'D' was born without a metric 'on'"
    assert refused.json() == {"result": "BAD_REQUEST_PARAMS", "error": error}
    assert (oneway.status_code, oneway.json()) == (200, refused.json())
    assert [packet.topic for packet in plant.heard] == [
        "spBv1.0/G/NCMD/E", "spBv1.0/G/DCMD/E/D"
    ]  # fmt: skip
    [written] = wire.read(plant.heard[1].payload)[2]
    expected = wire.read(metric("target", DOUBLE, 18.0))
    assert {key: found for key, found in wire.read(written).items() if key != 3} == expected


async def test_a_device_with_its_short_name_is_taken_and_named_anew(plant: Plant) -> None:
    admin = await plant.tenant()
    node_id = await edge_node(plant, admin)
    old_id = await plant.device(admin, "D")
    stranger_id = await plant.device(admin, "X")
    relation = {
        "from": {"entityType": "DEVICE", "id": node_id},
        "to": {"entityType": "DEVICE", "id": old_id},
        "type": "Created",
        "typeGroup": "COMMON",
    }
    assert (await admin.post("/api/relation", json=relation)).status_code == 200
    client = await connect(plant)

    await says(client, "NBIRTH/E", BD_SEQ, seq=0)
    await says(client, "DBIRTH/E/D", metric("t", DOUBLE, 1.0), seq=1)
    await says(client, "DBIRTH/E/X", metric("t", DOUBLE, 1.0), seq=2)
    taken = await device_named(admin, "G:E:D")

    assert (taken["id"]["id"], taken["label"], taken["type"]) == (old_id, "D", "default")
    assert (await device_named(admin, "G:E:X"))["id"]["id"] != stranger_id
    assert client.refused == 0


async def test_a_deleted_device_is_made_again_at_its_birth(plant: Plant) -> None:
    admin = await plant.tenant()
    await edge_node(plant, admin)
    client = await connect(plant)
    await says(client, "NBIRTH/E", BD_SEQ, seq=0)
    await says(client, "DBIRTH/E/D", metric("t", DOUBLE, 1.0), seq=1)
    former = (await device_named(admin, "G:E:D"))["id"]["id"]

    await admin.delete(f"/api/device/{former}")
    await says(client, "DBIRTH/E/D", metric("t", DOUBLE, 2.0), seq=2)

    assert (await device_named(admin, "G:E:D"))["id"]["id"] != former
    assert client.refused == 0


async def test_edge_nodes_of_two_tenants_may_have_the_same_name(plant: Plant) -> None:
    ours, theirs = await plant.tenant(), await plant.tenant("others")
    await edge_node(plant, ours)
    await edge_node(plant, theirs, "other")
    for client, value in ((await connect(plant), 1.0), (await connect(plant, "other"), 2.0)):
        await says(client, "NBIRTH/E", BD_SEQ, seq=0)
        await says(client, "DBIRTH/E/D", metric("t", DOUBLE, value), seq=1)

    found = [(await device_named(admin, "G:E:D"))["id"]["id"] for admin in (ours, theirs)]

    assert (await latest(ours, found[0]))["t"] == "1.0"
    assert (await latest(theirs, found[1]))["t"] == "2.0"
    path = f"/api/plugins/telemetry/DEVICE/{found[1]}/values/timeseries"
    assert (await ours.get(path)).status_code in {403, 404}
    command = {"method": "DCMD", "params": {"metricName": "t", "value": 3}}
    assert (await ours.post(f"/api/rpc/oneway/{found[1]}", json=command)).status_code in {403, 404}


async def test_two_edge_nodes_that_say_they_are_the_same(plant: Plant) -> None:
    admin = await plant.tenant()
    await edge_node(plant, admin)
    twin_id = await edge_node(plant, admin, "twin")
    one, twin = await connect(plant), await connect(plant, "twin")
    for client, value in ((one, 1.0), (twin, 2.0)):
        await says(client, "NBIRTH/E", BD_SEQ, seq=0)
        await says(client, "DBIRTH/E/D", metric("t", DOUBLE, value), seq=1)
    device_id = (await device_named(admin, "G:E:D"))["id"]["id"]

    one.abort()
    await says(twin, "DDATA/E/D", metric("t", -DOUBLE, 3.0), seq=2)
    command = {"method": "DCMD", "params": {"metricName": "t", "value": 4}}
    answer = await admin.post(f"/api/rpc/twoway/{device_id}", json=command)
    seen = await latest(admin, device_id)

    assert (seen["t"], seen["sparkplugConnectionState"]) == ("3.0", "ONLINE")
    assert answer.json() == {"result": "Success: DCMD"}
    device = await device_named(admin, "G:E:D")
    assert device["additionalInfo"]["lastConnectedGateway"] == twin_id, "whoever was born last"


async def test_a_deleted_edge_node(plant: Plant) -> None:
    admin = await plant.tenant()
    node_id = await edge_node(plant, admin)
    client = await connect(plant)
    await says(client, "NBIRTH/E", BD_SEQ, seq=0)
    await says(client, "DBIRTH/E/D", metric("t", DOUBLE, 1.0), seq=1)
    device_id = (await device_named(admin, "G:E:D"))["id"]["id"]

    assert (await admin.delete(f"/api/device/{node_id}")).status_code == 200
    await client.wait_closed()

    async def is_offline() -> bool:
        return (await latest(admin, device_id))["sparkplugConnectionState"] == "OFFLINE"

    await until_async(is_offline)
    assert client.disconnect_code == 0x98
