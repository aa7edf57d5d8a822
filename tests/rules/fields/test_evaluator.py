import csv
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from fieldline.domains.alarm import service as alarm_service
from fieldline.domains.alarm.status import Severity
from fieldline.domains.calculated_field import service as field_service
from fieldline.domains.calculated_field.configuration import AlarmConfiguration
from fieldline.domains.customer import service as customer_service
from fieldline.domains.device import service as device_service
from fieldline.domains.device.fields import DeviceFields
from fieldline.kit.errors import Unavailable
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.messaging.events import KeysDeleted
from fieldline.security.tokens import Tokens
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.timeseries.store import Point, Scope
from tests.domains.alarm.world import World
from tests.rules.fields.process import add_rule, alarms_of, running
from tests.rules.fields.rules import (
    asking,
    attribute,
    configuration,
    over,
    predicate,
    rule,
    series,
)

CO2 = Path(__file__).parent / "data" / "co2.csv"
T0 = 1_600_000_000_000


def co2_readings() -> list[tuple[int, float]]:
    with CO2.open() as file:
        rows = list(csv.DictReader(file))
    return [
        (
            int(datetime.fromisoformat(f"{row['date']}+01:00").timestamp() * 1000),
            float(row["co2"]),
        )
        for row in rows
    ]


def scan(readings: list[tuple[int, float]], limit: float) -> list[tuple[int, int]]:
    """Find (start, clear) of each alarm; clear 0 while it is active."""
    found: list[tuple[int, int]] = []
    for ts_ms, value in readings:
        is_active = bool(found) and found[-1][1] == 0
        if value > limit and not is_active:
            found.append((ts_ms, 0))
        elif value <= limit and is_active:
            found[-1] = (found[-1][0], ts_ms)
    return found


@asynccontextmanager
async def alarms_locked(world: World) -> AsyncIterator[None]:
    """Keep everybody from storing alarms."""
    if world.database.is_sqlite:
        async with world.database.gate.enter():
            yield
    else:
        async with world.database.write() as session:
            await session.execute(text("LOCK TABLE alarm IN ACCESS EXCLUSIVE MODE"))
            yield


async def times(world: World, device: EntityRef) -> list[tuple[int, int]]:
    return [(a.start_ts, a.clear_ts) for a in await alarms_of(world, device)]


async def test_values_of_an_entity_without_rules_are_stored_at_once(world: World) -> None:
    device = await world.device()
    async with running(world, MemoryStore()) as process:
        process.send(device, T0, co2=5000)

        assert process.evaluator.entity_count == 0
        await process.settle(1)

    assert await alarms_of(world, device) == []


async def test_an_office_raises_and_clears_as_its_file_says(world: World) -> None:
    device = await world.device()
    await add_rule(world, device, over("co2", 1000), "High CO2")
    readings = co2_readings()
    async with running(world, MemoryStore()) as process:
        for ts_ms, value in readings:
            process.send(device, ts_ms, co2=value)
        await process.settle(len(readings))

    assert await times(world, device) == scan(readings, 1000)
    assert process.acknowledged == [ts_ms for ts_ms, _value in readings]
    last = (await alarms_of(world, device))[-1]
    assert (last.type, last.severity) == ("High CO2", "CRITICAL")
    assert str(last.details["data"]).startswith("co2 is 1") if last.details else False


async def test_a_restart_in_the_middle_of_a_file_makes_no_difference(world: World) -> None:
    """The first process dies with everything after the 400th acknowledgement unacknowledged."""
    device = await world.device()
    await add_rule(world, device, over("co2", 1000))
    readings = co2_readings()
    first_store, store = MemoryStore(), MemoryStore()
    async with running(world, first_store) as first:
        for ts_ms, value in readings[:700]:
            first.send(device, ts_ms, co2=value)
        await first.settle(700)
    async with running(world, store) as second:
        second.writer.save_readings(
            world.tenant_id, device, readings[399][0], {"co2": readings[399][1]}
        )
        for ts_ms, value in readings[400:]:
            second.send(device, ts_ms, co2=value)
        await second.settle(len(readings) - 400)

    assert await times(world, device) == scan(readings, 1000)


