"""What goes in at the door, when it is acknowledged, and what comes back."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import make_url

from fieldline.database.engine import Database
from fieldline.ingest.parts import IngestOptions
from fieldline.kit.errors import Invalid, Unauthenticated, Unavailable
from fieldline.kit.telemetry_json import InvalidTimestamp
from fieldline.kit.values import JsonText
from fieldline.messaging.receipt import Receipt
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.timeseries.backends.sqlite.store import SqliteStore
from fieldline.timeseries.store import Point
from fieldline.timeseries.writer import WriterLimits
from tests.ingest.world import Acks, World
from tests.waiting import until


async def test_telemetry_becomes_one_message_for_each_time(world: World) -> None:
    device = world.device()
    acks = Acks()
    receipt = acks.receipt()

    world.door.telemetry(
        world.door.brief(device), b'[{"ts":5,"values":{"k":1}},{"k":"2.5"}]', receipt
    )
    receipt.release()

    first, second = world.messages
    assert first.type == "POST_TELEMETRY_REQUEST"
    assert first.originator == device.ref
    assert first.profile_id == device.profile_id
    assert first.data == {"k": 1}
    assert first.metadata == {"deviceName": "meter token", "deviceType": "meter", "ts": "5"}
    assert second.data == {"k": 2.5}
    assert second.metadata["ts"] == str(world.clock.now_ms())
    assert acks.count == 1


async def test_metadata_of_the_transport_is_added(world: World) -> None:
    session = world.door.brief(world.device())

    world.door.telemetry(session, b'{"k":1}', Acks().receipt(), {"mqttTopic": "t"})
    world.door.attributes(session, b'{"k":1}', Acks().receipt(), {"mqttTopic": "t"})

    assert [message.metadata["mqttTopic"] for message in world.messages] == ["t", "t"]


async def test_attributes_become_one_message_that_does_not_notify_the_device(world: World) -> None:
    world.door.attributes(world.door.brief(world.device()), b'{"k":"x"}', Acks().receipt())

    (message,) = world.messages
    assert message.type == "POST_ATTRIBUTES_REQUEST"
    assert message.data == {"k": "x"}
    assert message.metadata == {
        "deviceName": "meter token",
        "deviceType": "meter",
        "notifyDevice": "false",
    }


@pytest.mark.parametrize("payload", [b"[]", b"{}", b"[{}]", b'{"k":null}'])
async def test_telemetry_without_values_is_acknowledged(world: World, payload: bytes) -> None:
    acks = Acks()
    receipt = acks.receipt()

    world.door.telemetry(world.door.brief(world.device()), payload, receipt)
    receipt.release()

    assert acks.count == 1


async def test_attributes_without_values_are_acknowledged(world: World) -> None:
    acks = Acks()
    receipt = acks.receipt()

    world.door.attributes(world.door.brief(world.device()), b"{}", receipt)
    receipt.release()

    assert acks.count == 1
    assert world.messages == []


async def test_nothing_is_acknowledged_before_the_last_message_has_ended(world: World) -> None:
    world.bus.consume(world.keep_open)
    acks = Acks()
    receipt = acks.receipt()

    world.door.telemetry(world.door.brief(world.device()), b'[{"k":1},{"k":2}]', receipt)
    receipt.release()
    world.messages[0].receipt.release()
    acks_before = acks.count
    world.messages[1].receipt.release()

    assert (acks_before, acks.count) == (0, 1)


async def test_a_payload_with_one_bad_time_is_refused_as_a_whole(world: World) -> None:
    session = world.door.brief(world.device())

    with pytest.raises(InvalidTimestamp):
        world.door.telemetry(session, b'[{"k":1},{"ts":"x","values":{"k":2}}]', Acks().receipt())

    assert world.messages == []


async def test_a_string_over_the_limit_is_refused() -> None:
    world = World(MemoryStore(), options=IngestOptions(string_length=3))

    with pytest.raises(Invalid, match="at most 3"):
        world.door.telemetry(world.door.brief(world.device()), b'{"k":"long"}', Acks().receipt())


async def test_a_bulk_is_published_in_order_and_acknowledged_once(world: World) -> None:
    payload = b"[" + b",".join(b'{"ts":%d,"values":{"k":%d}}' % (i, i) for i in range(2_000)) + b"]"
    acks = Acks()
    receipt = acks.receipt()

    await world.door.bulk_telemetry(world.door.brief(world.device()), payload, receipt)
    receipt.release()

    assert [message.data["k"] for message in world.messages] == list(range(2_000))
    assert acks.count == 1


async def test_a_bulk_waits_for_the_store(world: World) -> None:
    world = World(MemoryStore(), writer_limits=WriterLimits(max_pending_rows=300))
    await world.start()
    world.bus.consume(world.save)
    payload = b"[" + b",".join(b'{"ts":%d,"values":{"k":%d}}' % (i, i) for i in range(2_000)) + b"]"
    device = world.device()
    acks = Acks()
    receipt = acks.receipt()

    await world.door.bulk_telemetry(world.door.brief(device), payload, receipt)
    receipt.release()
    await world.writer.flush()

    assert acks.count == 1
    assert await world.store.latest(device.id) == {"k": Point(1999, 1999)}
    await world.stop()


async def test_a_bulk_of_a_tenant_with_slow_rules_leaves_room_for_others() -> None:
    world = World(MemoryStore(), options=IngestOptions(tenant_in_flight=300))
    world.bus.consume(world.keep_open)
    session = world.door.brief(world.device())
    payload = b"[" + b",".join(b'{"ts":%d,"values":{"k":1}}' % i for i in range(1_000)) + b"]"
    acks = Acks()
    receipt = acks.receipt()

    async def send() -> None:
        await world.door.bulk_telemetry(session, payload, receipt)
        receipt.release()

    sending = asyncio.create_task(send())
    await until(lambda: session.limits.share.is_used_up)
    waiting = len(world.messages)
    while not sending.done():
        while world.messages:
            world.messages.pop().receipt.release()
        await asyncio.sleep(0)
    while world.messages:
        world.messages.pop().receipt.release()

    assert waiting == 400  # two slices of 200
    assert not world.door.is_full
    assert (session.limits.share.in_flight, acks.count) == (0, 1)


async def test_the_door_is_full_until_packets_have_ended() -> None:
    world = World(MemoryStore(), options=IngestOptions(in_flight=4))
    world.bus.consume(world.keep_open)
    session = world.door.brief(world.device())
    resumed: list[bool] = []

    for _ in range(4):
        packet = Acks().receipt()
        world.door.telemetry(session, b'{"k":1}', packet)
        packet.release()
    world.door.when_room(lambda: resumed.append(world.door.is_full))
    was_full = world.door.is_full
    await asyncio.sleep(0)
    resumed_while_full = list(resumed)
    world.messages[0].receipt.release()

    assert was_full
    assert resumed_while_full == []
    assert resumed == [False]


async def test_the_door_is_full_while_the_writer_is() -> None:
    world = World(MemoryStore(), writer_limits=WriterLimits(max_pending_rows=2))
    await world.store.start()
    world.bus.consume(world.save)
    session = world.door.brief(world.device())
    room = asyncio.Event()

    for ts_ms in range(3):
        world.door.telemetry(session, b'{"ts":%d,"values":{"k":1}}' % ts_ms, Acks().receipt())
    was_full = world.door.is_full
    world.door.when_room(room.set)
    world.writer.start()
    await room.wait()

    assert was_full
    assert not world.door.is_full
    await world.stop()


async def test_an_acknowledged_reading_is_in_the_sqlite_file(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    path = Path(str(make_url(sqlite_url).database))
    world = World(SqliteStore(path, database.gate.enter))
    await world.start()
    world.bus.consume(world.save)
    device = world.device()
    acked = asyncio.Event()
    receipt = Receipt(lambda _receipt: acked.set())

    world.door.telemetry(
        world.door.brief(device),
        b'{"ts":7,"values":{"b":true,"i":5,"d":1.5,"s":"x","j":{"a":[1,null]}}}',
        receipt,
    )
    receipt.release()
    await acked.wait()

    assert await world.store.latest(device.id) == {
        "b": Point(7, True),
        "i": Point(7, 5),
        "d": Point(7, 1.5),
        "s": Point(7, "x"),
        "j": Point(7, JsonText('{"a":[1,null]}')),
    }
    await world.stop()
    await database.close()


async def test_a_token_finds_its_device(world: World) -> None:
    device = world.device("abc")

    assert await world.door.authenticate_token("abc") is device
    with pytest.raises(Unauthenticated):
        await world.door.authenticate_token("wrong")


async def test_mqtt_is_refused_to_a_device_of_another_transport(world: World) -> None:
    device = world.device("abc", transport_type="MQTT")
    world.device("other", transport_type="LWM2M")

    assert await world.door.authenticate_mqtt("id", "abc", None) is device
    with pytest.raises(Unauthenticated):
        await world.door.authenticate_mqtt("id", "wrong", None)
    with pytest.raises(Unavailable, match="LWM2M"):
        await world.door.authenticate_mqtt("id", "other", None)


async def test_a_certificate_is_found_by_the_hash_of_its_base64_text(world: World) -> None:
    device = world.device()
    # printf certificate | base64 | openssl dgst -sha3-256
    digest = "0988059d88967c6f08576b77775028547416724a9c4ddc617c0fd25a581cbbd9"
    world.devices.by_hash[digest] = device

    assert await world.door.authenticate_mqtt("id", None, None, [b"certificate"]) is device
    with pytest.raises(Unauthenticated):
        await world.door.authenticate_mqtt("id", None, None, [b"another"])
