"""What devices, gateways and tenants may send."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from fieldline.ingest.parts import IngestOptions
from fieldline.ingest.session import DeviceSession
from fieldline.kit.errors import RateLimited
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.messaging.events import Change, EntityChanged
from fieldline.timeseries.backends.memory import MemoryStore
from tests.ingest.world import Acks, Listener, World
from tests.waiting import until


async def world_with(**limits: str) -> World:
    world = World(MemoryStore(), options=IngestOptions(is_rate_limited=True))
    world.tenant_profile.update(limits)
    await world.start()
    return world


async def connected(world: World, token: str = "token", **fields: object) -> DeviceSession:
    world.device(token, **fields)
    return world.door.open(await world.door.authenticate_token(token), Listener())


def send(world: World, session: DeviceSession, points: int = 1) -> bool:
    """Send one message; returns whether it was taken."""
    values = ",".join(f'"k{number}":1' for number in range(points))
    acks = Acks()
    receipt = acks.receipt()
    try:
        world.door.telemetry(session, b"{%s}" % values.encode(), receipt)
    except RateLimited:
        return False
    receipt.release()
    return True


async def test_telemetry_messages_of_a_device() -> None:
    world = await world_with(transportDeviceTelemetryMsgRateLimit="2:1")
    session, other = await connected(world), await connected(world, "other")

    taken = [send(world, session) for _ in range(3)]
    world.clock.advance(500)
    taken_later = [send(world, session) for _ in range(2)]

    assert (taken, taken_later) == ([True, True, False], [True, False])
    assert send(world, other)
    assert [m.type for m in world.messages].count("POST_TELEMETRY_REQUEST") == 4
    assert world.door.rates.refused == 2
    await world.stop()


async def test_data_points_of_a_device() -> None:
    world = await world_with(transportDeviceTelemetryDataPointsRateLimit="5:1")
    session = await connected(world)

    assert [send(world, session, points) for points in (3, 3, 2)] == [True, False, True]
    await world.stop()


async def test_other_messages_of_a_device() -> None:
    world = await world_with(transportDeviceMsgRateLimit="2:10")
    session = await connected(world)  # which is one

    world.door.client_rpc(session, b'{"method":"getSessionLimits"}', lambda _answer: None)
    with pytest.raises(RateLimited, match="more messages than its profile allows") as caught:
        world.door.client_rpc(session, b'{"method":"getSessionLimits"}', lambda _answer: None)

    assert caught.value.retry_after_s == 5
    assert send(world, session)
    await world.stop()


async def test_who_connects_too_often_is_refused() -> None:
    world = await world_with(transportDeviceMsgRateLimit="1:10")
    await connected(world)
    await world.door.activity.report_urgent()
    before = list(world.types())

    with pytest.raises(RateLimited):
        world.door.open(world.devices.by_token["token"], Listener())
    await world.door.activity.report_urgent()

    assert world.types() == before
    await world.stop()


async def test_all_devices_of_a_tenant_together() -> None:
    world = await world_with(transportTenantTelemetryMsgRateLimit="2:1")
    one, two = await connected(world), await connected(world, "other")
    stranger = await connected(world, "stranger", tenant_id=new_id())

    assert [send(world, session) for session in (one, two, one)] == [True, True, False]
    assert send(world, stranger)
    await world.stop()


async def test_what_the_tenant_refuses_is_not_counted_against_the_device() -> None:
    world = await world_with(
        transportTenantTelemetryMsgRateLimit="1:1", transportDeviceTelemetryMsgRateLimit="2:100"
    )
    session = await connected(world)

    taken = [send(world, session), send(world, session)]
    world.clock.advance(1_000)

    assert (taken, send(world, session)) == ([True, False], True)
    await world.stop()


async def test_a_gateway_and_its_devices_have_limits_of_their_own() -> None:
    world = await world_with(
        transportDeviceTelemetryMsgRateLimit="1:100",
        transportGatewayDeviceTelemetryMsgRateLimit="2:100",
        transportGatewayTelemetryMsgRateLimit="3:100",
    )
    gateway = await connected(world, "gateway", is_gateway=True)
    first, second = (
        world.door.open(world.device(token), Listener(), gateway) for token in ("a", "b")
    )

    own = [send(world, gateway) for _ in range(3)]
    theirs = [send(world, session) for session in (first, second, first, second)]

    assert (own, theirs) == ([True, True, False], [True, True, True, False])
    await world.stop()


@pytest.mark.parametrize("kind", [EntityType.TENANT_PROFILE, EntityType.TENANT])
async def test_a_changed_profile_holds_for_open_sessions(kind: EntityType) -> None:
    world = await world_with()
    session = await connected(world)
    before = [send(world, session) for _ in range(5)]

    world.tenant_profile["transportDeviceTelemetryMsgRateLimit"] = "1:1"
    entity_id = world.tenant_id if kind is EntityType.TENANT else new_id()
    world.bus.emit(EntityChanged(None, EntityRef(kind, entity_id), Change.UPDATED))
    await until(lambda: session.limits.is_limited)

    assert before == [True] * 5
    assert [send(world, session), send(world, session)] == [True, False]
    await world.stop()


async def test_a_profile_that_is_saved_unchanged_forgets_nothing() -> None:
    world = await world_with(transportDeviceTelemetryMsgRateLimit="1:100")
    session = await connected(world)
    send(world, session)

    profile = EntityRef(EntityType.TENANT_PROFILE, new_id())
    world.bus.emit(EntityChanged(None, profile, Change.UPDATED))
    await asyncio.sleep(0.01)

    assert not send(world, session)
    await world.stop()


async def test_limits_can_be_switched_off() -> None:
    world = World(MemoryStore(), options=IngestOptions(is_rate_limited=False))
    world.tenant_profile["transportDeviceTelemetryMsgRateLimit"] = "1:100"
    await world.start()
    session = await connected(world)

    assert [send(world, session) for _ in range(3)] == [True] * 3
    await world.stop()


async def test_a_limit_that_cannot_be_read_is_none() -> None:
    world = await world_with(
        transportDeviceTelemetryMsgRateLimit="100 per second",
        transportTenantTelemetryMsgRateLimit="2:1",
    )
    session = await connected(world)

    assert [send(world, session) for _ in range(3)] == [True, True, False]
    await world.stop()


async def test_a_profile_that_changes_while_it_is_read_is_read_again() -> None:
    world = await world_with()
    read = asyncio.Event()
    profile_of = world.door.rates._profile_of

    async def slow(tenant_id: UUID) -> Mapping[str, Any]:
        found = dict(await profile_of(tenant_id))
        await read.wait()
        return found

    world.door.rates._profile_of = slow
    connecting = asyncio.create_task(connected(world))
    await asyncio.sleep(0)
    world.tenant_profile["transportDeviceTelemetryMsgRateLimit"] = "1:1"
    profile = EntityRef(EntityType.TENANT_PROFILE, new_id())
    world.bus.emit(EntityChanged(None, profile, Change.UPDATED))
    read.set()
    session = await connecting

    assert [send(world, session), send(world, session)] == [True, False]
    await world.stop()


async def test_what_was_refused_is_counted_after_its_tenant_is_gone() -> None:
    world = await world_with(transportDeviceTelemetryMsgRateLimit="1:1")
    session = await connected(world)
    for _ in range(3):
        send(world, session)

    tenant = EntityRef(EntityType.TENANT, world.tenant_id)
    world.bus.emit(EntityChanged(world.tenant_id, tenant, Change.DELETED))

    assert world.door.rates.refused == 2
    await world.stop()
