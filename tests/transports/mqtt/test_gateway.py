"""A gateway and its devices on one connection."""

import asyncio
import json
from typing import Any

import pytest

from fieldline.domains.device.directory import DeviceRecord
from fieldline.domains.rpc.command import Answer, Command
from fieldline.ingest.parts import IngestOptions
from fieldline.ingest.session import CloseReason
from fieldline.kit.errors import Invalid, LimitReached
from fieldline.kit.ids import new_id
from fieldline.messaging.events import AttributesSaved, KeysDeleted
from fieldline.messaging.message import Message
from fieldline.protocols.mqtt.packets import Publish
from fieldline.timeseries.store import Scope
from fieldline.transports.mqtt.connection import Connection
from fieldline.transports.mqtt.gateway_metrics import REPORT_MS
from fieldline.transports.mqtt.sub_devices import MAX_WAITING
from tests.ingest.world import Listener
from tests.transports.mqtt.client import MqttClient
from tests.transports.mqtt.conftest import Site, Start
from tests.waiting import until

TELEMETRY = "v1/gateway/telemetry"
CONNECT = "v1/gateway/connect"


@pytest.fixture
async def site(start: Start) -> Site:
    site = await start()
    [device] = site.world.devices.records.values()
    device.is_gateway = True
    return site


async def publish(client: MqttClient, topic: str, body: Any) -> None:
    await client.publish(topic, json.dumps(body).encode())
    await client.drain()


def readings(site: Site) -> list[Message]:
    return [m for m in site.world.messages if m.type == "POST_TELEMETRY_REQUEST"]


def made(site: Site, name: str) -> DeviceRecord:
    return site.world.sub_devices.made[name]


@pytest.mark.parametrize("version", [4, 5])
async def test_readings_of_devices_that_nobody_knows_yet(site: Site, version: int) -> None:
    client = await site.client(version)

    await publish(client, TELEMETRY, {"A": [{"ts": 5, "values": {"t": 1}}, {"h": 2}], "B": [{}]})

    found = [(m.originator.id, m.data) for m in readings(site)]
    a, b = made(site, "A").id, made(site, "B").id
    assert found == [(a, {"t": 1}), (a, {"h": 2}), (b, {})]
    assert readings(site)[0].metadata["ts"] == "5"
    assert site.world.sub_devices.types == {"A": "default", "B": "default"}
    assert client.refused == 0


async def test_a_connected_device_has_its_type_and_an_event(site: Site) -> None:
    client = await site.client()

    await publish(client, CONNECT, {"device": "A", "type": "thermostat"})
    await site.world.door.activity.report_urgent()

    assert site.world.sub_devices.types == {"A": "thermostat"}
    connected = [m.originator.id for m in site.world.messages if m.type == "CONNECT_EVENT"]
    assert made(site, "A").id in connected


@pytest.mark.parametrize("type_", [None, "", 5])
async def test_a_type_that_is_none_is_the_default_one(site: Site, type_: object) -> None:
    client = await site.client()

    await publish(client, CONNECT, {"device": "A", "type": type_})

    assert site.world.sub_devices.types == {"A": "default"}


async def test_many_devices_are_asked_for_together_and_keep_their_order(site: Site) -> None:
    client = await site.client()

    for number in range(300):
        name = f"D{number % 100}"
        await client.publish(TELEMETRY, json.dumps({name: [{"n": number}]}).encode())
    await client.drain()

    assert [m.data["n"] for m in readings(site)] == list(range(300))
    assert len(site.world.sub_devices.asked) < 50


async def test_a_device_is_disconnected_in_its_turn(site: Site) -> None:
    client = await site.client()
    await client.publish(CONNECT, b'{"device":"A"}')
    await client.publish("v1/gateway/disconnect", b'{"device":"A"}')
    await client.drain()
    await site.world.door.activity.report_urgent()

    types = [m.type for m in site.world.messages if m.originator.id == made(site, "A").id]
    assert types.count("CONNECT_EVENT") == types.count("DISCONNECT_EVENT") == 1


async def test_disconnecting_an_unknown_device_is_nothing(site: Site) -> None:
    client = await site.client()

    await publish(client, "v1/gateway/disconnect", {"device": "A"})

    assert (client.refused, client.is_open) == (0, True)


