"""The writer makes batches, waits for the store, isolates bad rows, and tells others."""

import asyncio
import logging

import pytest

from fieldline.kit.clock import ManualClock
from fieldline.kit.errors import Unavailable
from fieldline.kit.ids import EntityRef
from fieldline.kit.values import Value
from fieldline.timeseries.store import (
    Attribute,
    Point,
    Scope,
)
from fieldline.timeseries.writer import TimeseriesWriter, WriterLimits
from tests.timeseries.faults import T0, TENANT, FaultyStore, Told, stored


async def test_stores_readings_and_calls_back(
    writer: TimeseriesWriter, store: FaultyStore, told: Told, device: EntityRef
) -> None:
    writer.save_readings(TENANT, device, T0, {"a": 1, "b": "x"}, told.on_saved("saved"))
    assert told.events == []
    await writer.flush()

    assert told.events == [("saved", None), ("readings", device, T0, {"a": 1, "b": "x"})]
    assert await store.latest(device.id) == {"a": Point(T0, 1), "b": Point(T0, "x")}


async def test_saves_of_one_tick_are_one_batch(
    writer: TimeseriesWriter, store: FaultyStore, device: EntityRef
) -> None:
    for n in range(5):
        writer.save_readings(TENANT, device, T0 + n, {"k": n})
    writer.save_attributes(TENANT, device, Scope.SERVER, {"k": 1})
    await writer.flush()

    (batch,) = store.batches
    assert len(batch.readings) == 5
    assert len(batch.attributes) == 1


async def test_what_comes_during_a_commit_is_the_next_batch(
    writer: TimeseriesWriter, store: FaultyStore, device: EntityRef
) -> None:
    store.open.clear()
    writer.save_readings(TENANT, device, T0, {"k": 0})
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for n in range(1, 4):
        writer.save_readings(TENANT, device, T0 + n, {"k": n})
    store.open.set()
    await writer.flush()

    times = [[readings.ts_ms for readings in batch.readings] for batch in store.batches]
    assert times[:1] == [[T0]]
    assert times[1:] == [[T0 + 1, T0 + 2, T0 + 3]]


async def test_batches_have_a_limit(
    writer: TimeseriesWriter, store: FaultyStore, device: EntityRef
) -> None:
    for n in range(12):
        writer.save_readings(TENANT, device, T0 + n, {"a": n, "b": n, "c": n})
    writer.save_readings(TENANT, device, T0 + 99, {f"k{n}": n for n in range(25)})
    await writer.flush()

    rows = [sum(len(each.values) for each in batch.readings) for batch in store.batches]
    assert rows == [9, 9, 9, 9, 25]  # a save is never split
    assert writer.counts.largest_batch == 25
    assert writer.counts.rows == 36 + 25


async def test_the_store_has_the_next_batch_while_the_last_one_is_told(
    writer: TimeseriesWriter, store: FaultyStore, device: EntityRef
) -> None:
    with_the_store_when_told: list[int] = []
    store.open.clear()

    def on_saved(_error: Exception | None) -> None:
        with_the_store_when_told.append(len(store.batches))

    writer.save_readings(TENANT, device, T0, {"k": 0}, on_saved)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    writer.save_readings(TENANT, device, T0 + 1, {"k": 1}, on_saved)
    store.open.set()
    await writer.flush()

    assert with_the_store_when_told == [2, 2]


async def test_batches_grow_when_the_store_is_behind_and_leave_some_to_the_next(
    store: FaultyStore, clock: ManualClock, told: Told, device: EntityRef
) -> None:
    limits = WriterLimits(batch_rows=10, max_batch_rows=60)
    writer = TimeseriesWriter(
        store, clock, on_readings=told.on_readings, on_attributes=told.on_attributes, limits=limits
    )
    for n in range(100):
        writer.save_readings(TENANT, device, T0 + n, {"k": n}, told.on_saved(n), notify=False)
    writer.start()
    await writer.flush()
    await writer.stop()

    assert [len(batch.readings) for batch in store.batches] == [60, 40]
    assert [event[0] for event in told.events] == list(range(100))

    store.batches.clear()
    for n in range(15):
        writer.save_readings(TENANT, device, T0 + n, {"k": n})
    writer.start()
    await writer.flush()
    await writer.stop()

    assert [len(batch.readings) for batch in store.batches] == [10, 5]


