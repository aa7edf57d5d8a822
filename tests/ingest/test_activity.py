"""Whether a device is active: what is stored, what the rules are told, and when."""

import asyncio
from uuid import UUID

import pytest

from fieldline.domains.device.directory import DeviceRecord
from fieldline.ingest.attention import Attention
from fieldline.ingest.parts import IngestOptions
from fieldline.kit.errors import Unavailable
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.kit.json import dumps, loads
from fieldline.kit.values import Value
from fieldline.messaging.events import (
    AttributesSaved,
    Change,
    EntityChanged,
    KeysDeleted,
    PresenceChanged,
)
from fieldline.messaging.message import Message
from fieldline.messaging.receipt import unattended
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.timeseries.store import Attribute, Scope, WriteBatch, WriteResult
from tests.ingest.world import Acks, Listener, World

TIMEOUT_MS = 600_000
DEVICE = "token"


def make_old_device(world: World) -> None:
    """Let so much time pass that the device is older than the time-out."""
    device = world.device()
    world.clock._now_ms = (device.id.int >> 80) + 10 * TIMEOUT_MS


def send(world: World, token: str = DEVICE) -> None:
    device = world.devices.by_token[token]
    world.door.telemetry(world.door.brief(device), b'{"k":1}', Acks().receipt())


async def store(world: World, values: dict[str, Value], token: str = DEVICE) -> None:
    device = world.devices.by_token[token]
    world.writer.save_attributes(device.tenant_id, device.ref, Scope.SERVER, values)
    await world.writer.flush()


def events(world: World) -> list[str]:
    return [kind for kind in world.types() if kind.endswith("_EVENT")]


@pytest.fixture(autouse=True)
def _device(world: World) -> None:
    make_old_device(world)


async def test_the_first_reading_makes_a_device_active(world: World) -> None:
    send(world)
    await world.door.activity.report_urgent()

    device = world.devices.by_token[DEVICE]
    assert await world.server_attributes(device) == {
        "active": True,
        "lastActivityTime": world.clock.now_ms(),
    }
    assert events(world) == ["ACTIVITY_EVENT"]


async def test_later_readings_only_move_the_last_activity(world: World) -> None:
    send(world)
    await world.door.activity.report()
    world.clock.advance(3_000)
    send(world)
    send(world)

    await world.door.activity.report()

    attributes = await world.server_attributes(world.devices.by_token[DEVICE])
    assert attributes["lastActivityTime"] == world.clock.now_ms()
    assert events(world) == ["ACTIVITY_EVENT"]


async def test_a_payload_that_is_refused_is_activity_too(world: World) -> None:
    session = world.door.brief(world.devices.by_token[DEVICE])
    await world.door.activity.report()
    world.clock.advance(1_000)

    with pytest.raises(Exception, match="JSON"):
        world.door.telemetry(session, b"x", Acks().receipt())
    await world.door.activity.report()

    attributes = await world.server_attributes(session.device)
    assert attributes["lastActivityTime"] == world.clock.now_ms()


async def test_connecting_is_told_before_activity_and_disconnecting_after(world: World) -> None:
    device = world.devices.by_token[DEVICE]
    connected_ms = world.clock.now_ms()
    session = world.door.open(device, Listener())
    await world.door.activity.report_urgent()
    world.clock.advance(1_000)
    world.door.close(session)
    await world.door.activity.report_urgent()

    assert events(world) == ["CONNECT_EVENT", "ACTIVITY_EVENT", "DISCONNECT_EVENT"]
    assert await world.server_attributes(device) == {
        "active": True,
        "lastConnectTime": connected_ms,
        "lastDisconnectTime": connected_ms + 1_000,
        "lastActivityTime": connected_ms,
    }


async def test_events_carry_the_state_and_who_it_is(world: World) -> None:
    device = world.devices.by_token[DEVICE]
    device.label = "cellar"
    now_ms = world.clock.now_ms()
    world.door.open(device, Listener())
    await world.door.activity.report_urgent()

    connect, activity = world.messages
    assert connect.data == {
        "lastConnectTime": now_ms,
        "lastActivityTime": now_ms,
        "lastDisconnectTime": 0,
        "lastInactivityAlarmTime": 0,
        "inactivityTimeout": TIMEOUT_MS,
    }
    assert activity.data == {"active": True, **connect.data}
    assert activity.metadata == {
        "deviceName": "meter token",
        "deviceLabel": "cellar",
        "deviceType": "meter",
        "scope": "SERVER_SCOPE",
    }


