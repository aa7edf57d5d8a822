"""What is stored of an entity goes after the entity."""

from uuid import UUID

from fieldline.domains.customer import service as customer_service
from fieldline.domains.purge.handlers import Purger
from fieldline.domains.tenant import service as tenant_service
from fieldline.domains.user import credentials
from fieldline.domains.user import service as user_service
from fieldline.security.caller import Authority
from fieldline.security.tokens import Tokens
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.timeseries.store import AttributeWrite, ReadingsWrite, Scope, WriteBatch
from tests.domains.device.factory import World
from tests.people import SYS_ADMIN


async def _store_something(store: MemoryStore, *device_ids: UUID) -> None:
    for device_id in device_ids:
        readings = [ReadingsWrite(device_id, 1, {"temp": 20.5})]
        attributes = [AttributeWrite(device_id, Scope.SERVER, {"active": True}, 1)]
        await store.write(WriteBatch(readings, attributes))


async def test_the_readings_of_a_deleted_device_are_purged(world: World) -> None:
    store = MemoryStore()
    gone, kept = await world.device("gone"), await world.device("kept")
    await _store_something(store, gone.id, kept.id)
    purger = Purger(world.database, store, world.bus, grace_s=0)

    await world.delete(gone.id)
    purged = await purger.purge()

    assert purged == 1
    assert await store.latest(gone.id) == {}
    assert await store.attributes(gone.id, Scope.SERVER) == []
    assert set(await store.latest(kept.id)) == {"temp"}
    assert await purger.purge() == 0


async def test_the_readings_of_a_deleted_tenant_are_purged(world: World) -> None:
    store = MemoryStore()
    device = await world.device()
    await _store_something(store, device.id)
    purger = Purger(world.database, store, world.bus, grace_s=0)

    async with world.database.write() as session:
        tokens = Tokens(b"k" * 64)
        await tenant_service.delete(session, SYS_ADMIN, world.tenant_id, tokens=tokens)
    await purger.purge()

    assert await store.latest(device.id) == {}


async def test_what_an_earlier_run_left_is_purged_at_the_start(world: World) -> None:
    purged: list[UUID] = []

    class Watched(MemoryStore):
        async def purge(self, entity_id: UUID) -> None:
            purged.append(entity_id)

    device = await world.device()
    await world.delete(device.id)
    purger = Purger(world.database, Watched(), world.bus, grace_s=0)

    await purger.start()
    while await purger.purge():
        pass
    await purger.stop()

    assert set(purged) == {device.id}


async def test_a_deleted_customer_goes_with_its_users_and_their_attributes(world: World) -> None:
    store = MemoryStore()
    async with world.database.write() as session:
        user = await user_service.create(
            session,
            world.admin,
            {"email": "somebody@example.org"},
            {
                "authority": Authority.CUSTOMER_USER,
                "tenant_id": None,
                "customer_id": world.customer.customer_id,
            },
            credentials.active("hash"),
        )
    customer_id = world.customer.customer_id
    assert customer_id is not None
    await _store_something(store, user.id, customer_id)
    purger = Purger(world.database, store, world.bus, grace_s=0)

    async with world.database.write() as session:
        tokens = Tokens(b"k" * 64)
        await customer_service.delete(session, world.admin, customer_id, tokens=tokens)
    await purger.purge()

    assert await store.latest(user.id) == {}
    assert await store.latest(customer_id) == {}