async def test_callbacks_come_in_the_order_of_the_saves(
    writer: TimeseriesWriter, told: Told, device: EntityRef
) -> None:
    writer.save_readings(TENANT, device, T0, {"k": 1}, told.on_saved(0), notify=False)
    writer.save_attributes(
        TENANT, device, Scope.CLIENT, {"k": 1}, told.on_attributes_saved(1), notify_device=False
    )
    for n in range(2, 30):
        writer.save_readings(TENANT, device, T0, {"k": n}, told.on_saved(n), notify=False)
    await writer.flush()

    called_back = [event[0] for event in told.events if event[0] != "attributes"]
    assert called_back == list(range(30))


async def test_listeners_hear_of_a_batch_after_its_callbacks(
    writer: TimeseriesWriter, told: Told, device: EntityRef, clock: ManualClock
) -> None:
    writer.save_readings(TENANT, device, T0, {"k": 1}, told.on_saved("first"))
    writer.save_attributes(TENANT, device, Scope.SHARED, {"a": 1}, told.on_attributes_saved("2nd"))
    writer.save_readings(TENANT, device, T0, {"k": 2}, told.on_saved("third"), notify=False)
    await writer.flush()

    assert told.events == [
        ("first", None),
        ("2nd", ["a"], None),
        ("third", None),
        ("readings", device, T0, {"k": 1}),
        ("attributes", device, Scope.SHARED, clock.now_ms(), {"a": 1}, True),
    ]


async def test_only_written_attributes_are_told(
    writer: TimeseriesWriter, told: Told, device: EntityRef, store: FaultyStore, clock: ManualClock
) -> None:
    writer.save_attributes(TENANT, device, Scope.CLIENT, {"same": 1, "other": 1})
    await writer.flush()
    told.events.clear()
    clock.advance(5)

    for name, values in (("some", {"same": 1, "other": 2}), ("none", {"same": 1})):
        writer.save_attributes(
            TENANT,
            device,
            Scope.CLIENT,
            values,
            told.on_attributes_saved(name),
            only_changed=True,
            notify_device=False,
        )
    await writer.flush()

    assert told.events == [
        ("some", ["other"], None),
        ("none", [], None),
        ("attributes", device, Scope.CLIENT, clock.now_ms(), {"other": 2}, False),
    ]
    assert await store.attributes(device.id, Scope.CLIENT) == [
        Attribute("other", 2, clock.now_ms()),
        Attribute("same", 1, clock.now_ms() - 5),
    ]


async def test_history_or_latest_alone(
    writer: TimeseriesWriter, store: FaultyStore, device: EntityRef
) -> None:
    writer.save_readings(TENANT, device, T0, {"latest": 1}, to_history=False)
    writer.save_readings(TENANT, device, T0, {"history": 1}, to_latest=False)
    await writer.flush()

    assert await store.keys(device.id) == ["latest"]
    assert await stored(store, device, "latest") == []
    assert await stored(store, device, "history") == [Point(T0, 1)]


async def test_readings_without_values_are_called_back(
    writer: TimeseriesWriter, told: Told, device: EntityRef
) -> None:
    writer.save_readings(TENANT, device, T0, {}, told.on_saved("empty"), notify=False)
    await writer.flush()

    assert told.events == [("empty", None)]


