"""Devices whose profile says Protobuf, and topics that do."""

import json
import struct
from contextlib import suppress
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldline.domains.device.directory import DeviceRecord
from fieldline.domains.rpc.command import Answer, Command, RpcStatus
from fieldline.kit.ids import new_id
from fieldline.kit.telemetry_json import stored_values, typed_values
from fieldline.kit.values import Value, to_json
from fieldline.messaging.events import AttributesSaved, KeysDeleted
from fieldline.messaging.message import Message
from fieldline.timeseries.store import Scope
from tests.protocols.protobuf.test_document import SCHEMA, Meter, meters
from tests.transports.mqtt.conftest import Site
from tests.transports.mqtt.protobuf import fields, wire
from tests.waiting import until

TELEMETRY = "v1/devices/me/telemetry"
ATTRIBUTES = "v1/devices/me/attributes"
HEAD = 'syntax = "proto3";\n'
READING = HEAD + "message Reading { double temperature = 1; int64 count = 2; string text = 3; }"
SERIAL = HEAD + "message Serial { string serial = 1; optional bool is_new = 2; }"


def payloads(**changed: object) -> dict[str, object]:
    return {
        "type": "MQTT",
        "transportPayloadTypeConfiguration": {
            "transportPayloadType": "PROTOBUF",
            "deviceTelemetryProtoSchema": READING,
            "deviceAttributesProtoSchema": SERIAL,
            **changed,
        },
    }


def device(site: Site, **changed: object) -> DeviceRecord:
    """Give the one device of the site a profile with Protobuf."""
    record = site.world.devices.by_token["token"]
    record.transport_configuration = payloads(**changed)
    return record


def of_type(site: Site, kind: str) -> list[Message]:
    return [m for m in site.world.messages if m.type == kind]


def readings(site: Site) -> list[object]:
    return [m.data for m in of_type(site, "POST_TELEMETRY_REQUEST")]


def shown(value: Value) -> tuple[type, object]:
    """Return a stored value with its type; members of JSON have no order."""
    return type(value), to_json(value)


T = b"\x09" + struct.pack("<d", 21.5)
"""temperature = 21.5"""


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("topic", [TELEMETRY, "v2/t", "v2/t/p"])
async def test_telemetry_by_the_profiles_schema(site: Site, topic: str, version: int) -> None:
    device(site)
    client = await site.client(version)

    await client.publish(topic, T + wire({2: 2**62, 3: "5"}))
    await client.drain()

    assert readings(site) == [{"temperature": 21.5, "count": 2**62, "text": 5}]
    assert of_type(site, "POST_TELEMETRY_REQUEST")[0].metadata["mqttTopic"] == topic
    assert (client.acknowledged, client.refused) == (1, 0)


@pytest.mark.parametrize("topic", [ATTRIBUTES, "v2/a", "v2/a/p"])
async def test_attributes_by_the_profiles_schema(site: Site, topic: str) -> None:
    device(site)
    client = await site.client()

    await client.publish(topic, wire({1: "x\0y"}))
    await client.publish(topic, wire({1: "z", 2: 0}))
    await client.drain()

    found = [m.data for m in of_type(site, "POST_ATTRIBUTES_REQUEST")]
    assert found == [{"serial": "xy"}, {"serial": "z", "isNew": False}]


async def test_the_topic_may_say_json(site: Site) -> None:
    device(site)
    client = await site.client()

    await client.publish("v2/t/j", b'{"a":1}')
    await client.publish("v2/a/j", b'{"b":2}')
    await client.drain()

    assert readings(site) == [{"a": 1}]
    assert [m.data for m in of_type(site, "POST_ATTRIBUTES_REQUEST")] == [{"b": 2}]


async def test_own_topics_have_the_profiles_format(site: Site) -> None:
    record = device(site)
    record.transport_configuration = {
        **payloads(),
        "deviceTelemetryTopic": "plant/+/t",
        "deviceAttributesTopic": "plant/a",
    }
    client = await site.client()

    await client.publish("plant/7/t", T)
    await client.publish("plant/a", wire({1: "s"}))
    await client.drain()

    assert readings(site) == [{"temperature": 21.5, "count": 0, "text": ""}]
    assert of_type(site, "POST_ATTRIBUTES_REQUEST")[0].data == {"serial": "s"}