async def test_attributes(site: Site) -> None:
    client = await site.client()

    await publish(client, "v1/gateway/attributes", {"A": {"serial": "x"}, "B": 5})

    [message] = [m for m in site.world.messages if m.type == "POST_ATTRIBUTES_REQUEST"]
    assert (message.originator.id, message.data) == (made(site, "A").id, {"serial": "x"})


@pytest.mark.parametrize("name", ["A", "meter 0e1", "10000000000000000000"])
async def test_claims(site: Site, name: str) -> None:
    client = await site.client()

    await publish(client, "v1/gateway/claim", {name: {"secretKey": "k", "durationMs": 1000}})

    [(device_id, claim)] = site.world.newcomers.claims
    assert (device_id, claim.duration_ms) == (made(site, name).id, 1000)
    assert client.refused == 0


async def test_the_connection_lost_disconnects_the_devices(site: Site) -> None:
    client = await site.client()
    await publish(client, CONNECT, {"device": "A"})

    client.abort()
    await until(lambda: len(site.world.door._sessions) == 0)
    await site.world.door.activity.report_urgent()

    types = [m.type for m in site.world.messages if m.originator.id == made(site, "A").id]
    assert "DISCONNECT_EVENT" in types


async def test_a_device_that_connects_elsewhere_is_left_and_taken_back(site: Site) -> None:
    client = await site.client()
    await publish(client, CONNECT, {"device": "A"})
    elsewhere = Listener()
    site.world.door.open(made(site, "A"), elsewhere)

    await publish(client, TELEMETRY, {"A": [{"t": 1}]})

    assert elsewhere.closed == [CloseReason.TAKEN_OVER]
    assert len(readings(site)) == 1


# What the platform says


async def test_shared_attributes_are_pushed(site: Site) -> None:
    client = await site.client()
    await publish(client, CONNECT, {"device": "A"})
    device = made(site, "A")

    site.world.bus.emit(
        AttributesSaved(device.tenant_id, device.ref, Scope.SHARED, 1, {"target": 20})
    )
    site.world.bus.emit(KeysDeleted(device.tenant_id, device.ref, Scope.SHARED, ("old",)))
    await until(lambda: len(site.heard) == 2)

    assert {packet.topic for packet in site.heard} == {"v1/gateway/attributes"}
    assert [json.loads(packet.payload) for packet in site.heard] == [
        {"device": "A", "data": {"target": 20}},
        {"device": "A", "data": {"deleted": ["old"]}},
    ]


async def test_commands(site: Site) -> None:
    answers: list[Answer] = []
    client = await site.client()
    await publish(client, CONNECT, {"device": "A"})
    device = made(site, "A")

    site.world.door.send_rpc(
        Command(new_id(), device.tenant_id, device.id, "open", {"by": 5}, 2**50), answers.append
    )
    await until(lambda: site.heard)
    await publish(client, "v1/gateway/rpc", {"device": "A", "id": 0, "data": {"ok": True}})

    assert site.heard[0].topic == "v1/gateway/rpc"
    data = {"id": 0, "method": "open", "params": {"by": 5}}
    assert json.loads(site.heard[0].payload) == {"device": "A", "data": data}
    assert answers == [Answer('{"ok":true}')]


async def test_what_waits_for_all_of_its_devices_is_bounded_together(start: Start) -> None:
    site = await start(max_downlinks_in_flight=1, max_downlinks_queued_bytes=100)
    [gateway] = site.world.devices.records.values()
    gateway.is_gateway = True
    client = await site.client()
    client.acknowledges = False
    await client.subscribe("v1/gateway/attributes")
    for name in ("A", "B", "C", "D"):
        await publish(client, CONNECT, {"device": name})

    for device in site.world.sub_devices.made.values():
        told = {"target": "x" * 20}
        site.world.bus.emit(AttributesSaved(device.tenant_id, device.ref, Scope.SHARED, 1, told))
    await client.wait_closed()

    assert client.disconnect_code == 0x97


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"client": True, "key": "c"}, {"value": 1}),
        ({"client": False, "keys": ["s"]}, {"value": [1, 2]}),
        ({"client": False, "keys": ["s", "both"]}, {"values": {"s": [1, 2], "both": "shared"}}),
        ({"client": True, "keys": ["s"]}, {}),
        ({"client": True, "keys": ["s", "x"]}, {}),
        (
            {"client": True, "keys": []},
            {"values": {"c": 1, "both": "shared", "s": [1, 2]}},
        ),
    ],
)
async def test_attributes_are_asked_for(
    site: Site, asked: dict[str, Any], answer: dict[str, Any]
) -> None:
    client = await site.client()
    await publish(client, "v1/gateway/attributes", {"A": {}})
    device = made(site, "A")
    for scope, values in (
        (Scope.CLIENT, {"c": 1, "both": "client"}),
        (Scope.SHARED, {"s": [1, 2], "both": "shared"}),
    ):
        site.world.save_attributes(device, scope, values)
    await site.world.writer.flush()

    def answers() -> list[Publish]:
        return [each for each in site.heard if each.topic == "v1/gateway/attributes/response"]

    await publish(client, "v1/gateway/attributes/request", {"id": 3, "device": "A", **asked})
    await until(answers)

    assert json.loads(answers()[0].payload) == {"id": 3, "device": "A", **answer}