async def test_waits_for_a_store_that_is_away(
    writer: TimeseriesWriter,
    store: FaultyStore,
    told: Told,
    device: EntityRef,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    store.failures = [Unavailable("gone")] * 5

    for n in range(30):
        writer.save_readings(TENANT, device, T0 + n, {"k": n}, told.on_saved(n), notify=False)
    await writer.flush()

    assert [point.value for point in await stored(store, device, "k")] == list(range(30))
    assert told.events == [(n, None) for n in range(30)]
    assert writer.counts.retries == 5
    assert not writer.is_store_away
    messages = [record.getMessage() for record in caplog.records]
    assert [message.split(":")[0] for message in messages[:1]] == [
        "Readings wait until the store is back"
    ]
    assert len(messages) == 2
    assert messages[1].startswith("The store is back after")


async def test_one_row_that_cannot_be_stored_fails_alone(
    writer: TimeseriesWriter, store: FaultyStore, told: Told, device: EntityRef
) -> None:
    for n in range(9):
        values: dict[str, Value] = {"poison": n} if n == 4 else {"k": n}
        writer.save_readings(TENANT, device, T0 + n, values, told.on_saved(n), notify=False)
    await writer.flush()

    outcomes = {name: str(error) for name, error in told.events}
    assert [name for name, _error in told.events] == list(range(9))
    assert outcomes == {n: "cannot store poison" if n == 4 else "None" for n in range(9)}
    assert [point.value for point in await stored(store, device, "k")] == [0, 1, 2, 3, 5, 6, 7, 8]
    assert writer.counts.refused_saves == 1
    assert writer.pending_rows == 0


async def test_the_store_may_go_away_while_a_bad_row_is_sought(
    writer: TimeseriesWriter, store: FaultyStore, told: Told, device: EntityRef
) -> None:
    store.failures = [ValueError("bad"), Unavailable("gone"), Unavailable("gone")]
    for n in range(4):
        writer.save_readings(TENANT, device, T0 + n, {"k": n}, told.on_saved(n), notify=False)
    await writer.flush()

    assert told.events == [(n, None) for n in range(4)]
    assert len(await stored(store, device, "k")) == 4


async def test_a_failing_callback_harms_nobody_else(
    writer: TimeseriesWriter,
    told: Told,
    device: EntityRef,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_error: Exception | None) -> None:
        msg = "my own fault"
        raise RuntimeError(msg)

    writer.save_readings(TENANT, device, T0, {"k": 1}, fail, notify=False)
    writer.save_readings(TENANT, device, T0, {"k": 2}, told.on_saved("next"), notify=False)
    await writer.flush()

    assert told.events == [("next", None)]
    assert writer.counts.failed_callbacks == 1
    assert "my own fault" in caplog.text


async def test_is_full_until_half_has_left(
    writer: TimeseriesWriter, store: FaultyStore, device: EntityRef
) -> None:
    rows_at_call: list[int] = []
    store.open.clear()
    for n in range(50):
        writer.save_readings(TENANT, device, T0 + n, {"a": n, "b": n})
        assert writer.is_full == (n == 49)
    writer.when_room(lambda: rows_at_call.append(writer.pending_rows))
    store.open.set()
    await writer.flush()

    assert rows_at_call == [50]
    assert not writer.is_full


async def test_room_is_told_at_once_when_there_is_some(writer: TimeseriesWriter) -> None:
    called = asyncio.Event()

    writer.when_room(called.set)

    await asyncio.wait_for(called.wait(), 1)


async def test_long_text_weighs_more(
    writer: TimeseriesWriter, store: FaultyStore, device: EntityRef
) -> None:
    store.open.clear()

    writer.save_readings(TENANT, device, T0, {"k": "x" * 100 * 1024})

    assert writer.is_full


async def test_stop_writes_what_is_left(
    store: FaultyStore, clock: ManualClock, told: Told, device: EntityRef
) -> None:
    writer = TimeseriesWriter(
        store, clock, on_readings=told.on_readings, on_attributes=told.on_attributes
    )
    writer.start()
    writer.save_readings(TENANT, device, T0, {"k": 1}, told.on_saved("last"), notify=False)

    await writer.stop()

    assert told.events == [("last", None)]
    assert await stored(store, device, "k") == [Point(T0, 1)]


async def test_stop_does_not_wait_for_ever(
    store: FaultyStore,
    clock: ManualClock,
    told: Told,
    device: EntityRef,
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer = TimeseriesWriter(
        store, clock, on_readings=told.on_readings, on_attributes=told.on_attributes
    )
    writer.start()
    store.open.clear()
    writer.save_readings(TENANT, device, T0, {"k": 1}, told.on_saved("never"))

    await writer.stop(timeout_s=0.01)

    assert told.events == []  # nobody was told that it was stored
    assert "1 rows that the store did not take" in caplog.text
