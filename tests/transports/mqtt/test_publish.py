import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldline.ingest.parts import IngestOptions
from fieldline.kit.errors import Conflict, Forbidden, NotFound, RateLimited, TooLarge, Unavailable
from fieldline.protocols.mqtt import packets as p
from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.properties import Properties
from fieldline.timeseries.store import RangeQuery
from tests.protocols.mqtt.strategies import mutate, mutations, packets
from tests.transports.mqtt.conftest import Site, Start
from tests.waiting import until

TELEMETRY = "v1/devices/me/telemetry"
ATTRIBUTES = "v1/devices/me/attributes"


def readings(site: Site) -> list[object]:
    messages = site.world.messages
    return [message.data for message in messages if message.type == "POST_TELEMETRY_REQUEST"]


@pytest.mark.parametrize("topic", [TELEMETRY, "v2/t", "v2/t/j"])
async def test_telemetry_reaches_the_rules_and_is_acknowledged(site: Site, topic: str) -> None:
    client = await site.client()

    await client.publish(topic, b'{"temperature":21.5}')
    await client.drain()

    assert readings(site) == [{"temperature": 21.5}]
    assert (client.acknowledged, client.refused) == (1, 0)


@pytest.mark.parametrize("topic", [ATTRIBUTES, "v2/a", "v2/a/j"])
async def test_attributes_reach_the_rules_and_are_acknowledged(site: Site, topic: str) -> None:
    client = await site.client(4)

    await client.publish(topic, b'{"firmware":"v1.2"}')
    await client.drain()

    [message] = [m for m in site.world.messages if m.type == "POST_ATTRIBUTES_REQUEST"]
    assert message.data == {"firmware": "v1.2"}


@pytest.mark.parametrize("payload", [b"[]", b"{}", b"[{}]"])
async def test_a_payload_without_readings_is_acknowledged(site: Site, payload: bytes) -> None:
    client = await site.client()

    await client.publish(TELEMETRY, payload)
    await client.drain()

    assert (client.acknowledged, client.refused) == (1, 0)


async def test_an_acknowledgement_means_that_the_reading_is_stored(site: Site) -> None:
    site.world.bus.consume(site.world.save)
    client = await site.client()

    await client.publish(TELEMETRY, b'{"ts":1000,"values":{"a":7}}')
    await client.drain()

    device = site.world.devices.by_token["token"]
    found = await site.world.store.read(RangeQuery(device.id, ("a",), 0, 2000))
    assert [point.value for point in found["a"]] == [7]


async def test_acknowledgements_keep_the_order_of_the_publishes(site: Site) -> None:
    client = await site.client()
    site.world.bus.consume(site.world.keep_open)
    for value in range(3):
        await client.publish(TELEMETRY, b'{"a":%d}' % value)
    await until(lambda: len(readings(site)) == 3)
    first, second, third = (m.receipt for m in site.world.messages if "a" in m.data)

    third.release()
    second.release()
    await client.publish("v1/unknown", b"")
    await client.ping()
    await until(lambda: client.pongs == 1)
    before_first = list(client.acknowledged_ids)
    first.release()
    await client.drain()

    assert before_first == []
    assert client.acknowledged_ids == [1, 2, 3, 4]


@pytest.mark.parametrize("topic", ["v1/unknown", "v2/t/x", "v1/gateway/telemetry", "v2/b/req/1"])
async def test_an_unknown_topic_is_acknowledged_and_dropped(site: Site, topic: str) -> None:
    client = await site.client()
    await client.publish(topic, b'{"a":1}')
    await client.drain()
    told_5 = client.last_refusal
    client_3 = await site.client(4)
    await client_3.publish(topic, b'{"a":1}')
    await client_3.drain()

    assert told_5 == 0x90
    assert client_3.is_open
    assert readings(site) == []


@pytest.mark.parametrize("payload", [b"no json", b"", b"17", b'{"ts":1,"values":3}', b"\xff\xfe"])
async def test_a_payload_that_is_none_is_refused(site: Site, payload: bytes) -> None:
    client = await site.client()
    await client.publish(TELEMETRY, payload)
    await client.drain()
    old = await site.client(4)
    await old.publish(TELEMETRY, b'{"a":1}')
    await old.publish(TELEMETRY, payload)
    await old.wait_closed()

    assert (client.last_refusal, client.disconnect_code) == (0x99, 0x8E)
    assert old.acknowledged == 1
    assert readings(site) == [{"a": 1}]


async def test_a_bad_payload_of_qos_0_ends_the_connection(site: Site) -> None:
    client = await site.client()

    await client.publish(TELEMETRY, b"no json", qos=0)
    await client.wait_closed()

    assert client.disconnect_code == 0x99