# What goes wrong


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        (CONNECT, "[]"),
        (CONNECT, "{}"),
        (CONNECT, '{"device":5}'),
        (TELEMETRY, '{"A":{"t":1}}'),
        (TELEMETRY, "{}"),
        ("v1/gateway/attributes", '{"A":[]}'),
        ("v1/gateway/attributes/request", '{"device":"A","id":1,"keys":["k"]}'),
        ("v1/gateway/attributes/request", '{"device":"A","id":1,"client":true}'),
        ("v1/gateway/attributes/request", '{"device":"A","id":true,"client":true,"key":"k"}'),
        ("v1/gateway/rpc", '{"device":"A","id":1}'),
        ("v1/gateway/rpc", '{"device":"A","data":1}'),
    ],
)
async def test_json_that_is_no_message_ends_the_connection(
    site: Site, topic: str, body: str
) -> None:
    client = await site.client()

    await client.publish(topic, body.encode())
    await client.wait_closed()

    assert (client.refused, client.last_refusal) == (1, 0x83)
    assert client.disconnect_code == 0x83


async def test_json_that_is_no_message_is_acknowledged_to_old_clients(site: Site) -> None:
    client = await site.client(4)

    await client.publish(CONNECT, b'{"type":"meter"}')
    await client.wait_closed()

    assert client.acknowledged == 1


@pytest.mark.parametrize("topic", [CONNECT, TELEMETRY, "v1/gateway/rpc"])
async def test_what_is_no_json_is_refused(site: Site, topic: str) -> None:
    client = await site.client()

    await client.publish(topic, b"{")
    await client.drain()

    assert (client.refused, client.last_refusal, client.is_open) == (1, 0x99, True)


async def test_an_answer_that_is_nested_too_deeply_is_refused(site: Site) -> None:
    client = await site.client()

    deep = b"[" * 300 + b"]" * 300
    await client.publish("v1/gateway/rpc", b'{"device":"A","id":0,"data":%b}' % deep)
    await client.drain()

    assert (client.refused, client.last_refusal, client.is_open) == (1, 0x99, True)


async def test_one_devices_bad_values_leave_the_others(site: Site) -> None:
    client = await site.client()

    await publish(client, TELEMETRY, {"A": [5], "B": [{"t": 1}]})

    assert (client.refused, client.last_refusal) == (1, 0x99)
    assert [m.originator.id for m in readings(site)] == [made(site, "B").id]


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LimitReached("Devices limit reached", entity_type="DEVICE", limit=1), 0x97),
        (Invalid("Device name should be specified!"), 0x80),
    ],
)
async def test_a_device_that_cannot_be_made_is_refused(
    site: Site, version: int, error: Exception, code: int
) -> None:
    client = await site.client(version)
    site.world.sub_devices.errors["A"] = error  # type: ignore[assignment]

    await publish(client, CONNECT, {"device": "A"})
    await publish(client, TELEMETRY, {"A": [{"t": 1}], "B": [{"t": 2}]})

    assert client.is_open
    assert client.refused == (2 if version == 5 else 0)
    assert client.last_refusal == (code if version == 5 else 0)
    assert [m.originator.id for m in readings(site)] == [made(site, "B").id]