async def test_silence_for_the_time_out_makes_a_device_inactive(world: World) -> None:
    send(world)
    await world.door.activity.report()
    world.clock.advance(TIMEOUT_MS - 1)
    await world.door.activity.check()
    before = events(world)
    world.clock.advance(1)
    await world.door.activity.check()
    await world.door.activity.check()

    attributes = await world.server_attributes(world.devices.by_token[DEVICE])
    assert before == ["ACTIVITY_EVENT"]
    assert events(world) == ["ACTIVITY_EVENT", "INACTIVITY_EVENT"]
    assert attributes["active"] is False
    assert attributes["inactivityAlarmTime"] == world.clock.now_ms()


async def test_a_connection_that_is_silent_becomes_inactive_too(world: World) -> None:
    world.door.open(world.devices.by_token[DEVICE], Listener())
    await world.door.activity.report()
    world.clock.advance(TIMEOUT_MS)

    await world.door.activity.check()

    assert events(world)[-1] == "INACTIVITY_EVENT"


async def test_a_ping_keeps_a_device_active(world: World) -> None:
    session = world.door.open(world.devices.by_token[DEVICE], Listener())
    await world.door.activity.report()
    world.clock.advance(TIMEOUT_MS - 1)
    world.door.touch(session)
    world.clock.advance(TIMEOUT_MS - 1)

    await world.door.activity.check()

    assert "INACTIVITY_EVENT" not in events(world)


async def test_an_inactive_device_that_sends_is_active_again(world: World) -> None:
    send(world)
    await world.door.activity.report()
    world.clock.advance(TIMEOUT_MS)
    await world.door.activity.check()
    send(world)
    await world.door.activity.report_urgent()

    assert events(world) == ["ACTIVITY_EVENT", "INACTIVITY_EVENT", "ACTIVITY_EVENT"]


async def test_the_devices_own_time_out_holds(world: World) -> None:
    device = world.devices.by_token[DEVICE]
    await store(world, {"inactivityTimeout": 1_000})
    send(world)
    await world.door.activity.report()
    world.clock.advance(1_000)

    await world.door.activity.check()

    assert events(world)[-1] == "INACTIVITY_EVENT"
    assert (await world.server_attributes(device))["active"] is False


async def test_a_changed_time_out_holds_at_once_and_a_deleted_one_is_the_default(
    world: World,
) -> None:
    device = world.devices.by_token[DEVICE]
    send(world)
    await world.door.activity.report()
    await store(world, {"inactivityTimeout": 1_000})
    world.bus.emit(
        KeysDeleted(device.tenant_id, device.ref, "SERVER_SCOPE", ("inactivityTimeout",))
    )
    world.clock.advance(2_000)
    await world.door.activity.check()
    after_deletion = events(world)
    world.bus.emit(
        AttributesSaved(
            device.tenant_id, device.ref, "SERVER_SCOPE", 1, {"inactivityTimeout": 1_500}
        )
    )

    await world.door.activity.check()

    assert after_deletion == ["ACTIVITY_EVENT"]
    assert events(world) == ["ACTIVITY_EVENT", "INACTIVITY_EVENT"]


@pytest.mark.parametrize("value", [0, -5, "soon", True])
async def test_a_time_out_that_is_none_means_the_default(world: World, value: Value) -> None:
    await store(world, {"inactivityTimeout": value})
    send(world)
    await world.door.activity.report()
    world.clock.advance(TIMEOUT_MS - 1)

    await world.door.activity.check()

    assert events(world) == ["ACTIVITY_EVENT"]


async def test_a_time_out_beyond_64_bits_can_be_told(world: World) -> None:
    await store(world, {"inactivityTimeout": 1e30})
    send(world)
    await world.door.activity.report()

    [activity] = [message for message in world.messages if message.type == "ACTIVITY_EVENT"]
    assert loads(dumps(activity.data))["inactivityTimeout"] == 2**63 - 1


async def test_an_inactive_device_is_active_again_also_when_the_clock_was_put_back(
    world: World,
) -> None:
    send(world)
    await world.door.activity.report()
    world.clock.advance(TIMEOUT_MS)
    await world.door.activity.check()
    world.clock.advance(-3_600_000)
    send(world)

    await world.door.activity.report_urgent()

    attributes = await world.server_attributes(world.devices.by_token[DEVICE])
    assert attributes["active"] is True
    assert attributes["lastActivityTime"] == world.clock.now_ms()


