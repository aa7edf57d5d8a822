import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.database.engine import Database
from fieldline.domains.alarm import handlers, service
from fieldline.domains.alarm.changes import Change, Clear, Forget, Move, Outcome, Raise, Stored
from fieldline.domains.alarm.models import Alarm
from fieldline.domains.alarm.status import AlarmFilter, Severity
from fieldline.domains.alarm.writer import AlarmWriter
from fieldline.domains.device import service as device_service
from fieldline.kit.errors import Unavailable
from fieldline.kit.ids import EntityRef, new_id
from fieldline.kit.paging import PageRequest
from fieldline.messaging.events import EntityChanged
from tests.domains.alarm.world import World

TYPE = "Too hot"
BY_START = PageRequest(limit=10_000, sort="start_ts", descending=False)


def raising(
    world: World, device: EntityRef, ts_ms: int, severity: Severity = Severity.MAJOR
) -> Raise:
    return Raise(
        world.tenant_id, device, None, TYPE, severity, ts_ms, {"at": ts_ms}, marks={"t": ts_ms}
    )


def clearing(world: World, device: EntityRef, ts_ms: int) -> Clear:
    return Clear(world.tenant_id, device, TYPE, ts_ms, marks={"t": ts_ms})


async def put_all(world: World, *changes: Change) -> list[Stored]:
    stored: list[Stored] = []

    def on_stored(result: Stored | None, error: Exception | None) -> None:
        assert error is None
        assert result is not None
        stored.append(result)

    for change in changes:
        world.alarms.put(change, on_stored)
    await world.alarms.flush()
    return stored


async def alarms_of(world: World, device: EntityRef) -> list[Alarm]:
    async with world.database.read() as session:
        wanted = AlarmFilter(originator_id=device.id)
        return (await service.page(session, world.admin, wanted, BY_START)).items


async def test_raises_renews_and_clears_in_one_batch(world: World) -> None:
    device = await world.device()

    stored = await put_all(
        world,
        raising(world, device, 10),
        raising(world, device, 20),
        clearing(world, device, 30),
        clearing(world, device, 35),
        raising(world, device, 40),
    )

    assert [s.outcome for s in stored] == [
        Outcome.CREATED,
        Outcome.UPDATED,
        Outcome.CLEARED,
        Outcome.UNCHANGED,
        Outcome.CREATED,
    ]
    first, second = await alarms_of(world, device)
    assert (first.start_ts, first.end_ts, first.clear_ts, first.cleared) == (10, 20, 30, True)
    assert (second.start_ts, second.cleared, second.details) == (40, False, {"at": 40})


async def test_a_new_alarm_may_follow_the_clearing_of_a_stored_one_in_one_batch(
    world: World,
) -> None:
    device = await world.device()
    await put_all(world, raising(world, device, 10))

    await put_all(world, clearing(world, device, 20), raising(world, device, 30))

    assert [(a.start_ts, a.cleared) for a in await alarms_of(world, device)] == [
        (10, True),
        (30, False),
    ]


async def test_a_lighter_severity_changes_nothing_and_a_worse_one_does(world: World) -> None:
    device = await world.device()

    stored = await put_all(
        world,
        raising(world, device, 10, Severity.MAJOR),
        raising(world, device, 20, Severity.WARNING),
        raising(world, device, 30, Severity.CRITICAL),
    )

    assert [s.outcome for s in stored] == [
        Outcome.CREATED,
        Outcome.UNCHANGED,
        Outcome.SEVERITY_UPDATED,
    ]
    (alarm,) = await alarms_of(world, device)
    assert (alarm.severity, alarm.end_ts) == ("CRITICAL", 30)


async def test_events_tell_every_change_after_the_commit(world: World) -> None:
    device = await world.device()
    told: list[str] = []
    world.bus.listen(EntityChanged, lambda e: told.append((e.detail or {})["action"]))

    await put_all(world, raising(world, device, 10), clearing(world, device, 20))

    assert told == ["CREATED", "CLEARED"]


async def test_thousands_of_alternations_are_all_stored(world: World) -> None:
    device = await world.device()
    changes = [
        clearing(world, device, ts) if ts % 2 else raising(world, device, ts)
        for ts in range(2, 3002)
    ]

    await put_all(world, *changes)

    alarms = await alarms_of(world, device)
    assert [(a.start_ts, a.clear_ts) for a in alarms] == [(ts, ts + 1) for ts in range(2, 3002, 2)]


async def test_a_user_and_rules_at_once_never_leave_two_active_alarms(world: World) -> None:
    device = await world.device()

    async def by_user(ts_ms: int) -> None:
        async with world.database.write() as session:
            content = service.Content(Severity.MINOR, ts_ms, ts_ms)
            await service.create(session, world.admin, device, TYPE, content, now_ms=ts_ms)

    await asyncio.gather(
        *(by_user(ts) for ts in range(1, 6)),
        *(put_all(world, raising(world, device, ts)) for ts in range(1, 6)),
    )

    assert len(await alarms_of(world, device)) == 1