async def test_time_and_values_of_a_reading(site: Site) -> None:
    text = HEAD + "message R { int64 ts = 1; Values values = 2; message Values { int32 a = 1; } }"
    device(site, deviceTelemetryProtoSchema=text)
    client = await site.client()

    await client.publish(TELEMETRY, wire({1: 1000, 2: {1: 7}}))
    await client.publish(TELEMETRY, wire({2: {1: 8}}))
    await client.drain()

    timed, now = of_type(site, "POST_TELEMETRY_REQUEST")
    assert (timed.data, timed.metadata["ts"]) == ({"a": 7}, "1000")
    assert (now.data, now.metadata["ts"]) == ({"a": 8}, str(site.world.clock.now_ms()))


@pytest.mark.parametrize("payload", [b"\xff", b'{"temperature":1}', wire({3: b"\xff\xff"})])
async def test_what_is_no_protobuf_is_refused_as_json_is(site: Site, payload: bytes) -> None:
    device(site)
    site.world.device("old", transport_configuration=payloads())
    client = await site.client()
    await client.publish(TELEMETRY, payload)
    await client.drain()
    client_3 = await site.client(4, username="old")
    await client_3.publish(TELEMETRY, payload)
    await client_3.wait_closed()

    assert (client.last_refusal, client.is_open) == (0x99, True)
    assert client_3.puback_count == 0
    assert readings(site) == []


async def test_protobuf_without_a_schema_is_refused(site: Site) -> None:
    client = await site.client()

    await client.publish("v2/t/p", T)
    await client.drain()

    assert (client.last_refusal, client.is_open) == (0x99, True)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (T, {"temperature": 21.5, "count": 0, "text": ""}),
        (b'{"a":0.1}', {"a": 0.1}),
        (b'[{"ts":0,"values":{"b":1}}]', {"b": 1}),
    ],
)
async def test_with_compatibility_json_is_read_where_protobuf_cannot_be(
    site: Site, payload: bytes, expected: object
) -> None:
    device(site, enableCompatibilityWithJsonPayloadFormat=True)
    client = await site.client()

    await client.publish(TELEMETRY, payload)
    await client.publish("v2/t/p", b'{"a":1}')
    await client.publish(TELEMETRY, b"neither")
    await client.publish(ATTRIBUTES, b"[1]")
    await client.publish(ATTRIBUTES, b'{"j":1}')
    await client.drain()

    assert readings(site) == [expected]
    assert (client.refused, client.last_refusal) == (3, 0x99)
    assert [m.data for m in of_type(site, "POST_ATTRIBUTES_REQUEST")] == [{"j": 1}]


async def test_a_changed_schema_counts_for_who_is_connected(site: Site) -> None:
    record = device(site)
    client = await site.client()
    await client.publish(TELEMETRY, T)
    await client.drain()

    text = HEAD + "message Other { double humidity = 1; }"
    record.transport_configuration = payloads(deviceTelemetryProtoSchema=text)
    await client.publish(TELEMETRY, T)
    await client.drain()
    record.transport_configuration = {"type": "DEFAULT"}
    await client.publish(TELEMETRY, b'{"a":1}')
    await client.drain()

    first = {"temperature": 21.5, "count": 0, "text": ""}
    assert readings(site) == [first, {"humidity": 21.5}, {"a": 1}]


async def test_a_schema_that_was_saved_unchecked_harms_nothing_else(site: Site) -> None:
    device(site, deviceTelemetryProtoSchema="message", deviceRpcRequestProtoSchema=READING)
    client = await site.client()

    await client.publish(TELEMETRY, T)
    await client.publish(ATTRIBUTES, wire({1: "s"}))
    await client.drain()

    assert (client.refused, client.last_refusal) == (1, 0x99)
    assert len(of_type(site, "POST_ATTRIBUTES_REQUEST")) == 1


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(meters, min_size=1, max_size=3))
async def test_what_a_device_encodes_is_what_is_stored(
    site: Site, sent: list[dict[str, Any]]
) -> None:
    record = device(site, deviceTelemetryProtoSchema=SCHEMA)
    site.world.bus.consume(site.world.save)
    client = await site.client()
    for one in sent:
        message = Meter(**one)
        await client.publish(TELEMETRY, message.SerializeToString())
        await client.drain()

        document = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
        expected = stored_values(typed_values(document))
        found = await site.world.store.latest(record.id, tuple(expected))
        assert {key: shown(point.value) for key, point in found.items()} == {
            key: shown(value) for key, value in expected.items()
        }
    assert client.refused == 0
    client.abort()


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.binary(max_size=80),
    st.sampled_from(
        [
            TELEMETRY,
            ATTRIBUTES,
            "v2/r/req/p/1",
            "v2/a/req/p/1",
            "v2/r/res/p/1",
            "v1/devices/me/claim",
        ]
    ),
)
async def test_no_bytes_break_a_connection(site: Site, payload: bytes, topic: str) -> None:
    device(site)
    client = await site.client()
    await client.publish(topic, payload)
    with suppress(ConnectionError):  # a call without a method ends it
        await client.drain()
    client.abort()

    assert client.disconnect_code in {None, 0x99}
    assert site.transport.stats.unexpected_errors == 0