@pytest.mark.parametrize("sends", [True, False])
async def test_a_device_heard_in_the_future_may_become_inactive(world: World, sends: bool) -> None:
    in_an_hour_ms = world.clock.now_ms() + 3_600_000
    await store(world, {"active": True, "lastActivityTime": in_an_hour_ms})
    world.door.activity._attention.look()
    if sends:
        send(world)
        await world.door.activity.report()
    world.clock.advance(TIMEOUT_MS - 1)
    await world.door.activity.check()
    before = events(world)
    world.clock.advance(1)

    await world.door.activity.check()

    assert before == []
    assert events(world) == ["INACTIVITY_EVENT"]


async def test_a_clock_put_back_makes_nobody_inactive(world: World) -> None:
    send(world)
    await world.door.activity.report()
    world.door.activity._attention.look()
    world.clock.advance(-TIMEOUT_MS)

    await world.door.activity.check()

    assert events(world) == ["ACTIVITY_EVENT"]


async def test_the_stored_state_is_known_after_a_restart(world: World) -> None:
    before_ms = world.clock.now_ms() - 5_000
    await store(
        world, {"active": True, "lastActivityTime": before_ms, "lastConnectTime": before_ms}
    )

    world.door.open(world.devices.by_token[DEVICE], Listener())
    await world.door.activity.report_urgent()

    assert events(world) == ["CONNECT_EVENT"]


async def test_nobody_is_silent_while_the_server_is_down(world: World) -> None:
    world.device("fresh")
    await store(world, {"active": True, "lastActivityTime": world.clock.now_ms() - TIMEOUT_MS})
    await store(world, {"active": True, "lastActivityTime": world.clock.now_ms() - 1}, "fresh")
    world.door.activity._attention.look()  # the first one after the start

    await world.door.activity.check()
    at_first = list(world.messages)
    world.clock.advance(TIMEOUT_MS)
    await world.door.activity.check()

    assert at_first == []
    assert events(world) == ["INACTIVITY_EVENT", "INACTIVITY_EVENT"]


async def test_events_wait_while_their_tenants_rules_do_not_keep_up(world: World) -> None:
    device = world.devices.by_token[DEVICE]
    await world.door.rates.learn(device.tenant_id)
    packet = unattended()
    world.door.share_of(device.tenant_id).count(packet, IngestOptions().tenant_in_flight)

    world.door.open(device, Listener())
    await world.door.activity.report_urgent()
    await world.door.activity.report()
    before = events(world)
    packet.release()
    await world.door.activity.report()

    assert before == []
    assert events(world) == ["CONNECT_EVENT", "ACTIVITY_EVENT"]


@pytest.mark.parametrize("was_heard", [True, False])
async def test_a_stale_device_that_connects(world: World, was_heard: bool) -> None:
    stale_ms = world.clock.now_ms() - TIMEOUT_MS
    await store(world, {"active": True, "lastActivityTime": stale_ms})
    if not was_heard:
        world.door.activity._attention.look()

    world.door.open(world.devices.by_token[DEVICE], Listener())
    await world.door.activity.report_urgent()

    whole = ["INACTIVITY_EVENT", "CONNECT_EVENT", "ACTIVITY_EVENT"]
    assert events(world) == (whole if was_heard else ["CONNECT_EVENT"])


async def test_nobody_is_silent_while_the_server_does_not_listen() -> None:
    now: dict[str, int] = {"ms": 0, "is_full": False}
    attention = Attention(lambda: now["ms"], lambda: bool(now["is_full"]), tuple)
    since = []
    for now_ms, is_full in (
        (3_000, False),
        (6_000, True),
        (9_000, True),
        (12_000, False),
        (22_000, False),
        (32_001, False),
        (35_000, False),
    ):
        now.update(ms=now_ms, is_full=is_full)
        attention.look()
        since.append(attention.since_ms)

    assert since == [0, 6_000, 9_000, 9_000, 9_000, 32_001, 32_001]


async def test_nobody_is_silent_while_their_tenant_is_held() -> None:
    now = {"ms": 0}
    held: list[UUID] = []
    one, other = new_id(), new_id()
    attention = Attention(lambda: now["ms"], lambda: False, lambda: held)
    since = []
    for now_ms, tenants in (
        (3_000, [one]),
        (6_000, [one, other]),
        (9_000, []),
        (1_000, []),  # the clock is put back
        (4_000, []),
    ):
        held[:] = tenants
        now["ms"] = now_ms
        attention.look()
        since.append((attention.since_ms_of(one), attention.since_ms_of(other)))

    assert since == [
        (3_000, 0),
        (6_000, 6_000),
        (6_000, 6_000),
        (1_000, 1_000),
        (1_000, 1_000),
    ]


