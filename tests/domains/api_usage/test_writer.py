"""What tenants use is stored, and counted on after a restart."""

import asyncio
import logging
from uuid import UUID

import pytest

from fieldline.database.engine import Database
from fieldline.domains.api_usage.counters import Usage
from fieldline.domains.api_usage.months import month_start
from fieldline.domains.api_usage.repository import UsageRepository
from fieldline.domains.api_usage.writer import UsageWriter
from fieldline.kit.clock import ManualClock
from fieldline.kit.errors import Unavailable
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.kit.paging import PageRequest
from fieldline.messaging.backends.memory import MemoryBus
from fieldline.messaging.events import Change, EntityChanged
from tests.people import make_tenant

MONTH_MS = 31 * 24 * 3600 * 1000


class Counting:
    """A process that counts."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.bus = MemoryBus()
        self.usage = Usage(clock.now_ms())
        self.writer = UsageWriter(database, self.usage, clock, self.bus)


async def stored(database: Database, tenant_id: UUID) -> list[tuple[int, int]]:
    """Return month and messages of what is stored."""
    async with database.read() as session:
        uses = await UsageRepository(session).of_tenant(tenant_id, PageRequest())
    return [(use.month_ms, use.counts["transport_messages"]) for use in uses]


async def tenant_of(database: Database, name: str = "A") -> UUID:
    caller = await make_tenant(database, name)
    assert caller.tenant_id is not None
    return caller.tenant_id


async def test_counts_are_added_to_what_is_stored(database: Database, clock: ManualClock) -> None:
    tenant_id, other = await tenant_of(database), await tenant_of(database, "B")
    first = Counting(database, clock)
    await first.writer.start()
    first.usage.of(tenant_id).transport_messages += 3
    await first.writer.flush()
    first.usage.of(tenant_id).transport_messages += 2
    first.usage.of(other).js_executions += 1
    await first.writer.stop()

    second = Counting(database, clock)
    await second.writer.start()

    assert second.usage.of(tenant_id).transport_messages == 5
    assert second.usage.of(other).js_executions == 1
    assert second.usage.unsaved() == []
    await second.writer.stop()
    assert await stored(database, tenant_id) == [(month_start(clock.now_ms()), 5)]


async def test_what_is_counted_while_it_is_stored_is_stored_next(
    database: Database, clock: ManualClock
) -> None:
    tenant_id = await tenant_of(database)
    counting = Counting(database, clock)
    counted = counting.usage.of(tenant_id)
    await counting.writer.flush()
    counted.transport_messages += 1

    flushing = asyncio.create_task(counting.writer.flush())
    while not flushing.done():
        counted.transport_messages += 1
        await asyncio.sleep(0)
    await flushing
    await counting.writer.flush()

    [(_, messages)] = await stored(database, tenant_id)
    assert messages == counted.transport_messages > 1


async def test_a_month_begins_at_0(database: Database, clock: ManualClock) -> None:
    tenant_id = await tenant_of(database)
    counting = Counting(database, clock)
    counted = counting.usage.of(tenant_id)
    counted.transport_messages += 7
    month = month_start(clock.now_ms())

    clock.advance(MONTH_MS)
    await counting.writer.flush()
    counted.transport_messages += 1
    await counting.writer.flush()

    assert counted is counting.usage.of(tenant_id)
    assert await stored(database, tenant_id) == [(month_start(clock.now_ms()), 1), (month, 7)]


async def test_a_clock_that_is_put_back_goes_on_with_the_month_before(
    database: Database, clock: ManualClock
) -> None:
    tenant_id = await tenant_of(database)
    counting = Counting(database, clock)
    counting.usage.of(tenant_id).transport_messages += 7
    await counting.writer.flush()

    clock.advance(MONTH_MS)
    await counting.writer.flush()
    clock.advance(-MONTH_MS)
    await counting.writer.flush()

    assert counting.usage.of(tenant_id).transport_messages == 7
    assert counting.usage.unsaved() == []


async def test_nothing_is_lost_while_the_database_is_away(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant_id = await tenant_of(database)
    counting = Counting(database, clock)
    counting.usage.of(tenant_id).transport_messages += 7
    month = month_start(clock.now_ms())

    async def away(*_args: object) -> set[UUID]:
        raise Unavailable("away")

    with monkeypatch.context() as context:
        context.setattr(UsageRepository, "add", away)
        with pytest.raises(Unavailable):
            await counting.writer.flush()
        clock.advance(MONTH_MS)
        with pytest.raises(Unavailable):
            await counting.writer.flush()
    counting.usage.of(tenant_id).transport_messages += 1
    await counting.writer.flush()

    assert await stored(database, tenant_id) == [(month_start(clock.now_ms()), 1), (month, 7)]


async def test_nothing_is_stored_of_tenants_that_are_gone(
    database: Database, clock: ManualClock
) -> None:
    counting = Counting(database, clock)
    told, untold = new_id(), new_id()
    for tenant_id in (told, untold):
        counting.usage.of(tenant_id).transport_messages += 1

    tenant = EntityRef(EntityType.TENANT, told)
    counting.bus.emit(EntityChanged(told, tenant, Change.DELETED))
    assert [use.tenant_id for use in counting.usage.unsaved()] == [untold]
    await counting.writer.flush()

    assert counting.usage.unsaved() == []


async def test_months_end_on_time(database: Database, clock: ManualClock) -> None:
    clock.advance(month_start(clock.now_ms() + MONTH_MS) - clock.now_ms() - 20)
    counting = Counting(database, clock)
    month = counting.usage.month_ms
    await counting.writer.start()

    clock.advance(20)
    async with asyncio.timeout(5):
        while counting.usage.month_ms == month:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.005)

    await counting.writer.stop()


async def test_the_log_tells_of_each_change(
    database: Database, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    tenant_id = await tenant_of(database)
    counting = Counting(database, clock)
    counted = counting.usage.of(tenant_id)
    counted.limits = type(counted.limits)(transport_messages=10)
    caplog.set_level(logging.INFO, "fieldline.domains.api_usage.counters")

    for messages in (7, 1, 1, 1):
        counted.transport_messages += messages
        await counting.writer.flush()
    clock.advance(MONTH_MS)
    await counting.writer.flush()

    states = [record.getMessage().split(" are ")[1].split(" ")[0] for record in caplog.records]
    assert states == ["WARNING", "DISABLED", "ENABLED"]