# What the platform sends


def share(site: Site, **values: object) -> None:
    ref = site.world.devices.by_token["token"].ref
    site.world.bus.emit(
        AttributesSaved(site.world.tenant_id, ref, Scope.SHARED, 1, values)  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("topic", "answer"),
    [
        (f"{ATTRIBUTES}/request/7", f"{ATTRIBUTES}/response/7"),
        ("v2/a/req/7", "v2/a/res/7"),
        ("v2/a/req/p/7", "v2/a/res/p/7"),
    ],
)
async def test_attributes_are_answered_in_protobuf(site: Site, topic: str, answer: str) -> None:
    device(site)
    site.world.bus.consume(site.world.save)
    client = await site.client()
    body = b'{"on":true,"n":-3,"d":1.5,"s":"x","j":{"a":[1]}}'
    await client.publish("v2/a/j", body)
    await client.drain()

    await client.publish(topic, wire({1: "on,n,d,s,j,none", 2: "other"}))
    await until(lambda: site.heard)

    assert site.heard[0].topic == answer
    found = fields(site.heard[0].payload)
    assert found.keys() == {1, 2}
    assert found[1] == [7]
    values = {}
    for part in found[2]:
        ts_kv = fields(part)
        assert ts_kv[1] == [site.world.clock.now_ms()]
        kv = fields(ts_kv[2][0])
        kind = kv.get(2, [0])[0]
        values[kv[1][0].decode()] = kind, kv.get(3 + kind)
    assert values == {
        "on": (0, [1]),
        "n": (1, [2**64 - 3]),
        "d": (2, [struct.pack("<d", 1.5)]),
        "s": (3, [b"x"]),
        "j": (4, [b'{"a":[1]}']),
    }


async def test_a_protobuf_request_for_nothing_asks_for_everything(site: Site) -> None:
    device(site)
    site.world.bus.consume(site.world.save)
    client = await site.client()
    await client.publish("v2/a/j", b'{"k":1}')
    await client.drain()

    await client.publish("v2/a/req/p/1", b"")
    await until(lambda: site.heard)

    assert len(fields(site.heard[0].payload)[2]) == 1


@pytest.mark.parametrize("topic", [ATTRIBUTES, "v2/a", "v2/a/p"])
async def test_changes_of_shared_attributes_come_in_protobuf(site: Site, topic: str) -> None:
    record = device(site)
    client = await site.client()
    await client.subscribe(topic)

    share(site, mode="eco")
    site.world.bus.emit(KeysDeleted(site.world.tenant_id, record.ref, Scope.SHARED, ("gone",)))
    await until(lambda: len(site.heard) == 2)

    assert {packet.topic for packet in site.heard} == {topic}
    changed, deleted = (fields(packet.payload) for packet in site.heard)
    assert fields(fields(changed[1][0])[2][0]) == {1: [b"mode"], 2: [3], 6: [b"eco"]}
    assert deleted == {2: [b"gone"]}


async def test_the_last_subscription_says_the_format(site: Site) -> None:
    device(site)
    client = await site.client()
    await client.subscribe("v2/a/p")
    await client.subscribe("v2/a/j")

    share(site, mode="eco")
    await until(lambda: site.heard)

    assert (site.heard[0].topic, site.heard[0].payload) == ("v2/a/j", b'{"mode":"eco"}')


