"""Who is connected, who is told what, and when a session ends."""

import pytest

from fieldline.ingest.parts import IngestOptions
from fieldline.ingest.session import CloseReason
from fieldline.kit.errors import Unavailable
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.values import JsonText
from fieldline.messaging.events import AttributesSaved, Change, EntityChanged, KeysDeleted
from fieldline.timeseries.backends.memory import MemoryStore
from tests.ingest.world import Listener, World


async def test_a_new_connection_takes_over_the_older_one(world: World) -> None:
    device = world.device()
    older, newer = Listener(), Listener()
    first = world.door.open(device, older)

    second = world.door.open(device, newer)
    world.door.close(first)
    await world.door.activity.report()

    assert older.closed == [CloseReason.TAKEN_OVER]
    assert newer.closed == []
    assert not first.is_open
    assert second.is_open
    assert world.types().count("CONNECT_EVENT") == 2
    assert "DISCONNECT_EVENT" not in world.types()


async def test_the_last_connection_going_is_one_disconnect_event(world: World) -> None:
    session = world.door.open(world.device(), Listener())

    world.door.close(session)
    world.door.close(session)
    await world.door.activity.report()

    assert world.types() == ["CONNECT_EVENT", "DISCONNECT_EVENT", "ACTIVITY_EVENT"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (Change.DELETED, CloseReason.DEVICE_DELETED),
        (Change.CREDENTIALS_UPDATED, CloseReason.CREDENTIALS_CHANGED),
    ],
)
async def test_a_change_of_the_device_closes_its_sessions(
    world: World, change: Change, reason: CloseReason
) -> None:
    device, other = world.device("a"), world.device("b")
    connected, polling, untouched = Listener(), Listener(), Listener()
    world.door.open(device, connected)
    world.door.subscribe_attributes(world.door.brief(device, polling))
    world.door.open(other, untouched)

    world.bus.emit(EntityChanged(device.tenant_id, device.ref, change))

    assert connected.closed == [reason]
    assert polling.closed == [reason]
    assert untouched.closed == []


async def test_a_deleted_tenant_closes_the_sessions_of_its_devices(world: World) -> None:
    listener = Listener()
    world.door.open(world.device(), listener)
    tenant = EntityRef(EntityType.TENANT, world.tenant_id)

    world.bus.emit(EntityChanged(world.tenant_id, tenant, Change.DELETED))

    assert listener.closed == [CloseReason.DEVICE_DELETED]


async def test_an_update_of_the_device_closes_nothing(world: World) -> None:
    device, listener = world.device(), Listener()
    world.door.open(device, listener)

    world.bus.emit(EntityChanged(device.tenant_id, device.ref, Change.UPDATED))

    assert listener.closed == []


async def test_a_stop_closes_every_session(world: World) -> None:
    listeners = [Listener(), Listener()]
    world.door.open(world.device("a"), listeners[0])
    world.door.subscribe_attributes(world.door.brief(world.device("b"), listeners[1]))
    await world.door.start()

    await world.door.stop()

    assert [listener.closed for listener in listeners] == [[CloseReason.SERVER_STOPPING]] * 2


async def test_more_sessions_than_allowed_are_refused_but_a_takeover_is_not() -> None:
    world = World(MemoryStore(), options=IngestOptions(sessions=1))
    device = world.device("a")
    world.door.open(device, Listener())

    with pytest.raises(Unavailable):
        world.door.open(world.device("b"), Listener())
    assert world.door.open(device, Listener()).is_open


async def test_shared_attributes_are_pushed_to_who_subscribed(world: World) -> None:
    device, listener = world.device(), Listener()
    session = world.door.open(device, listener)
    saved = AttributesSaved(
        device.tenant_id, device.ref, "SHARED_SCOPE", 5, {"a": 1, "j": JsonText('{"b":[1]}')}
    )

    world.bus.emit(saved)
    world.door.subscribe_attributes(session)
    world.bus.emit(saved)
    world.bus.emit(KeysDeleted(device.tenant_id, device.ref, "SHARED_SCOPE", ("a",)))
    world.door.unsubscribe_attributes(session)
    world.bus.emit(saved)

    assert listener.pushes == [({"a": 1, "j": {"b": [1]}}, []), ({}, ["a"])]


@pytest.mark.parametrize(
    ("scope", "notify"), [("SHARED_SCOPE", False), ("SERVER_SCOPE", True), ("CLIENT_SCOPE", True)]
)
async def test_nothing_else_is_pushed(world: World, scope: str, notify: bool) -> None:
    device, listener = world.device(), Listener()
    world.door.subscribe_attributes(world.door.open(device, listener))

    world.bus.emit(
        AttributesSaved(device.tenant_id, device.ref, scope, 5, {"a": 1}, notify_device=notify)
    )
    world.bus.emit(KeysDeleted(device.tenant_id, device.ref, scope, ("a",), notify_device=notify))

    assert listener.pushes == []


async def test_a_closed_session_is_not_pushed_to(world: World) -> None:
    device, listener = world.device(), Listener()
    session = world.door.open(device, listener)
    world.door.subscribe_attributes(session)
    world.door.close(session)
    world.door.subscribe_attributes(session)

    world.bus.emit(AttributesSaved(device.tenant_id, device.ref, "SHARED_SCOPE", 5, {"a": 1}))

    assert listener.pushes == []