async def test_a_profiles_time_out_holds_for_devices_without_their_own(world: World) -> None:
    device, other = world.devices.by_token[DEVICE], world.device("other")
    profile = EntityRef(EntityType.DEVICE_PROFILE, device.profile_id)
    other.profile_id = device.profile_id
    world.writer.save_attributes(
        device.tenant_id, profile, Scope.SERVER, {"inactivityTimeout": 1_000}
    )
    await store(world, {"inactivityTimeout": 5_000}, "other")
    for token in (DEVICE, "other"):
        send(world, token)
    await world.door.activity.report()
    world.clock.advance(1_000)
    await world.door.activity.check()
    first = [m.originator for m in world.messages if m.type == "INACTIVITY_EVENT"]

    send(world)
    await world.door.activity.report_urgent()
    told = {"inactivityTimeout": 60_000}
    world.bus.emit(AttributesSaved(device.tenant_id, profile, "SERVER_SCOPE", 1, told))
    world.clock.advance(4_000)
    await world.door.activity.check()

    assert first == [device.ref]
    inactive = [m.originator for m in world.messages if m.type == "INACTIVITY_EVENT"]
    assert inactive == [device.ref, other.ref]


async def test_a_device_of_another_profile_has_another_time_out(world: World) -> None:
    device = world.devices.by_token[DEVICE]
    send(world)
    await world.door.activity.report()
    device.profile_id = new_id()
    profile = EntityRef(EntityType.DEVICE_PROFILE, device.profile_id)
    world.writer.save_attributes(
        device.tenant_id, profile, Scope.SERVER, {"inactivityTimeout": 1_000}
    )
    await world.writer.flush()
    world.bus.emit(EntityChanged(device.tenant_id, device.ref, Change.UPDATED))

    world.clock.advance(1_000)
    await world.door.activity.check()

    assert events(world) == ["ACTIVITY_EVENT", "INACTIVITY_EVENT"]


async def test_a_new_device_is_inactive_and_is_told_of_once_when_it_never_comes(
    world: World,
) -> None:
    device = world.device("new")
    world.clock._now_ms = device.id.int >> 80

    world.bus.emit(EntityChanged(device.tenant_id, device.ref, Change.CREATED))
    at_creation = await world.server_attributes(device)
    await world.door.activity.check()
    world.clock.advance(TIMEOUT_MS)
    await world.door.activity.check()
    await world.door.activity.check()

    assert at_creation == {"active": False}
    assert events(world) == ["INACTIVITY_EVENT"]
    assert (await world.server_attributes(device))["inactivityAlarmTime"] == world.clock.now_ms()


async def test_a_device_never_seen_is_remembered_over_a_restart(world: World) -> None:
    await store(world, {"active": False})

    await world.door.activity.check()

    assert events(world) == ["INACTIVITY_EVENT"]


async def test_nothing_is_written_of_a_deleted_device(world: World) -> None:
    device = world.devices.by_token[DEVICE]
    world.door.open(device, Listener())
    world.bus.emit(EntityChanged(device.tenant_id, device.ref, Change.DELETED))

    await world.door.activity.report()

    assert await world.server_attributes(device) == {}
    assert world.messages == []


async def test_a_device_that_went_with_its_tenant_is_forgotten(world: World) -> None:
    send(world)
    await world.door.activity.report()
    world.devices.records.clear()
    world.clock.advance(TIMEOUT_MS)

    await world.door.activity.check()

    assert events(world) == ["ACTIVITY_EVENT"]
    assert not world.door.activity._presences


async def test_other_entities_are_left_alone(world: World) -> None:
    asset = EntityRef(EntityType.ASSET, world.tenant_id)
    world.bus.emit(EntityChanged(world.tenant_id, asset, Change.CREATED))
    world.writer.save_attributes(world.tenant_id, asset, Scope.SERVER, {"active": True})
    await world.writer.flush()

    await world.door.activity.check()

    found = await world.store.attributes(asset.id, Scope.SERVER)
    assert [attribute.key for attribute in found] == ["active"]
    assert world.messages == []


async def test_quiet_devices_make_room_and_are_still_found_when_they_expire() -> None:
    world = World(MemoryStore(), options=IngestOptions(presences=2))
    await world.start()
    devices = [world.device(f"device {number}") for number in range(5)]
    world.clock._now_ms = (devices[0].id.int >> 80) + 10 * TIMEOUT_MS
    for number in range(5):
        send(world, f"device {number}")
        await world.door.activity.report()

    world.clock.advance(TIMEOUT_MS)
    await world.writer.flush()
    await world.door.activity.check()

    inactive = {m.originator for m in world.messages if m.type == "INACTIVITY_EVENT"}
    assert inactive == {device.ref for device in devices}
    await world.stop()


