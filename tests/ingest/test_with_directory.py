"""The door over the real directory and databases: log in, changed credentials, deleted devices."""

from collections.abc import AsyncIterator

import pytest

from fieldline.ingest.session import CloseReason
from fieldline.kit.errors import Unauthenticated
from fieldline.timeseries.backends.memory import MemoryStore
from tests.domains.device import factory
from tests.ingest.world import Acks, Listener, World


@pytest.fixture
async def platform(database_url: str) -> AsyncIterator[factory.World]:
    async with factory.make_world(database_url) as platform:
        yield platform


@pytest.fixture
async def world(platform: factory.World) -> AsyncIterator[World]:
    world = World(MemoryStore(), bus=platform.bus, directory=platform.directory)
    await world.start()
    yield world
    await world.stop()


async def test_a_device_logs_in_and_its_message_says_who_it_is(
    platform: factory.World, world: World
) -> None:
    device = await platform.device("meter", token="secret")
    record = await world.door.authenticate_token("secret")

    world.door.telemetry(world.door.open(record, Listener()), b'{"k":1}', Acks().receipt())

    (message,) = world.messages
    assert message.originator.id == device.id
    assert message.tenant_id == platform.tenant_id
    assert message.metadata["deviceName"] == "meter"
    assert message.metadata["deviceType"] == "default"


async def test_a_new_device_is_stored_as_inactive(platform: factory.World, world: World) -> None:
    await platform.device("meter", token="secret")

    record = await world.door.authenticate_mqtt("any", "secret", None)

    assert await world.server_attributes(record) == {"active": False}


async def test_new_credentials_close_the_session_and_the_old_ones_fail(
    platform: factory.World, world: World
) -> None:
    device = await platform.device("meter", token="secret")
    listener = Listener()
    world.door.open(await world.door.authenticate_token("secret"), listener)

    await platform.replace_credentials(device.id, "ACCESS_TOKEN", "another")

    assert listener.closed == [CloseReason.CREDENTIALS_CHANGED]
    with pytest.raises(Unauthenticated):
        await world.door.authenticate_token("secret")
    assert (await world.door.authenticate_token("another")).id == device.id


async def test_a_deleted_device_is_out_and_stays_out(platform: factory.World, world: World) -> None:
    device = await platform.device("meter", token="secret")
    listener = Listener()
    record = await world.door.authenticate_token("secret")
    world.door.open(record, listener)

    await platform.delete(device.id)

    assert listener.closed == [CloseReason.DEVICE_DELETED]
    with pytest.raises(Unauthenticated):
        await world.door.authenticate_token("secret")
    with pytest.raises(Unauthenticated):
        world.door.open(record, Listener())


async def test_a_renamed_device_has_its_new_name_in_the_next_message(
    platform: factory.World, world: World
) -> None:
    device = await platform.device("meter", token="secret")
    session = world.door.open(await world.door.authenticate_token("secret"), Listener())

    await platform.update(device.id, name="cellar")
    await platform.directory.by_id(device.id)
    world.door.telemetry(session, b'{"k":1}', Acks().receipt())

    assert world.messages[-1].metadata["deviceName"] == "cellar"