async def test_a_device_beyond_the_limit_is_not_asked_for_again_and_again(site: Site) -> None:
    client = await site.client()
    limit = LimitReached("Devices limit reached", entity_type="DEVICE", limit=1)
    site.world.sub_devices.errors["A"] = limit
    for _ in range(3):
        await publish(client, CONNECT, {"device": "A"})
    asked_before = len(site.world.sub_devices.asked)
    del site.world.sub_devices.errors["A"]

    site.clock.advance(300_000)
    await publish(client, CONNECT, {"device": "A"})

    assert (asked_before, client.refused) == (1, 3)
    assert "A" in site.world.sub_devices.made


async def test_devices_wait_for_a_database_that_is_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldline.transports.mqtt.sub_devices.RETRY_S", 0.01)
    client = await site.client()
    site.world.sub_devices.is_away = True
    await client.publish(TELEMETRY, b'{"A":[{"t":1}]}')
    await asyncio.sleep(0.05)
    before = client.in_flight

    site.world.sub_devices.is_away = False
    await client.drain()

    assert before == 1
    assert len(readings(site)) == 1


@pytest.mark.parametrize(("size", "waiting"), [(10, MAX_WAITING), (60_000, 18)])
async def test_what_waits_for_devices_is_bounded_by_number_and_bytes(
    site: Site, monkeypatch: pytest.MonkeyPatch, size: int, waiting: int
) -> None:
    monkeypatch.setattr("fieldline.transports.mqtt.sub_devices.RETRY_S", 0.01)
    client = await site.client()
    [connection] = site.transport._hub._members
    assert isinstance(connection, Connection)
    site.world.sub_devices.is_away = True
    for number in range(waiting + 10):
        body = {f"D{number}": [{"n": number, "x": "x" * size}]}
        await client.publish(TELEMETRY, json.dumps(body).encode(), qos=0)
    await until(lambda: connection._paused)
    taken = site.transport.stats.publishes_received

    site.world.sub_devices.is_away = False
    await until(lambda: len(readings(site)) == waiting + 10)

    assert taken == waiting
    assert [m.data["n"] for m in readings(site)] == list(range(waiting + 10))


async def test_other_topics_are_none(site: Site) -> None:
    client = await site.client()

    await publish(client, "v1/gateway/nothing", {})

    assert (client.last_refusal, client.is_open) == (0x90, True)


async def test_who_is_no_gateway_speaks_for_nobody(start: Start) -> None:
    site = await start()
    client = await site.client()

    await publish(client, CONNECT, {"device": "A"})

    assert client.last_refusal == 0x90
    assert site.world.sub_devices.made == {}


async def test_the_filters_of_gateways_are_granted(site: Site) -> None:
    client = await site.client()

    codes = await client.subscribe(
        "v1/gateway/attributes", "v1/gateway/attributes/response", "v1/gateway/rpc", "v1/gateway/#"
    )

    assert codes == [1, 1, 1, 0x8F]


# Latencies and activity


async def test_latencies_are_taken_out_and_come_back_as_telemetry(site: Site) -> None:
    client = await site.client()
    metadata = {"connector": "modbus", "receivedTs": 1_000, "publishedTs": 1_010}
    element = {"ts": 1, "values": {"t": 1}, "metadata": metadata}

    await publish(client, TELEMETRY, {"A": [element]})
    site.clock.advance(REPORT_MS)
    await publish(client, TELEMETRY, {"A": [{"t": 2, "metadata": metadata}]})

    found = [m.data for m in readings(site)]
    report = found[1]["gatewayMetrics"]["modbus"]
    assert (found[0], found[2]) == ({"t": 1}, {"t": 2})
    assert (report["minGwLatency"], report["avgGwLatency"], report["maxGwLatency"]) == (10, 10, 10)


async def test_metadata_of_another_form_is_refused(site: Site) -> None:
    client = await site.client()

    await publish(client, TELEMETRY, {"A": [{"t": 1, "metadata": {"connector": "x"}}]})

    assert client.last_refusal == 0x99
    assert readings(site) == []


@pytest.mark.parametrize("speaks_for_all", [True, False])
async def test_a_gateway_may_speak_for_its_devices(site: Site, speaks_for_all: bool) -> None:
    [gateway] = site.world.devices.records.values()
    gateway.additional_info = {"overwriteActivityTime": speaks_for_all}
    client = await site.client()
    await publish(client, CONNECT, {"device": "A"})
    device = made(site, "A")
    before = site.world.door.activity.presence(device).last_activity_ms

    site.world.clock.advance(5_000)
    site.clock.advance(5_000)
    await client.ping()
    await until(lambda: client.pongs)

    after = site.world.door.activity.presence(device).last_activity_ms
    assert after - before == (5_000 if speaks_for_all else 0)


