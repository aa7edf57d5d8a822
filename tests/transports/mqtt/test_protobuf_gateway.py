"""A gateway whose profile says Protobuf, and its devices."""

import struct
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldline.domains.rpc.command import Answer, Command
from fieldline.kit.ids import new_id
from fieldline.messaging.events import AttributesSaved, KeysDeleted
from fieldline.messaging.message import Message
from fieldline.timeseries.store import Scope
from fieldline.transports.mqtt.gateway_topics import GatewayTopic
from tests.transports.mqtt.client import MqttClient
from tests.transports.mqtt.conftest import Site, Start
from tests.transports.mqtt.protobuf import fields, pair, wire
from tests.waiting import until

CONNECT = "v1/gateway/connect"
TELEMETRY = "v1/gateway/telemetry"
ATTRIBUTES = "v1/gateway/attributes"


@pytest.fixture
async def site(start: Start) -> Site:
    site = await start()
    set_format(site)
    return site


def set_format(site: Site, **changed: object) -> None:
    gateway = site.world.devices.by_token["token"]
    gateway.is_gateway = True
    gateway.transport_configuration = {
        "type": "MQTT",
        "transportPayloadTypeConfiguration": {"transportPayloadType": "PROTOBUF", **changed},
    }


async def publish(client: MqttClient, topic: str, message: dict[int, Any]) -> None:
    await client.publish(topic, wire(message))
    await client.drain()


def of_type(site: Site, kind: str) -> list[Message]:
    return [m for m in site.world.messages if m.type == kind]


@pytest.mark.parametrize("version", [4, 5])
async def test_readings_of_devices(site: Site, version: int) -> None:
    client = await site.client(version)
    values = [
        pair("on", 0, 1),
        pair("n", 1, -5),
        {1: "d", 2: 2},
        pair("s", 3, "x\0y"),
        pair("looks like a number", 3, "5"),
        pair("j", 4, '{"a":[1,null]}'),
    ]
    now = {1: "B", 3: {1: [{2: [pair("t", 1, 1)]}]}}

    await publish(client, TELEMETRY, {1: [{1: "A", 3: {1: [{1: 5, 2: values}]}}, now]})

    a, b = of_type(site, "POST_TELEMETRY_REQUEST")
    assert a.originator.id == site.world.sub_devices.made["A"].id
    assert a.data == {
        "on": True,
        "n": -5,
        "d": 0.0,
        "s": "xy",
        "looks like a number": 5,
        "j": {"a": [1, None]},
    }
    assert (a.metadata["ts"], b.metadata["ts"]) == ("5", str(site.world.clock.now_ms()))
    assert (client.acknowledged, client.refused) == (1, 0)


async def test_doubles_are_doubles(site: Site) -> None:
    client = await site.client()
    value = wire({1: "d", 2: 2}) + b"\x29" + struct.pack("<d", 0.1 + 0.2)
    nan = wire({1: "nan", 2: 2}) + b"\x29" + struct.pack("<d", float("nan"))

    await publish(client, TELEMETRY, {1: {1: "A", 3: {1: {1: 1, 2: [value, nan]}}}})

    assert of_type(site, "POST_TELEMETRY_REQUEST")[0].data == {"d": 0.1 + 0.2, "nan": "NaN"}


async def test_connecting_with_a_type_and_leaving(site: Site) -> None:
    client = await site.client()

    await publish(client, CONNECT, {1: "A", 2: "thermostat"})
    await publish(client, CONNECT, {1: "B"})
    await publish(client, "v1/gateway/disconnect", {1: "A"})
    await site.world.door.activity.report_urgent()

    assert site.world.sub_devices.types == {"A": "thermostat", "B": "default"}
    gone = [m.originator.id for m in of_type(site, "DISCONNECT_EVENT")]
    assert gone == [site.world.sub_devices.made["A"].id]


async def test_attributes_may_be_shared_ones(site: Site) -> None:
    client = await site.client()
    own, shared = {1: [pair("serial", 3, "x")]}, {1: [pair("target", 1, 20)], 2: 1}

    await publish(client, ATTRIBUTES, {1: [{1: "A", 2: own}, {1: "A", 2: shared}]})

    first, second = of_type(site, "POST_ATTRIBUTES_REQUEST")
    assert (first.data, first.metadata.get("scope")) == ({"serial": "x"}, None)
    assert (second.data, second.metadata.get("scope")) == ({"target": 20}, "SHARED_SCOPE")


async def test_claims(site: Site) -> None:
    client = await site.client()

    await publish(client, "v1/gateway/claim", {1: [{1: "A", 2: {1: "k", 2: 1000}}, {1: "B"}]})

    found = [(c.secret_key, c.duration_ms) for _, c in site.world.newcomers.claims]
    assert found == [("k", 1000), ("", None)]


async def test_shared_attributes_are_pushed(site: Site) -> None:
    client = await site.client()
    await publish(client, CONNECT, {1: "A"})
    device = site.world.sub_devices.made["A"]

    site.world.bus.emit(AttributesSaved(device.tenant_id, device.ref, Scope.SHARED, 1, {"t": 20}))
    site.world.bus.emit(KeysDeleted(device.tenant_id, device.ref, Scope.SHARED, ("old",)))
    await until(lambda: len(site.heard) == 2)

    assert {packet.topic for packet in site.heard} == {ATTRIBUTES}
    changed, deleted = (fields(packet.payload) for packet in site.heard)
    assert changed[1] == [b"A"]
    assert fields(fields(fields(changed[2][0])[1][0])[2][0]) == {1: [b"t"], 2: [1], 4: [20]}
    assert (deleted[1], fields(deleted[2][0])) == ([b"A"], {2: [b"old"]})