async def test_a_burst_of_alternations_is_exact(world: World) -> None:
    device = await world.device()
    await add_rule(world, device, over("co2", 1000))
    readings = [(T0 + n, 2000.0 if n % 3 == 0 else 500.0) for n in range(3000)]
    async with running(world, MemoryStore()) as process:
        for ts_ms, value in readings:
            process.send(device, ts_ms, co2=value)
        await process.settle(len(readings))

    assert await times(world, device) == scan(readings, 1000)
    assert process.acknowledged == [ts_ms for ts_ms, _value in readings]
    told = [(m.type, m.metadata) for m in process.messages[:2]]
    assert told == [
        ("ALARM_CREATED", {"isNewAlarm": "true"}),
        ("ALARM_CLEAR", {"isClearedAlarm": "true"}),
    ]


async def test_a_reading_is_stored_and_acknowledged_only_after_its_alarm(world: World) -> None:
    device = await world.device()
    await add_rule(world, device, over("co2", 1000))
    store = MemoryStore()
    async with running(world, store) as process:
        process.send(device, T0, co2=1)
        await process.settle(1)
        async with alarms_locked(world):
            process.send(device, T0 + 1, co2=2000)
            process.send(device, T0 + 2, co2=1500)
            await process.writer.flush()

            assert process.acknowledged == [T0]
            assert (await store.latest(device.id))["co2"].ts_ms == T0
        await process.settle(3)

    assert process.acknowledged == [T0, T0 + 1, T0 + 2]


async def test_rules_of_the_profile_hold_for_its_devices_and_follow_it(world: World) -> None:
    device = await world.device()
    profile_id = await world.profile_id(device)
    other = await world.device("other", {"type": "silo"})
    await add_rule(world, EntityRef(EntityType.DEVICE_PROFILE, profile_id), over("co2", 1000))
    async with running(world, MemoryStore()) as process:
        process.send(device, T0, profile_id, co2=2000)
        process.send(other, T0, await world.profile_id(other), co2=2000)
        await process.settle(2)
        async with world.database.write() as session:
            await device_service.update(session, world.admin, device.id, {"type": "silo"})
        process.send(device, T0 + 1, await world.profile_id(device), co2=1)
        await process.settle(3)

    assert await times(world, device) == [(T0, 0)]
    assert await times(world, other) == []


async def test_a_new_rule_and_a_changed_one_count_from_the_next_reading(world: World) -> None:
    device = await world.device()
    async with running(world, MemoryStore()) as process:
        process.send(device, T0, co2=2000)
        rule_id = await add_rule(world, device, over("co2", 1000))
        process.send(device, T0 + 1, co2=2000)
        await process.settle(2)
        fields = field_service.AlarmRuleFields(device, "Alarm", over("co2", 3000))
        async with world.database.write() as session:
            await field_service.update(session, world.admin, rule_id, fields)
        process.send(device, T0 + 2, co2=2000)
        await process.settle(3)
        async with world.database.write() as session:
            await field_service.delete(session, world.admin, rule_id)
        process.send(device, T0 + 3, co2=5000)
        await process.settle(4)

    assert await times(world, device) == [(T0 + 1, T0 + 2)]


async def test_what_a_user_clears_or_deletes_is_raised_again(world: World) -> None:
    device = await world.device()
    await add_rule(world, device, over("co2", 1000))
    async with running(world, MemoryStore()) as process:
        process.send(device, T0, co2=2000)
        await process.settle(1)
        (alarm,) = await alarms_of(world, device)
        async with world.database.write() as session:
            await alarm_service.clear(session, world.admin, alarm.id, now_ms=T0 + 5)
        process.send(device, T0 + 1, co2=2000)
        process.send(device, T0 + 2, co2=1)
        await process.settle(3)

    assert await times(world, device) == [(T0, T0 + 5), (T0 + 1, T0 + 2)]


async def test_an_alarm_that_a_user_created_is_cleared_by_the_rule(world: World) -> None:
    device = await world.device()
    await add_rule(world, device, over("co2", 1000))
    async with running(world, MemoryStore()) as process:
        process.send(device, T0, co2=1)
        await process.settle(1)
        content = alarm_service.Content(Severity.MINOR, T0, T0)
        async with world.database.write() as session:
            await alarm_service.create(session, world.admin, device, "Alarm", content, now_ms=T0)
        process.send(device, T0 + 2, co2=1)
        await process.settle(2)

    assert await times(world, device) == [(T0, T0 + 2)]


def by_threshold() -> AlarmConfiguration:
    return configuration(
        {"t": series("t"), "limit": attribute("limit", default="25")},
        {"MAJOR": rule(asking("t", predicate("NUMERIC", "GREATER", argument="limit")))},
        rule(asking("t", predicate("NUMERIC", "LESS_OR_EQUAL", argument="limit"))),
    )