async def test_connected_devices_do_not_make_room() -> None:
    world = World(MemoryStore(), options=IngestOptions(presences=1))
    world.door.open(world.device("a"), Listener())

    with pytest.raises(Unavailable):
        world.door.brief(world.device("b"))


class StoreThatGoesAway(MemoryStore):
    is_away = False

    async def attributes(
        self, entity_id: object, scope: Scope, keys: tuple[str, ...] | None = None
    ) -> list[Attribute]:
        self._check()
        return await super().attributes(entity_id, scope, keys)  # type: ignore[arg-type]

    async def write(self, batch: WriteBatch) -> WriteResult:
        self._check()
        return await super().write(batch)

    def _check(self) -> None:
        if self.is_away:
            msg = "away"
            raise Unavailable(msg)


async def test_news_wait_while_the_store_is_away() -> None:
    store = StoreThatGoesAway()
    world = World(store)
    await world.start()
    make_old_device(world)
    store.is_away = True
    world.door.open(world.devices.by_token[DEVICE], Listener())

    with pytest.raises(Unavailable):
        await world.door.activity.report_urgent()
    store.is_away = False
    await world.door.activity.report_urgent()

    assert events(world) == ["CONNECT_EVENT", "ACTIVITY_EVENT"]
    await world.stop()


async def test_no_event_is_lost_when_the_directory_is_away(world: World) -> None:
    by_id = world.devices.by_id

    async def away(_device_id: object) -> None:
        msg = "away"
        raise Unavailable(msg)

    world.door.open(world.devices.by_token[DEVICE], Listener())
    world.devices.by_id = away  # type: ignore[method-assign,assignment]
    with pytest.raises(Unavailable):
        await world.door.activity.report_urgent()
    world.devices.by_id = by_id  # type: ignore[method-assign]

    await world.door.activity.report_urgent()

    assert events(world) == ["CONNECT_EVENT", "ACTIVITY_EVENT"]


async def test_activity_while_the_check_waits_keeps_the_device_active(world: World) -> None:
    send(world)
    await world.door.activity.report()
    world.clock.advance(TIMEOUT_MS)
    by_id = world.devices.by_id

    async def meanwhile_it_sends(device_id: UUID) -> DeviceRecord | None:
        send(world)
        return await by_id(device_id)

    world.devices.by_id = meanwhile_it_sends  # type: ignore[method-assign]
    await world.door.activity.check()

    assert "INACTIVITY_EVENT" not in events(world)


async def test_a_stop_writes_what_is_known(world: World) -> None:
    await world.door.start()
    device = world.devices.by_token[DEVICE]
    world.door.open(device, Listener())

    await world.door.stop()

    attributes = await world.server_attributes(device)
    assert attributes["lastDisconnectTime"] == world.clock.now_ms()
    assert events(world) == ["CONNECT_EVENT", "DISCONNECT_EVENT", "ACTIVITY_EVENT"]


async def test_a_server_full_of_connections_still_finds_silent_devices() -> None:
    world = World(MemoryStore(), options=IngestOptions(presences=1))
    await world.start()
    make_old_device(world)
    world.device("elsewhere")
    await store(world, {"active": True, "lastActivityTime": 5}, "elsewhere")
    world.door.open(world.devices.by_token[DEVICE], Listener())
    await world.door.activity.report()
    world.clock.advance(TIMEOUT_MS)

    await world.door.activity.check()

    assert events(world).count("INACTIVITY_EVENT") == 2
    await world.stop()


async def test_the_background_work_reports_without_being_asked(world: World) -> None:
    told = asyncio.Event()

    def finish(message: Message) -> None:
        world.finish(message)
        told.set()

    world.bus.consume(finish)
    await world.door.start()

    world.door.open(world.devices.by_token[DEVICE], Listener())
    async with asyncio.timeout(5):
        await told.wait()

    assert events(world)[0] == "CONNECT_EVENT"
    await world.door.stop()


async def test_going_on_and_offline_is_told_after_it_is_stored(world: World) -> None:
    told: list[PresenceChanged] = []
    world.bus.listen(PresenceChanged, told.append)
    device = world.devices.by_token[DEVICE]
    send(world)
    await world.door.activity.report_urgent()
    assert told == []
    await world.writer.flush()
    send(world)
    await world.door.activity.report()
    world.clock.advance(TIMEOUT_MS)
    await world.door.activity.check()
    await world.writer.flush()

    now_ms = world.clock.now_ms()
    fields = (device.tenant_id, device.customer_id, device.ref, device.name)
    assert told == [
        PresenceChanged(*fields, True, now_ms - TIMEOUT_MS),
        PresenceChanged(*fields, False, now_ms),
    ]