async def test_default_topics_may_be_sent_json_although_protobuf_is_spoken(site: Site) -> None:
    device(
        site,
        enableCompatibilityWithJsonPayloadFormat=True,
        useJsonPayloadFormatForDefaultDownlinkTopics=True,
    )
    client = await site.client()
    await client.subscribe(ATTRIBUTES)
    share(site, mode="eco")
    await until(lambda: site.heard)
    await client.subscribe("v2/a")
    share(site, mode="eco")
    await until(lambda: len(site.heard) == 2)
    await client.publish(f"{ATTRIBUTES}/request/1", b"{}")
    await until(lambda: len(site.heard) == 3)

    assert site.heard[0].payload == b'{"mode":"eco"}'
    assert 1 in fields(site.heard[1].payload)
    assert (site.heard[2].topic, site.heard[2].payload) == (f"{ATTRIBUTES}/response/1", b"{}")


async def test_a_command_to_a_device_whose_format_was_changed(site: Site) -> None:
    record = device(site)
    client = await site.client()
    await client.subscribe("v1/devices/me/rpc/request/+")

    command(site, [], "on")
    await until(lambda: site.heard)
    record.transport_configuration = {"type": "DEFAULT"}
    command(site, [], "on")
    await until(lambda: len(site.heard) == 2)

    assert fields(site.heard[0].payload) == {1: [b"reboot"], 3: [b'"on"']}
    assert json.loads(site.heard[1].payload) == {"method": "reboot", "params": "on"}


# Commands and calls


def command(site: Site, answers: list[Answer], params: object, *, is_oneway: bool = False) -> None:
    record = site.world.devices.by_token["token"]
    site.world.door.send_rpc(
        Command(
            new_id(), record.tenant_id, record.id, "reboot", params, 2**50, is_oneway=is_oneway
        ),
        answers.append,
    )


@pytest.mark.parametrize(
    ("topic", "response"),
    [
        ("v1/devices/me/rpc/request/", "v1/devices/me/rpc/response/"),
        ("v2/r/req/", "v2/r/res/"),
        ("v2/r/req/p/", "v2/r/res/p/"),
    ],
)
@pytest.mark.parametrize("version", [4, 5])
async def test_a_command_and_its_answer_in_the_default_schemas(
    site: Site, topic: str, response: str, version: int
) -> None:
    device(site)
    answers: list[Answer] = []
    client = await site.client(version)
    await client.subscribe(f"{topic}+")

    command(site, [], {"in": [1]}, is_oneway=True)
    command(site, answers, {"in": [1]})
    await until(lambda: len(site.heard) == 2)
    await client.publish(f"{response}1", wire({1: "done"}))
    await until(lambda: answers)

    assert site.heard[1].topic == f"{topic}1"
    assert fields(site.heard[1].payload) == {1: [b"reboot"], 2: [1], 3: [b'{"in":[1]}']}
    assert answers == [Answer('{"payload":"done"}')]


STRUCTURED = (
    HEAD
    + """
message Request {
  Params params = 1; int64 requestId = 2; string method = 3;
  message Params { int32 delay = 1; repeated string zones = 2; }
}"""
)


async def test_a_command_in_the_profiles_schemas(site: Site) -> None:
    response = HEAD + "message Response { bool done = 1; int64 took = 2; }"
    device(site, deviceRpcRequestProtoSchema=STRUCTURED, deviceRpcResponseProtoSchema=response)
    answers: list[Answer] = []
    client = await site.client()
    await client.subscribe("v2/r/req/p/+")

    command(site, answers, {"delay": 5, "zones": ["a"]})
    await until(lambda: site.heard)
    await client.publish("v2/r/res/p/0", wire({2: 7}))
    await until(lambda: answers)

    found = fields(site.heard[0].payload)
    assert fields(found[1][0]) == {1: [5], 2: [b"a"]}
    assert found[3] == [b"reboot"]
    assert answers == [Answer('{"done":false,"took":"7"}')]


@pytest.mark.parametrize("is_oneway", [False, True])
async def test_a_command_that_does_not_fit_is_answered_with_the_reason(
    site: Site, is_oneway: bool
) -> None:
    device(site, deviceRpcRequestProtoSchema=STRUCTURED)
    answers: list[Answer] = []
    client = await site.client()
    await client.subscribe("v2/r/req/p/+")

    command(site, answers, {"delay": "soon"}, is_oneway=is_oneway)
    await until(lambda: answers)

    response = answers[0].response
    assert response is not None
    assert "does not fit the Protobuf message Request" in json.loads(response)["error"]
    assert site.heard == []
    assert client.is_open