async def test_an_attribute_moves_the_threshold_and_its_deletion_brings_the_default_back(
    world: World,
) -> None:
    device = await world.device()
    await add_rule(world, device, by_threshold())
    store = MemoryStore()
    async with running(world, store) as process:
        process.send(device, T0, t=30)
        await process.settle(1)
        process.set(device, limit=40)
        await process.settle(1)
        assert [cleared for _start, cleared in await times(world, device)] == [world.clock.now_ms()]
        await store.delete_attributes(device.id, Scope.SERVER, ("limit",))
        world.bus.emit(KeysDeleted(world.tenant_id, device, "SERVER_SCOPE", ("limit",)))
        process.send(device, T0 + 1, t=30)
        await process.settle(2)

    assert len(await times(world, device)) == 2


async def test_entities_beyond_the_limit_are_forgotten_and_loaded_again(world: World) -> None:
    devices = [await world.device(f"meter {n}") for n in range(4)]
    profile_id = await world.profile_id(devices[0])
    await add_rule(world, EntityRef(EntityType.DEVICE_PROFILE, profile_id), over("co2", 1000))
    async with running(world, MemoryStore(), max_entities=2) as process:
        for step, value in enumerate((2000, 1, 2000)):
            for device in devices:
                process.send(device, T0 + step, profile_id, co2=value)
                await process.settle(step * 4 + devices.index(device) + 1)

        assert process.evaluator.entity_count == 2
    for device in devices:
        assert await times(world, device) == [(T0, T0 + 1), (T0 + 2, 0)]


async def test_a_customer_of_the_device_sees_its_alarms(world: World) -> None:
    device = await world.device("meter", {"customer_id": world.customer.customer_id})
    await add_rule(world, device, over("co2", 1000))
    async with running(world, MemoryStore()) as process:
        process.send(device, T0, co2=2000)
        await process.settle(1)

    (alarm,) = await alarms_of(world, device)
    assert alarm.customer_id == world.customer.customer_id


class AwayStore(MemoryStore):
    """A store that fails to read a few times."""

    failures: list[Exception]

    async def latest(
        self, entity_id: UUID, keys: tuple[str, ...] | None = None
    ) -> dict[str, Point]:
        if self.failures:
            raise self.failures.pop()
        return await super().latest(entity_id, keys)


@pytest.mark.parametrize("failure", [Unavailable("away"), RuntimeError("a bug")])
async def test_values_wait_in_order_while_their_rules_cannot_be_loaded(
    world: World, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    monkeypatch.setattr("fieldline.rules.fields.evaluator._FIRST_PAUSE_S", 0.0)
    devices = [await world.device(f"meter {n}") for n in range(3)]
    for device in devices:
        await add_rule(world, device, over("co2", 1000))
    store = AwayStore()
    store.failures = [failure] * 4
    async with running(world, store) as process:
        for step, value in enumerate((2000, 1, 2000)):
            for device in devices:
                process.send(device, T0 + step, co2=value)
        await process.settle(9)

    assert store.failures == []
    for device in devices:
        assert await times(world, device) == [(T0, T0 + 1), (T0 + 2, 0)]


async def test_alarms_after_a_change_of_customer_are_the_new_ones(world: World) -> None:
    device = await world.device("meter", {"customer_id": world.customer.customer_id})
    await add_rule(world, device, over("co2", 1000))
    tokens = Tokens(b"k" * 64, clock=world.clock)
    customers = [world.customer.customer_id, world.other_customer.customer_id, None]
    async with running(world, MemoryStore()) as process:
        for step in range(3):
            if step == 1:
                async with world.database.write() as session:
                    fields: DeviceFields = {"customer_id": customers[1]}
                    await device_service.update(session, world.admin, device.id, fields)
            if step == 2:
                async with world.database.write() as session:
                    await customer_service.delete(
                        session, world.admin, customers[1] or device.id, tokens=tokens
                    )
            process.send(device, T0 + 2 * step, co2=2000)
            process.send(device, T0 + 2 * step + 1, co2=1)
            await process.settle(2 * step + 2)

        alarms = await alarms_of(world, device)

    # The second customer's alarm is nobody's any more, as its device is.
    assert [alarm.customer_id for alarm in alarms] == [customers[0], None, None]