async def test_commands_and_their_answers(site: Site) -> None:
    answers: list[Answer] = []
    client = await site.client()
    await publish(client, CONNECT, {1: "A"})
    device = site.world.sub_devices.made["A"]

    for _ in range(2):
        site.world.door.send_rpc(
            Command(new_id(), device.tenant_id, device.id, "open", {"by": 5}, 2**50),
            answers.append,
        )
    await until(lambda: len(site.heard) == 2)
    await publish(client, "v1/gateway/rpc", {1: "A", 2: 1, 3: '{"ok": 1.50}'})
    await publish(client, "v1/gateway/rpc", {1: "A", 3: "no JSON"})

    assert site.heard[1].topic == "v1/gateway/rpc"
    body = fields(site.heard[1].payload)
    assert (body[1], fields(body[2][0])) == (
        [b"A"],
        {1: [1], 2: [b"open"], 3: [b'{"by":5}']},
    )
    assert answers == [Answer('{"ok": 1.50}'), Answer("no JSON")]


@pytest.mark.parametrize(
    ("asked", "scopes", "is_multiple"),
    [
        ({3: 1, 4: ["c"]}, {2: [b"c"]}, []),
        ({4: ["s", "both"]}, {3: [b"both", b"s"]}, [1]),
        ({3: 1}, {2: [b"both", b"c"], 3: [b"both", b"s"]}, [1]),
    ],
)
async def test_attributes_are_asked_for(
    site: Site, asked: dict[int, Any], scopes: dict[int, list[bytes]], is_multiple: list[int]
) -> None:
    client = await site.client()
    await publish(client, CONNECT, {1: "A"})
    device = site.world.sub_devices.made["A"]
    site.world.save_attributes(device, Scope.CLIENT, {"c": 1, "both": "client"})
    site.world.save_attributes(device, Scope.SHARED, {"s": 2, "both": "shared"})
    await site.world.writer.flush()

    def answers() -> list[bytes]:
        return [m.payload for m in site.heard if m.topic == "v1/gateway/attributes/response"]

    await publish(client, "v1/gateway/attributes/request", {1: 3, 2: "A", **asked})
    await until(answers)

    body = fields(answers()[0])
    assert body[1] == [b"A"]
    response = fields(body[2][0])
    assert response[1] == [3]
    assert response.get(4, []) == is_multiple
    found = {
        number: sorted(fields(fields(part)[2][0])[1][0] for part in response[number])
        for number in (2, 3)
        if number in response
    }
    assert found == scopes


@pytest.mark.parametrize(
    ("topic", "message"),
    [
        (CONNECT, {2: "type"}),
        (TELEMETRY, {}),
        (TELEMETRY, {1: {3: {1: {2: [pair("t", 1, 1)]}}}}),
        ("v1/gateway/rpc", {2: 1, 3: "{}"}),
    ],
)
async def test_a_message_without_its_device_ends_the_connection(
    site: Site, topic: str, message: dict[int, Any]
) -> None:
    client = await site.client()

    await client.publish(topic, wire(message))
    await client.wait_closed()

    assert client.disconnect_code == 0x83


async def test_one_devices_bad_values_leave_the_others(site: Site) -> None:
    client = await site.client()
    good = {1: "B", 3: {1: {2: [pair("t", 1, 1)]}}}

    for bad in ({1: {1: 5}}, {1: {2: [pair("j", 4, "{")]}}, {1: {2: [{1: "k", 2: 9}]}}):
        await publish(client, TELEMETRY, {1: [{1: "A", 3: bad}, good]})

    assert (client.refused, client.last_refusal, client.is_open) == (3, 0x99, True)
    assert [m.data for m in of_type(site, "POST_TELEMETRY_REQUEST")] == [{"t": 1}] * 3


async def test_json_counts_only_with_compatibility(site: Site) -> None:
    client = await site.client()
    body = b'{"A":[{"t":1}]}'

    await client.publish(TELEMETRY, body)
    await client.drain()
    set_format(site, enableCompatibilityWithJsonPayloadFormat=True)
    await client.publish(TELEMETRY, body)
    await client.publish(CONNECT, b'{"device":"B"}')
    await client.drain()

    assert (client.refused, client.last_refusal) == (1, 0x99)
    assert [m.data for m in of_type(site, "POST_TELEMETRY_REQUEST")] == [{"t": 1}]
    assert site.world.sub_devices.types == {"A": "default", "B": "default"}


async def test_an_id_that_the_answer_cannot_carry_is_refused(site: Site) -> None:
    set_format(site, enableCompatibilityWithJsonPayloadFormat=True)
    client = await site.client()
    body = b'{"device":"A","client":true,"key":"k","id":%d}'

    await client.publish(f"{ATTRIBUTES}/request", body % (2**31 - 1))
    await until(lambda: site.heard)
    await client.publish(f"{ATTRIBUTES}/request", body % 2**31)
    await client.wait_closed()

    assert len(site.heard) == 1
    assert (client.refused, client.last_refusal) == (1, 0x83)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.one_of(st.binary(max_size=60), st.just(wire({1: {1: "A", 3: {1: {2: [pair("t", 1, 1)]}}}}))),
    st.integers(0, 59),
    st.integers(0, 255),
    st.sampled_from(list(GatewayTopic)),
)
async def test_no_bytes_break_a_connection(
    site: Site, payload: bytes, at: int, byte: int, topic: GatewayTopic
) -> None:
    client = await site.client()
    await client.publish(topic, payload[:at] + bytes([byte]) + payload[at + 1 :])
    with suppress(ConnectionError):  # what has no device ends it
        await client.drain()
    client.abort()

    assert client.disconnect_code in {None, 0x83}
    assert site.transport.stats.unexpected_errors == 0