async def test_the_alarms_of_a_deleted_originator_go(world: World) -> None:
    device, other = await world.device(), await world.device("other")

    await put_all(
        world,
        raising(world, device, 10),
        raising(world, other, 10),
        Forget(world.tenant_id, device),
    )

    assert await alarms_of(world, device) == []
    assert len(await alarms_of(world, other)) == 1


async def test_a_change_that_is_refused_fails_alone(world: World) -> None:
    device = await world.device()
    errors: list[Exception | None] = []
    bad = Raise(device.id, device, None, "x", Severity.MAJOR, 10)  # no such tenant

    for change in (raising(world, device, 10), bad, clearing(world, device, 20)):
        world.alarms.put(change, lambda _stored, error: errors.append(error))
    await world.alarms.flush()

    assert [error is None for error in errors] == [True, False, True]
    assert [a.clear_ts for a in await alarms_of(world, device)] == [20]


async def test_marks_say_what_is_active_and_decided(world: World) -> None:
    device = await world.device()
    await put_all(world, raising(world, device, 10), clearing(world, device, 20))
    await put_all(world, raising(world, device, 30), raising(world, device, 40))

    async with world.database.read() as session:
        marks = await service.rule_marks(session, [device.id])

    mark = marks[device.id, TYPE]
    assert (mark.active_severity, mark.decided) == ("MAJOR", {"t": 40})


class Away(Database):
    """A database that is away a few times: before a commit, or after it, its answer lost."""

    def __init__(self, world: World, *, before: int = 0, after: int = 0) -> None:
        super().__init__(world.database.url)
        self.gate = world.database.gate
        self.before = before
        self.after = after

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        if self.before:
            self.before -= 1
            raise Unavailable("away")
        async with super().write() as session:
            yield session
        if self.after:
            self.after -= 1
            raise Unavailable("gone before it answered")


@pytest.mark.parametrize(("before", "after"), [(2, 0), (0, 2), (1, 1)])
async def test_waits_for_a_database_that_is_away_and_does_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch, before: int, after: int
) -> None:
    monkeypatch.setattr("fieldline.domains.alarm.writer._FIRST_PAUSE_S", 0.0)
    device = await world.device()
    database = Away(world, before=before, after=after)
    flaky = replace(world, alarms=AlarmWriter(database, world.clock))
    await flaky.alarms.start()

    stored = await put_all(
        flaky, raising(world, device, 10), clearing(world, device, 20), raising(world, device, 30)
    )
    database.after = after
    stored += await put_all(flaky, clearing(world, device, 40))
    await flaky.alarms.stop()
    await database.close()

    assert [s.outcome.value for s in stored] == ["CREATED", "CLEARED", "CREATED", "CLEARED"]
    assert [(a.start_ts, a.clear_ts) for a in await alarms_of(world, device)] == [
        (10, 20),
        (30, 40),
    ]


async def test_an_alarm_outlives_the_customer_that_it_was_meant_for(world: World) -> None:
    device = await world.device()
    change = replace(raising(world, device, 10), customer_id=new_id())

    (stored,) = await put_all(world, change)

    assert stored.outcome is Outcome.CREATED
    assert [a.customer_id for a in await alarms_of(world, device)] == [None]


async def test_active_alarms_follow_a_device_to_another_customer(world: World) -> None:
    handlers.listen(world.bus, world.alarms)
    former, new = world.customer.customer_id, world.other_customer.customer_id
    device = await world.device(fields={"customer_id": former})
    cleared, active = (
        replace(raising(world, device, ts_ms), customer_id=former) for ts_ms in (10, 30)
    )
    await put_all(world, cleared, clearing(world, device, 20), active)

    async with world.database.write() as session:
        assert new is not None
        await device_service.assign(session, world.admin, device.id, new)
    await put_all(world, raising(world, device, 40))

    assert [a.customer_id for a in await alarms_of(world, device)] == [former, new]

    async with world.database.write() as session:
        await device_service.unassign(session, world.admin, device.id)
    await world.alarms.flush()

    assert [a.customer_id for a in await alarms_of(world, device)] == [former, None]


async def test_a_move_to_a_customer_that_is_gone_shows_the_alarm_to_none(world: World) -> None:
    device = await world.device()
    await put_all(
        world, replace(raising(world, device, 10), customer_id=world.customer.customer_id)
    )

    await put_all(world, Move(world.tenant_id, device, new_id()))

    assert [a.customer_id for a in await alarms_of(world, device)] == [None]