async def test_a_kept_command_that_does_not_fit_has_failed(site: Site) -> None:
    record = device(site, deviceRpcRequestProtoSchema=STRUCTURED)
    client = await site.client()
    await client.subscribe("v2/r/req/p/+")
    kept = Command(
        new_id(), record.tenant_id, record.id, "reboot", "now", 2**50, is_persistent=True
    )

    site.world.door.send_rpc(kept, lambda _answer: None)
    await until(lambda: RpcStatus.FAILED in site.world.kept.moves[kept.id])

    assert site.world.kept.moves[kept.id] == [RpcStatus.QUEUED, RpcStatus.FAILED]
    assert "does not fit" in json.loads(site.world.kept.responses[kept.id])["error"]
    assert site.world.door.open_commands == 0


async def test_with_compatibility_an_answer_may_be_json(site: Site) -> None:
    device(site, enableCompatibilityWithJsonPayloadFormat=True)
    answers: list[Answer] = []
    client = await site.client()
    await client.subscribe("v2/r/req/+")

    command(site, answers, None)
    await until(lambda: site.heard)
    await client.publish("v2/r/res/0", b'{"ok":1}')
    await until(lambda: answers)

    assert answers == [Answer('{"ok":1}')]


@pytest.mark.parametrize(
    ("request_topic", "response_topic"),
    [
        ("v1/devices/me/rpc/request/3", "v1/devices/me/rpc/response/3"),
        ("v2/r/req/3", "v2/r/res/3"),
        ("v2/r/req/p/3", "v2/r/res/p/3"),
    ],
)
async def test_a_devices_call_and_its_answer(
    site: Site, request_topic: str, response_topic: str
) -> None:
    record = device(site)
    client = await site.client()

    await client.publish(request_topic, wire({1: "getTime", 2: '{"zone":"UTC"}'}))
    await client.drain()
    [call] = of_type(site, "TO_SERVER_RPC_REQUEST")
    number = int(call.metadata["requestId"])
    site.world.door.answer_client_rpc(record.id, number, b'{"time":5}')
    await until(lambda: site.heard)

    assert call.data == {"method": "getTime", "params": {"zone": "UTC"}}
    assert site.heard[0].topic == response_topic
    assert fields(site.heard[0].payload) == {1: [3], 2: [b'{"time":5}']}


async def test_a_call_that_fails_has_its_error_in_its_field(site: Site) -> None:
    record = device(site)
    client = await site.client()
    await client.publish("v2/r/req/p/3", wire({1: "m", 2: "plain"}))
    await client.drain()
    [call] = of_type(site, "TO_SERVER_RPC_REQUEST")
    number = int(call.metadata["requestId"])
    site.world.door.answer_client_rpc(record.id, number, b'{"error":"timeout"}')
    await until(lambda: site.heard)

    assert call.data == {"method": "m", "params": "plain"}
    assert fields(site.heard[0].payload) == {1: [3], 3: [b"timeout"]}


async def test_a_call_that_is_nested_too_deeply_is_refused(site: Site) -> None:
    device(site)
    client = await site.client()

    await client.publish("v2/r/req/p/3", wire({1: "m", 2: "[" * 300 + "]" * 300}))
    await client.drain()

    assert (client.refused, client.last_refusal, client.is_open) == (1, 0x99, True)


async def test_a_call_without_a_method_ends_the_connection(site: Site) -> None:
    device(site)
    client = await site.client()

    await client.publish("v2/r/req/p/3", wire({2: "{}"}))
    await client.wait_closed()

    assert client.disconnect_code == 0x99


async def test_a_device_offers_itself_in_protobuf(site: Site) -> None:
    device(site)
    client = await site.client()

    await client.publish("v1/devices/me/claim", wire({1: "secret", 2: 60_000}))
    await client.publish("v1/devices/me/claim", b"")
    await client.drain()

    assert client.acknowledged == 2
    assert [(c.secret_key, c.duration_ms) for _, c in site.world.newcomers.claims] == [
        ("secret", 60_000),
        ("", None),
    ]
