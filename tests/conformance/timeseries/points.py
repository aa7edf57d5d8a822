"""Writing and reading points."""

import asyncio
from uuid import UUID, uuid4

import pytest

from fieldline.kit.values import INT64_MAX, INT64_MIN, JsonText, Value
from fieldline.timeseries.store import (
    Aggregation,
    Point,
    RangeQuery,
    ReadingsWrite,
    Scope,
    TimeseriesStore,
    WriteBatch,
)
from tests.conformance.timeseries.values import (
    EDGES,
    T0,
    all_points,
    put,
    put_attributes,
    typed,
)


class PointsContract:
    """Writing and reading points."""

    @pytest.mark.parametrize("name", EDGES)
    async def test_gives_back_what_was_stored(
        self, store: TimeseriesStore, entity: UUID, name: str
    ) -> None:
        value = EDGES[name]

        await put(store, entity, "k", {T0: value})
        await put_attributes(store, entity, {"k": value})

        points = (await store.read(all_points(entity, "k")))["k"]
        (attribute,) = await store.attributes(entity, Scope.SERVER)
        latest = await store.latest(entity)
        expected = [(type(value), value)]
        assert typed([points[0].value]) == expected
        assert typed([latest["k"].value]) == expected
        assert typed([attribute.value]) == expected

    async def test_keeps_the_sign_of_zero(self, store: TimeseriesStore, entity: UUID) -> None:
        await put(store, entity, "k", {T0: -0.0})

        (point,) = (await store.read(all_points(entity, "k")))["k"]

        assert str(point.value) == "-0.0"

    @pytest.mark.parametrize("ts_ms", [INT64_MIN, -1, 0, 1, T0, 253_402_300_800_000, INT64_MAX - 1])
    async def test_stores_any_time(self, store: TimeseriesStore, entity: UUID, ts_ms: int) -> None:
        await put(store, entity, "k", {ts_ms: 1})

        assert await store.read(all_points(entity, "k")) == {"k": [Point(ts_ms, 1)]}
        assert await store.latest(entity) == {"k": Point(ts_ms, 1)}

    async def test_a_point_replaces_one_of_the_same_time(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await put(store, entity, "k", {T0: 1})
        await put(store, entity, "k", {T0: "two"})

        assert await store.read(all_points(entity, "k")) == {"k": [Point(T0, "two")]}
        assert await store.latest(entity) == {"k": Point(T0, "two")}

    async def test_the_last_of_equal_points_in_a_batch_wins(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        values: list[Value] = [1, 2.5, True, "x", JsonText("{}"), 2]
        writes = [ReadingsWrite(entity, T0, {"k": value}) for value in values]

        await store.write(WriteBatch(readings=writes))

        assert await store.read(all_points(entity, "k")) == {"k": [Point(T0, 2)]}
        assert typed([(await store.latest(entity))["k"].value]) == [(int, 2)]

    async def test_the_newest_time_is_the_latest_whatever_the_order(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await put(store, entity, "k", {T0 + 5: 5, T0 + 9: 9, T0 + 7: 7})
        await put(store, entity, "k", {T0 + 8: 8})

        points = (await store.read(all_points(entity, "k")))["k"]

        assert await store.latest(entity) == {"k": Point(T0 + 9, 9)}
        assert [point.value for point in points] == [5, 7, 8, 9]

    async def test_history_and_latest_can_be_written_alone(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await put(store, entity, "history", {T0: 1}, to_latest=False)
        await put(store, entity, "latest", {T0: 2}, to_history=False)
        await put(store, entity, "neither", {T0: 3}, to_history=False, to_latest=False)

        points = await store.read(all_points(entity, "history", "latest", "neither"))

        assert points == {"history": [Point(T0, 1)], "latest": [], "neither": []}
        assert await store.latest(entity) == {"latest": Point(T0, 2)}

    async def test_writes_of_both_kinds_in_a_batch_keep_their_order(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await store.write(
            WriteBatch(
                readings=[
                    ReadingsWrite(entity, T0, {"k": 1}, to_history=False),
                    ReadingsWrite(entity, T0, {"k": 2}),
                    ReadingsWrite(entity, T0, {"k": 3}, to_latest=False),
                ]
            )
        )

        assert await store.read(all_points(entity, "k")) == {"k": [Point(T0, 3)]}
        assert await store.latest(entity) == {"k": Point(T0, 2)}

    async def test_an_empty_batch_does_nothing(self, store: TimeseriesStore, entity: UUID) -> None:
        result = await store.write(WriteBatch(readings=[ReadingsWrite(entity, T0, {})]))

        assert result.written_keys == []
        assert await store.keys(entity) == []

    async def test_the_range_is_half_open(self, store: TimeseriesStore, entity: UUID) -> None:
        await put(store, entity, "k", {T0 + n: n for n in range(5)})

        result = await store.read(RangeQuery(entity, ("k",), T0 + 1, T0 + 3, descending=False))

        assert result == {"k": [Point(T0 + 1, 1), Point(T0 + 2, 2)]}

    @pytest.mark.parametrize(("start_ms", "end_ms"), [(T0, T0), (T0 + 1, T0)])
    async def test_an_empty_range_holds_nothing(
        self, store: TimeseriesStore, entity: UUID, start_ms: int, end_ms: int
    ) -> None:
        await put(store, entity, "k", {T0: 1})

        plain = RangeQuery(entity, ("k",), start_ms, end_ms)
        counted = RangeQuery(
            entity, ("k",), start_ms, end_ms, aggregation=Aggregation.COUNT, interval_ms=10
        )

        assert await store.read(plain) == {"k": []}
        assert await store.read(counted) == {"k": []}

    @pytest.mark.parametrize("limit", [0, 1, 3, 4, 5])
    async def test_the_limit_is_exact_and_per_key(
        self, store: TimeseriesStore, entity: UUID, limit: int
    ) -> None:
        await put(store, entity, "a", {T0 + n: n for n in range(4)})
        await put(store, entity, "b", {T0 + n: n for n in range(4)})

        result = await store.read(RangeQuery(entity, ("a", "b"), T0, T0 + 9, limit))

        newest_first = [Point(T0 + n, n) for n in (3, 2, 1, 0)][:limit]
        assert result == {"a": newest_first, "b": newest_first}

    async def test_limits_count_from_the_start_of_the_order(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await put(store, entity, "k", {T0 + n: n for n in range(4)})

        oldest = await store.read(RangeQuery(entity, ("k",), T0, T0 + 9, 2, descending=False))
        newest = await store.read(RangeQuery(entity, ("k",), T0, T0 + 9, 2, descending=True))

        assert [point.value for point in oldest["k"]] == [0, 1]
        assert [point.value for point in newest["k"]] == [3, 2]

    async def test_unknown_keys_have_no_points(self, store: TimeseriesStore, entity: UUID) -> None:
        assert await store.read(all_points(entity, "nobody wrote this")) == {
            "nobody wrote this": []
        }
        assert await store.latest(entity, ("nobody wrote this",)) == {}

    async def test_a_key_that_no_store_holds_is_an_unknown_one(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await put(store, entity, "k", {T0: 1})

        found = await store.read(all_points(entity, "a\0", "k"))

        assert found == {"a\0": [], "k": [Point(T0, 1)]}
        assert await store.latest(entity, ("a\0", "k")) == {"k": Point(T0, 1)}

    async def test_entities_do_not_mix(self, store: TimeseriesStore, entity: UUID) -> None:
        other = uuid4()
        await put(store, entity, "k", {T0: 1})
        await put(store, other, "k", {T0: 2})

        assert await store.read(all_points(entity, "k")) == {"k": [Point(T0, 1)]}
        assert await store.latest(other) == {"k": Point(T0, 2)}

    async def test_keys_are_told_apart_exactly(self, store: TimeseriesStore, entity: UUID) -> None:
        names = ["a", "A", "ä", "a ", " a", "a,b", "a'b", 'a"b', "%", "_", "k" * 255]
        await store.write(
            WriteBatch(readings=[ReadingsWrite(entity, T0, {name: name for name in names})])
        )

        assert await store.keys(entity) == sorted(names)
        assert await store.latest(entity, ("A", "%")) == {"A": Point(T0, "A"), "%": Point(T0, "%")}

    async def test_holds_a_hundred_thousand_points(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        count = 100_000
        for start in range(0, count, 20_000):
            await put(store, entity, "k", {T0 + n: n for n in range(start, start + 20_000)})

        query = RangeQuery(entity, ("k",), T0, T0 + count, count, descending=False)
        points = (await store.read(query))["k"]
        sums = await store.read(
            RangeQuery(
                entity, ("k",), T0, T0 + count, aggregation=Aggregation.SUM, interval_ms=count
            )
        )

        assert [point.value for point in points] == list(range(count))
        assert sums == {"k": [Point(T0 + count // 2, count * (count - 1) // 2)]}

    async def test_writers_at_the_same_time_lose_nothing(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        others = [uuid4() for _ in range(5)]

        async def write(task: int) -> None:
            for n in range(10):
                keys = {f"{name} {n}": task for name in ("p", "q", "r")}
                ordered = dict(sorted(keys.items(), reverse=bool(task % 2)))
                ids = [entity, *others] if task % 2 else [*others, entity]
                writes = [ReadingsWrite(each, T0 + task, ordered) for each in ids]
                await store.write(WriteBatch(readings=writes))

        await asyncio.gather(*(write(task) for task in range(8)))

        for each in (entity, *others):
            latest = await store.latest(each)
            assert latest == {f"{name} {n}": Point(T0 + 7, 7) for name in "pqr" for n in range(10)}
            points = await store.read(all_points(each, "p 0"))
            assert points == {"p 0": [Point(T0 + task, task) for task in range(8)]}
