"""Events are stored soon and in order, and never in anybody's way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.app.retention import DAY_MS, Retention, events
from fieldline.database.engine import Database
from fieldline.domains.event import writer as event_writer
from fieldline.domains.event.events import EventsStored
from fieldline.domains.event.quota import Quota
from fieldline.domains.event.record import EventType
from fieldline.domains.event.writer import OVER_QUOTA, EventLimits, EventWriter
from fieldline.kit.errors import Invalid, Unavailable
from fieldline.kit.ids import new_id
from tests.domains.event.conftest import Debugged
from tests.domains.support import on_sqlite
from tests.waiting import until


class SlowDatabase(Database):
    """A database that commits when the test lets it, or is away."""

    held: asyncio.Event
    is_away = False

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        await self.held.wait()
        if self.is_away:
            raise Unavailable("away")
        async with super().write() as session:
            yield session


@asynccontextmanager
async def _slow(
    debugged: Debugged, **limits: Any
) -> AsyncIterator[tuple[SlowDatabase, EventWriter]]:
    database = SlowDatabase(debugged.platform.services.database.url)
    database.held = asyncio.Event()
    writer = EventWriter(database, debugged.platform.clock, EventLimits(**limits))
    await writer.start()
    yield database, writer
    database.held.set()
    await writer.stop()
    await database.close()


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_writer, "PAUSE_S", 0)
    monkeypatch.setattr(event_writer, "_FIRST_PAUSE_S", 0.001)


async def test_thousands_are_stored_in_batches(debugged: Debugged) -> None:
    stored: list[EventsStored] = []
    debugged.platform.bus.listen(EventsStored, stored.append)
    await debugged.stored(*(debugged.record(created_time=time) for time in range(2_500)))

    times = [record.created_time for event in stored for record in event.records]
    assert times == list(range(2_500))
    assert [len(event.records) for event in stored] == [500] * 5
    assert debugged.writer.counts.stored == 2_500
    shown = await debugged.shown("?limit=1")
    assert [event["created_time"] for event in shown] == [2_499]


async def test_a_slow_store_drops_what_is_beyond_the_buffer_and_says_so(
    debugged: Debugged,
) -> None:
    async with _slow(debugged, max_waiting_bytes=100 * 1_024) as (database, writer):
        for _ in range(5_000):
            writer.put(debugged.record(data="x" * 500))
        assert writer.counts.dropped > 4_800
        database.held.set()
        await writer.flush()

    notes = await debugged.shown("?type=DEBUG_RULE_CHAIN")
    texts = [note["name"] for note in notes]
    assert texts == [f"{writer.counts.dropped} events were not recorded: the store was too slow"]
    assert writer.counts.stored + writer.counts.dropped == 5_001


async def test_a_database_that_is_away_is_waited_for(debugged: Debugged) -> None:
    async with _slow(debugged) as (database, writer):
        database.is_away = True
        database.held.set()
        writer.put(debugged.record())
        await asyncio.sleep(0.01)
        assert writer.counts.stored == 0
        database.is_away = False
        await writer.flush()

    assert len(await debugged.shown()) == 1


async def test_what_is_of_a_deleted_chain_is_left_out(debugged: Debugged) -> None:
    gone = debugged.record(rule_chain_id=new_id())
    await debugged.stored(gone, debugged.record())

    assert len(await debugged.shown()) == 1
    assert debugged.writer.counts.stored == 1


@on_sqlite
async def test_a_tenant_over_its_quota_is_told_once(debugged: Debugged) -> None:
    async with _slow(debugged, quota=Quota(count=3, seconds=60)) as (database, writer):
        database.held.set()
        admitted = [writer.admits(debugged.tenant.id, debugged.chain_id) for _ in range(5)]
        assert admitted == [True] * 3 + [False] * 2
        await writer.flush()
        assert writer.counts.over_quota == 2

        notes = await debugged.shown("?type=DEBUG_RULE_CHAIN")
        assert [note["name"] for note in notes] == [OVER_QUOTA]


@on_sqlite
async def test_another_tenant_has_a_quota_of_its_own(debugged: Debugged) -> None:
    async with _slow(debugged, quota=Quota(count=1, seconds=60)) as (_database, writer):
        assert writer.admits(debugged.tenant.id, debugged.chain_id)
        assert writer.admits(new_id(), new_id())


@on_sqlite
async def test_a_quota_begins_anew_after_its_time(debugged: Debugged) -> None:
    async with _slow(debugged, quota=Quota(count=1, seconds=60)) as (_database, writer):
        assert writer.admits(debugged.tenant.id, debugged.chain_id)
        assert not writer.admits(debugged.tenant.id, debugged.chain_id)
        debugged.platform.clock.advance(60_000)
        assert writer.admits(debugged.tenant.id, debugged.chain_id)


@pytest.mark.parametrize("text", ["", "5", "5:", ":5", "0:5", "5:0", "-1:5", "a:b", "1:2:3"])
def test_a_quota_that_is_none(text: str) -> None:
    with pytest.raises(Invalid, match="expected count:seconds"):
        Quota.parse(text)


def test_a_quota_is_read() -> None:
    assert Quota.parse("50000:3600") == Quota(50_000, 3_600)


async def test_old_events_are_deleted(debugged: Debugged) -> None:
    clock = debugged.platform.clock
    now_ms = clock.now_ms()
    times = [now_ms - 8 * DAY_MS] * 600 + [now_ms - 6 * DAY_MS]
    await debugged.stored(*(debugged.record(created_time=time) for time in times))
    aging = events(debugged.platform.services.database, 7)

    assert await Retention(clock, aging).expire(aging) == 600
    assert [event["created_time"] for event in await debugged.shown()] == [now_ms - 6 * DAY_MS]


@on_sqlite
async def test_a_stop_stores_what_waits(debugged: Debugged) -> None:
    for _ in range(3):
        debugged.writer.put(debugged.record(type=EventType.DEBUG_RULE_NODE))
    await debugged.writer.stop()

    await until(lambda: debugged.writer.counts.stored == 3)
