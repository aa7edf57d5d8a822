"""Chains as tenants store them, run by the engine into a real writer."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import pytest

from fieldline.database.engine import Database
from fieldline.domains.rule_chain import metadata, service
from fieldline.domains.rule_chain.graph import GraphDraft, Link, NodeDraft
from fieldline.domains.tenant import service as tenant_service
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.kit.clock import ManualClock
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.messaging.events import EntityChanged
from fieldline.rules.loader import GraphLoader
from fieldline.rules.registry import discover
from fieldline.security.caller import Authority, Caller
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.timeseries.store import Point, Scope
from fieldline.timeseries.writer import TimeseriesWriter
from tests.rules.support import Record, World, message_of
from tests.waiting import until

SYS_ADMIN = Caller(new_id(), Authority.SYS_ADMIN)
SAVE = "org.thingsboard.rule.engine.telemetry.TbMsgTimeseriesNode"


class Stored(World):
    """The world of rules over a database and a store."""

    database: Database
    store: MemoryStore
    admin: Caller

    @property
    def tenant_id(self) -> UUID:
        assert self.admin.tenant_id is not None
        return self.admin.tenant_id


@pytest.fixture
async def world(database: Database, clock: ManualClock) -> AsyncIterator[Stored]:
    store = MemoryStore()
    writer = TimeseriesWriter(store, clock, on_readings=_ignore, on_attributes=_ignore)
    world = Stored(clock=clock, writer=writer)
    world.database, world.store = database, store
    world.load = GraphLoader(database, _no_profile, world.usage)  # type: ignore[method-assign]
    world.start_engine()
    database._emit = world.bus.emit
    world.bus.listen(EntityChanged, world.engine.on_entity_changed)
    async with database.write() as session:
        await tenant_profile_service.seed(session)
        tenant = await tenant_service.create(
            session, SYS_ADMIN, {"title": "T"}, seeders=[metadata.seed]
        )
    world.admin = Caller(new_id(), Authority.TENANT_ADMIN, tenant.id)
    writer.start()
    yield world
    await world.stop()
    await writer.stop()


async def test_the_default_chain_stores_telemetry_and_client_attributes(world: Stored) -> None:
    device = EntityRef(EntityType.DEVICE, new_id())
    receipts = []
    for kind, data in (("TELEMETRY", {"t": 21.5}), ("ATTRIBUTES", {"fw": "v1.2"})):
        message, receipt = message_of(
            data, type=f"POST_{kind}_REQUEST", originator=device, tenant_id=world.tenant_id
        )
        receipts.append(receipt)
        world.publish(message)
    await until(lambda: all(receipt.is_done for receipt in receipts))

    assert await world.store.latest(device.id) == {"t": Point(1_700_000_000_000, 21.5)}
    stored = await world.store.attributes(device.id, Scope.CLIENT)
    assert [(attribute.key, attribute.value) for attribute in stored] == [("fw", "v1.2")]
    assert world.engine.failures.count == 0


async def test_a_chain_that_is_saved_is_run_from_then_on(world: Stored) -> None:
    root = await _root(world)
    await world.ready(world.tenant_id)
    draft = GraphDraft(
        nodes=[
            NodeDraft(
                type="org.thingsboard.rule.engine.filter.TbJsFilterNode",
                name="only warm",
                configuration={"scriptLang": "JS", "jsScript": "return msg.t > 20;"},
            ),
            NodeDraft(type=SAVE, name="save"),
        ],
        links=[Link(0, 1, "True")],
        first_node_index=0,
    )

    async with world.database.write() as session:
        await metadata.save(
            session, world.admin, root, draft, catalogue=discover(), now_ms=world.clock.now_ms()
        )
    await until(lambda: not world.engine._tenants._tasks)
    device = EntityRef(EntityType.DEVICE, new_id())
    receipts = []
    for ts_ms, temperature in ((1, 19), (2, 21), (3, 20)):
        message, receipt = message_of(
            {"t": temperature}, originator=device, tenant_id=world.tenant_id, ts_ms=ts_ms
        )
        receipts.append(receipt)
        world.publish(message)
    await until(lambda: all(receipt.is_done for receipt in receipts))

    assert await world.store.latest(device.id) == {"t": Point(2, 21)}


async def test_a_devices_profile_names_its_chain(world: Stored) -> None:
    async with world.database.write() as session:
        chain = await service.create(session, world.admin, {"name": "quiet"})
    device = EntityRef(EntityType.DEVICE, new_id())
    world.devices.cached[device.id] = Record(chain.id)
    message, receipt = message_of({"t": 1}, originator=device, tenant_id=world.tenant_id)

    world.publish(message)
    await until(lambda: receipt.is_done)

    assert await world.store.latest(device.id) == {}
    assert world.engine.failures.count == 0


async def test_another_root_takes_over(world: Stored) -> None:
    await world.ready(world.tenant_id)
    async with world.database.write() as session:
        chain = await service.create(session, world.admin, {"name": "empty"})
    async with world.database.write() as session:
        await service.set_root(session, world.admin, chain.id)
    await until(lambda: not world.engine._tenants._tasks)
    device = EntityRef(EntityType.DEVICE, new_id())
    message, receipt = message_of({"t": 1}, originator=device, tenant_id=world.tenant_id)

    world.publish(message)
    await until(lambda: receipt.is_done)

    assert await world.store.latest(device.id) == {}


async def _root(world: Stored) -> UUID:
    async with world.database.read() as session:
        return next(g.id for g in await metadata.graphs(session, world.tenant_id) if g.is_root)


async def _no_profile(_tenant_id: UUID) -> Mapping[str, Any]:
    return {}


def _ignore(*_event: object) -> None:
    """Tell nobody."""