@pytest.mark.parametrize(("version", "qos"), [(4, 0), (4, 1), (5, 0), (5, 1)])
@pytest.mark.parametrize("bad", [[5], [{"ts": "x", "values": {"t": 1}}]])
async def test_what_is_taken_in_part_is_counted_out(
    site: Site, version: int, qos: int, bad: list[Any]
) -> None:
    client = await site.client(version)
    await publish(client, CONNECT, {"device": "A"})
    await publish(client, CONNECT, {"device": "B"})

    both = json.dumps({"A": [{"t": 1}], "B": bad}).encode()
    await client.publish(TELEMETRY, both, qos=qos)
    await until(lambda: len(readings(site)) == 1)

    await until(lambda: site.world.door._flow.in_flight == 0)


async def test_what_waits_when_the_connection_dies_is_counted_out(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldline.transports.mqtt.sub_devices.RETRY_S", 0.01)
    client = await site.client()
    times = {"connector": "c", "receivedTs": 1, "publishedTs": 2}
    await publish(client, TELEMETRY, {"A": [{"t": 1, "metadata": times}]})
    site.clock.advance(REPORT_MS)
    site.world.sub_devices.is_away = True
    waits = {"B": [{"t": 1, "metadata": times}]}
    await client.publish(TELEMETRY, json.dumps(waits).encode())
    await until(lambda: any("gatewayMetrics" in m.data for m in readings(site)))

    client.abort()

    await until(lambda: site.world.door._flow.in_flight == 0)
    await until(lambda: not site.transport._hub._tasks)


@pytest.mark.parametrize("qos", [0, 1])
async def test_who_says_something_and_hangs_up_is_heard(site: Site, qos: int) -> None:
    client = await site.client()

    await client.publish(CONNECT, b'{"device":"A","type":"thermostat"}', qos=qos)
    await client.publish(TELEMETRY, b'{"A":[{"t":1}],"B":[{"t":2}]}', qos=qos)
    await client.close()
    await until(lambda: len(site.world.door._sessions) == 0)
    await site.world.door.activity.report_urgent()

    assert [m.data for m in readings(site)] == [{"t": 1}, {"t": 2}]
    gone = [m.originator.id for m in site.world.messages if m.type == "DISCONNECT_EVENT"]
    assert {made(site, "A").id, made(site, "B").id} < set(gone)


async def test_what_waits_when_the_session_ends_is_not_acknowledged(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldline.transports.mqtt.sub_devices.RETRY_S", 0.01)
    client = await site.client()
    await publish(client, CONNECT, {"device": "A"})
    site.world.sub_devices.is_away = True
    await client.publish(TELEMETRY, b'{"B":[{"t":1}]}')
    await client.publish(TELEMETRY, b'{"A":[{"t":1}]}')
    await client.ping()
    await until(lambda: client.pongs)

    other = await site.client()
    await client.wait_closed()

    assert (client.acknowledged, client.in_flight, client.disconnect_code) == (1, 2, 0x8E)
    assert readings(site) == []
    site.world.sub_devices.is_away = False
    await publish(other, TELEMETRY, {"A": [{"t": 3}]})
    assert [m.data for m in readings(site)] == [{"t": 3}]


async def test_a_message_that_came_meanwhile_waits_for_all_of_its_devices(site: Site) -> None:
    site.world.sub_devices.errors["X"] = Invalid("none")
    client = await site.client(4)

    await client.publish(TELEMETRY, b'{"X":[{"t":1}]}')
    await client.publish(TELEMETRY, b'{"X":[{"t":1}],"Z":[{"t":2}]}')
    await client.drain()

    assert [m.data for m in readings(site)] == [{"t": 2}]


async def test_a_server_that_is_too_busy_for_a_device_acknowledges_nothing(start: Start) -> None:
    site = await start(IngestOptions(sessions=1))
    [device] = site.world.devices.records.values()
    device.is_gateway = True
    client = await site.client(4)

    await client.publish(TELEMETRY, b'{"A":[{"t":1}]}')
    await client.wait_closed()

    assert (client.acknowledged, readings(site)) == (0, [])
