"""What devices send is counted for their tenant, and refused when that used up what it may."""

import pytest

from fieldline.domains.api_usage.counters import UsageLimitReached
from fieldline.domains.api_usage.months import month_end
from fieldline.ingest.attributes import AttributeRequest
from fieldline.ingest.session import DeviceSession
from fieldline.kit.errors import RateLimited
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.messaging.events import Change, EntityChanged
from fieldline.timeseries.backends.memory import MemoryStore
from tests.ingest.test_limits import connected, send
from tests.ingest.world import Acks, Listener, World
from tests.waiting import until


async def world_with(**limits: object) -> World:
    world = World(MemoryStore())
    world.tenant_profile.update(limits)
    await world.start()
    return world


def used(world: World) -> tuple[int, int]:
    counted = world.usage.of(world.tenant_id)
    return counted.transport_messages, counted.transport_data_points


async def change_profile(world: World, session: DeviceSession, **limits: object) -> None:
    world.tenant_profile.update(limits)
    before = session.limits.usage.limits
    profile = EntityRef(EntityType.TENANT_PROFILE, new_id())
    world.bus.emit(EntityChanged(None, profile, Change.UPDATED))
    await until(lambda: session.limits.usage.limits != before)


async def test_messages_and_data_points() -> None:
    world = await world_with()
    session = await connected(world)
    stranger = await connected(world, "stranger", tenant_id=new_id())
    acks = Acks()

    world.door.telemetry(session, b'{"a":1,"b":2}', acks.receipt())
    both = b'[{"ts":1,"values":{"a":1}},{"ts":2,"values":{"a":1,"b":2}}]'
    world.door.telemetry(session, both, acks.receipt())
    await world.door.bulk_telemetry(session, both, acks.receipt())
    world.door.telemetry_document(session, {"a": 1}, acks.receipt())
    world.door.attributes(session, b'{"a":1,"b":2}', acks.receipt())
    world.door.client_rpc(session, b'{"method":"getSessionLimits"}', lambda _answer: None)
    await world.door.read_attributes(session, AttributeRequest.of("a", None))
    world.door.claim(session, b"", acks.receipt())
    send(world, stranger)

    assert used(world) == (8, 2 + 3 + 3 + 1 + 2)
    await world.stop()


async def test_what_is_refused_is_not_counted() -> None:
    world = await world_with(maxTransportDataPoints=2)
    session = await connected(world)

    assert [send(world, session, points=3), send(world, session)] == [True, False]
    assert used(world) == (1, 3)
    assert world.door.rates.refused == 1
    await world.stop()


@pytest.mark.parametrize("limit", ["maxTransportMessages", "maxTransportDataPoints"])
async def test_a_tenant_that_used_up_its_month_is_refused_everything(limit: str) -> None:
    world = await world_with(**{limit: 2})
    session = await connected(world)
    stranger = await connected(world, "stranger", tenant_id=new_id())
    acks = Acks()

    assert [send(world, session) for _ in range(3)] == [True, True, False]
    for refused in (
        lambda: world.door.attributes(session, b'{"a":1}', acks.receipt()),
        lambda: world.door.client_rpc(session, b'{"method":"m"}', lambda _answer: None),
        lambda: world.door.claim(session, b"", acks.receipt()),
        lambda: world.door.open(world.device("another"), Listener()),
    ):
        with pytest.raises(UsageLimitReached, match="next month, or for another profile"):
            refused()
    assert send(world, stranger)
    await world.stop()


async def test_limits_of_use_hold_without_those_of_rate() -> None:
    world = await world_with(maxTransportMessages=1, transportDeviceTelemetryMsgRateLimit="1:1000")
    session = await connected(world)
    send(world, session)

    await change_profile(world, session, maxTransportMessages=2)

    assert [send(world, session), send(world, session)] == [True, False]
    await world.stop()


async def test_a_changed_profile_lets_devices_send_again() -> None:
    world = await world_with(maxTransportMessages=1)
    session = await connected(world)
    before = [send(world, session), send(world, session)]

    await change_profile(world, session, maxTransportMessages=0)

    assert (before, send(world, session)) == ([True, False], True)
    await world.stop()


async def test_the_next_month_lets_devices_send_again() -> None:
    world = await world_with(maxTransportMessages=1)
    session = await connected(world)
    before = [send(world, session), send(world, session)]

    world.usage.turn(month_end(world.clock.now_ms()))

    assert (before, send(world, session)) == ([True, False], True)
    await world.stop()


async def test_who_is_refused_is_to_come_back_within_the_minute() -> None:
    world = await world_with(maxTransportMessages=1)
    session = await connected(world)
    send(world, session)

    waits = []
    for left_ms in (10**9, 5_000):
        world.clock.advance(month_end(world.clock.now_ms()) - left_ms - world.clock.now_ms())
        with pytest.raises(RateLimited) as caught:
            world.door.telemetry(session, b'{"a":1}', Acks().receipt())
        waits.append(caught.value.retry_after_s)

    assert waits == [60, 5]
    await world.stop()