async def test_a_profile_may_want_bad_payloads_acknowledged(site: Site) -> None:
    configuration = {"type": "MQTT", "sendAckOnValidationException": True}
    site.world.device("lenient", transport_configuration=configuration)
    client = await site.client(4, username="lenient")

    await client.publish(TELEMETRY, b"no json")
    await client.drain()

    assert client.is_open


async def test_a_timestamp_that_is_none_ends_the_connection(site: Site) -> None:
    client = await site.client()

    await client.publish(TELEMETRY, b'{"a":1}')
    await client.publish(TELEMETRY, b'{"ts":"noon","values":{"a":2}}')
    await client.wait_closed()

    assert client.disconnect_code == 0x99
    assert client.acknowledged == 1


@pytest.mark.parametrize(
    ("error", "told", "disconnect"),
    [
        (Unavailable("x"), 0, 0x83),
        (RateLimited("x"), 0, 0x83),
        (TooLarge("x"), 0, 0x95),
        (NotFound("x"), 0x90, None),
        (Forbidden("x"), 0x87, None),
        (Conflict("x"), 0x83, None),
        (ZeroDivisionError("x"), 0, 0x80),
    ],
)
async def test_every_kind_of_error_has_its_answer(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    told: int,
    disconnect: int | None,
) -> None:
    def fail(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(site.world.door, "telemetry", fail)
    client = await site.client()

    await client.publish(TELEMETRY, b'{"a":1}')
    if disconnect is None:
        await client.drain()
    else:
        await client.wait_closed()

    assert (client.last_refusal, client.disconnect_code) == (told, disconnect)


async def test_readings_before_a_malformed_packet_are_stored_and_acknowledged(site: Site) -> None:
    site.world.bus.consume(site.world.save)
    client = await site.client()
    good = [p.Publish(TELEMETRY, b'{"ts":%d,"values":{"a":1}}' % i, 1, i) for i in range(1, 101)]

    client.send_raw(b"".join(encode(packet, 5) for packet in good) + b"\x36\x01\x00")
    await client.wait_closed()

    assert client.puback_count == 100
    assert client.disconnect_code == 0x81
    device = site.world.devices.by_token["token"]
    found = await site.world.store.read(RangeQuery(device.id, ("a",), 0, 2000))
    assert len(found["a"]) == 100


async def test_a_packet_over_the_limit_ends_the_connection(site: Site) -> None:
    client = await site.client()

    await client.publish(TELEMETRY, b'{"a":"' + b"x" * 66_000 + b'"}')
    await client.wait_closed()

    assert client.disconnect_code == 0x95


async def test_a_packet_of_just_the_limit_is_taken(site: Site) -> None:
    client = await site.client()
    padding = 65_536 - 2 - len(TELEMETRY) - 2 - 1 - len(b'{"a":""}')

    await client.publish(TELEMETRY, b'{"a":"' + b"x" * padding + b'"}')
    await client.drain()

    assert client.refused == 0


@pytest.mark.parametrize("version", [3, 4, 5])
async def test_qos_2_is_taken_once_and_received_when_it_is_stored(site: Site, version: int) -> None:
    client = await site.client(version)
    site.world.bus.consume(site.world.keep_open)
    first = encode(p.Publish(TELEMETRY, b'{"a":1}', 2, 1), version)
    again = encode(p.Publish(TELEMETRY, b'{"a":1}', 2, 1, dup=True), version)

    client.send_raw(first + again)
    await until(lambda: readings(site) == [{"a": 1}])
    await client.ping()
    await until(lambda: client.pongs == 1)
    before_it_is_stored = list(client.answers_of_qos_2)
    site.world.messages[-1].receipt.release()
    client.send_raw(again)
    await until(lambda: len(client.answers_of_qos_2) == 2)
    client.send_raw(encode(p.Pubrel(1), version) + first)
    await until(lambda: len(readings(site)) == 2)

    assert before_it_is_stored == []
    assert client.answers_of_qos_2 == [p.Pubrec(1), p.Pubrec(1), p.Pubcomp(1)]


async def test_answers_of_qos_1_and_2_keep_the_order_of_the_publishes(site: Site) -> None:
    client = await site.client()
    for packet_id, qos, payload in [(1, 2, b"1"), (2, 1, b'{"a":2}'), (3, 2, b'{"a":3}')]:
        client.send_raw(encode(p.Publish(TELEMETRY, payload, qos, packet_id), 5))
    await until(lambda: len(client.answers_of_qos_2) == 2)

    assert client.answers_of_qos_2 == [p.Pubrec(1, 0x99), p.Pubrec(3)]
    assert client.acknowledged_ids == [2]


async def test_topic_aliases_work(site: Site) -> None:
    client = await site.client()
    alias = Properties(topic_alias=1)

    client.send_raw(encode(p.Publish(TELEMETRY, b'{"a":1}', 1, 1, properties=alias), 5))
    client.send_raw(encode(p.Publish("", b'{"a":2}', 1, 2, properties=alias), 5))
    await until(lambda: client.puback_count == 2)

    assert readings(site) == [{"a": 1}, {"a": 2}]


async def test_a_profile_may_have_its_own_topics(site: Site) -> None:
    configuration = {
        "type": "MQTT",
        "deviceTelemetryTopic": "plant/+/data",
        "deviceAttributesTopic": "plant/+/about",
    }
    device = site.world.device("own", transport_configuration=configuration)
    client = await site.client(username="own")

    await client.publish("plant/7/data", b'{"a":1}')
    await client.publish(TELEMETRY, b'{"a":2}')
    await client.publish("v2/t", b'{"a":3}')
    await client.publish("plant/7/about", b'{"b":1}')
    await client.drain()
    device.transport_configuration = {"type": "DEFAULT"}
    await client.publish(TELEMETRY, b'{"a":4}')
    await client.drain()

    assert readings(site) == [{"a": 1}, {"a": 3}, {"a": 4}]
    assert client.refused == 1
    own = next(m for m in site.world.messages if m.type == "POST_TELEMETRY_REQUEST")
    assert own.metadata["mqttTopic"] == "plant/7/data"


async def test_a_connection_with_too_much_in_flight_is_not_read(start: Start) -> None:
    site = await start(max_in_flight=10)
    client = await site.client(4)
    site.world.bus.consume(site.world.keep_open)
    for value in range(30):
        await client.publish(TELEMETRY, b'{"a":%d}' % value)
    await until(lambda: len(readings(site)) == 10)

    site.world.bus.consume(site.world.finish)
    for message in list(site.world.messages):
        if message.type == "POST_TELEMETRY_REQUEST":
            message.receipt.release()
    await client.drain()

    assert readings(site) == [{"a": value} for value in range(30)]


async def test_a_full_door_stops_the_reading_until_it_has_room(start: Start) -> None:
    site = await start(IngestOptions(in_flight=4))
    client = await site.client(4)
    site.world.bus.consume(site.world.keep_open)
    for value in range(6):
        await client.publish(TELEMETRY, b'{"a":%d}' % value)
    await until(lambda: site.world.door.is_full)
    before = site.transport.stats.bytes_received
    for value in range(6, 200):
        await client.publish(TELEMETRY, b'{"a":%d}' % value, qos=0)
    await until(lambda: site.transport.stats.bytes_received > before)
    site.clock.advance(10_000_000)
    site.transport.sweep()

    site.world.bus.consume(site.world.finish)
    for message in list(site.world.messages):
        if message.type == "POST_TELEMETRY_REQUEST":
            message.receipt.release()
    await until(lambda: len(readings(site)) == 200)

    assert readings(site) == [{"a": value} for value in range(200)]
    assert client.is_open


async def test_a_device_may_sign_on_while_the_door_is_full(start: Start) -> None:
    site = await start(IngestOptions(in_flight=1))
    site.world.device("other")
    client = await site.client()
    site.world.bus.consume(site.world.keep_open)
    await client.publish(TELEMETRY, b'{"a":1}')
    await until(lambda: site.world.door.is_full)

    other = await site.client(username="other")

    assert other.is_open


@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
async def test_a_connection_of_noise_harms_nobody(site: Site, data: st.DataObject) -> None:
    noise = data.draw(st.binary(min_size=1, max_size=200))
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    client = await site.client()

    writer.write(noise)
    client.send_raw(noise)
    writer.close()
    await client.close()
    await until(lambda: site.transport.connections == 0)

    assert site.transport.stats.unexpected_errors == 0


@settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
async def test_damaged_packets_end_at_most_their_connection(
    site: Site, data: st.DataObject
) -> None:
    version = data.draw(st.sampled_from([3, 4, 5]))
    sent = [p.Publish(TELEMETRY, b'{"a":1}', 1, 1), *data.draw(st.lists(packets(version)))]
    good = b"".join(encode(packet, version) for packet in sent)
    client = await site.client(version)

    client.send_raw(mutate(good, data.draw(mutations())))
    await client.close()
    await until(lambda: site.transport.connections == 0)

    assert site.transport.stats.unexpected_errors == 0
