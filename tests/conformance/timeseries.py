"""The contract of every time-series store; a backend's tests inherit it and give a ``store``.

Tests may share one store: each works on entities of its own.
"""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from fieldline.kit.errors import Invalid
from fieldline.kit.values import INT64_MAX, INT64_MIN, JsonText, Value
from fieldline.timeseries.store import (
    Aggregation,
    Attribute,
    AttributeWrite,
    Deletion,
    IntervalType,
    Point,
    RangeQuery,
    ReadingsWrite,
    Scope,
    TimeseriesStore,
    WriteBatch,
)

T0 = 1_700_000_000_000
SECOND = 1000
AGGREGATES = [each for each in Aggregation if each is not Aggregation.NONE]

EDGES: dict[str, Value] = {
    "true": True,
    "false": False,
    "zero": 0,
    "greatest long": INT64_MAX,
    "least long": INT64_MIN,
    "whole double": 1.0,
    "greatest double": 1.7976931348623157e308,
    "least double": 5e-324,
    "exact double": 0.1,
    "empty string": "",
    "string like a number": "007",
    "string like JSON": '{"a":1}',
    "unicode string": "Zürich 温度 🌡 \u202e",
    "huge string": "x" * 1_000_000,
    "JSON object": JsonText('{"b":[1,2.5,"ü",null,{"c":{}}],"a":true}'),
    "JSON array": JsonText("[]"),
    "JSON with escaped zero": JsonText('["a\\u0000b"]'),
}
"""One value of every kind that is easily changed on its way."""

LOOK_ALIKES: list[Value] = [1, 1.0, True, "1", JsonText("[1]"), "[1]", 0, False]
"""Values that differ by type alone."""


async def put(
    store: TimeseriesStore,
    entity_id: UUID,
    key: str,
    values: Mapping[int, Value],
    *,
    to_history: bool = True,
    to_latest: bool = True,
) -> None:
    """Store the values of one key by their times, as one batch."""
    writes = [
        ReadingsWrite(entity_id, ts_ms, {key: value}, to_history, to_latest)
        for ts_ms, value in values.items()
    ]
    await store.write(WriteBatch(readings=writes))


async def put_attributes(
    store: TimeseriesStore,
    entity_id: UUID,
    values: Mapping[str, Value],
    *,
    ts_ms: int = T0,
    only_changed: bool = False,
    scope: Scope = Scope.SERVER,
) -> set[str]:
    write = AttributeWrite(entity_id, scope, values, ts_ms, only_changed)
    result = await store.write(WriteBatch(attributes=[write]))
    return result.written_keys[0]


def typed(values: Iterator[Value] | list[Value]) -> list[tuple[type, Value]]:
    """Return values beside their types, so that 1, 1.0 and True differ in comparisons."""
    return [(type(value), value) for value in values]


def all_points(entity_id: UUID, *keys: str, limit: int = 1000) -> RangeQuery:
    return RangeQuery(entity_id, keys, INT64_MIN, INT64_MAX, limit, descending=False)


def local_ms(zone: str, *when: int) -> int:
    return int(datetime(*when, tzinfo=ZoneInfo(zone)).timestamp()) * 1000  # type: ignore[arg-type, misc]


class StoreContract:
    """What every backend does."""

    @pytest.fixture
    def entity(self) -> UUID:
        return uuid4()

    # Writing and reading points

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

    # Aggregation

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            pytest.param([1, 5, 3], {"MIN": 1, "MAX": 5, "AVG": 3.0, "SUM": 9, "COUNT": 3}),
            pytest.param(
                [1.5, -2.0, 0.5],
                {"MIN": -2.0, "MAX": 1.5, "AVG": 0.0, "SUM": 0.0, "COUNT": 3},
            ),
            pytest.param([1, 2.5, 4], {"MIN": 1.0, "MAX": 4.0, "AVG": 2.5, "SUM": 7.5, "COUNT": 3}),
            pytest.param(["b", "a", "ä", "Z"], {"MIN": "Z", "MAX": "ä", "COUNT": 4}),
            pytest.param([True, False], {"COUNT": 2}),
            pytest.param([JsonText("{}"), JsonText("[1]")], {"COUNT": 2}),
            pytest.param([7, "a", "b"], {"MIN": 7, "MAX": 7, "AVG": 7.0, "SUM": 7, "COUNT": 2}),
            pytest.param(
                [True, "a", "b", JsonText("{}"), 1, 2.0, 3],
                {"MIN": 1.0, "MAX": 3.0, "AVG": 2.0, "SUM": 6.0, "COUNT": 1},
            ),
            pytest.param(
                [INT64_MAX, INT64_MAX],
                {
                    "MIN": INT64_MAX,
                    "MAX": INT64_MAX,
                    "AVG": float(INT64_MAX),
                    "SUM": 2.0 * INT64_MAX,
                    "COUNT": 2,
                },
            ),
            pytest.param(
                [INT64_MIN, INT64_MAX, -1],
                {"MIN": INT64_MIN, "MAX": INT64_MAX, "AVG": -2 / 3, "SUM": -2, "COUNT": 3},
            ),
            pytest.param(
                [1.5e308, 1.5e308],
                {
                    "MIN": 1.5e308,
                    "MAX": 1.5e308,
                    "AVG": float("inf"),
                    "SUM": float("inf"),
                    "COUNT": 2,
                },
            ),
        ],
        ids=lambda value: None if isinstance(value, dict) else ",".join(map(str, value))[:40],
    )
    @pytest.mark.parametrize("aggregation", AGGREGATES)
    async def test_aggregates_by_type(
        self,
        store: TimeseriesStore,
        entity: UUID,
        aggregation: Aggregation,
        values: list[Value],
        expected: dict[str, Value],
    ) -> None:
        await put(store, entity, "k", {T0 + n: value for n, value in enumerate(values)})

        result = await store.read(
            RangeQuery(entity, ("k",), T0, T0 + 100, aggregation=aggregation, interval_ms=100)
        )

        wanted = [expected[aggregation]] if aggregation in expected else []
        assert typed([point.value for point in result["k"]]) == typed(wanted)

    async def test_intervals_run_from_the_start_and_the_last_is_clipped(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        times = [0, 3, 9, 10, 19, 30, 34, 35]
        await put(store, entity, "k", {T0 + n: n for n in times})

        query = RangeQuery(
            entity,
            ("k",),
            T0,
            T0 + 35,
            limit=1,
            descending=False,
            aggregation=Aggregation.COUNT,
            interval_ms=10,
        )

        # The interval from 20 to 30 is empty; the limit does not apply; the middle is that of
        # what is left of the last interval.
        expected = [Point(T0 + 5, 3), Point(T0 + 15, 2), Point(T0 + 32, 2)]
        assert await store.read(query) == {"k": expected}

    async def test_aggregated_points_follow_the_order(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await put(store, entity, "k", {T0 + n: n for n in range(30)})

        query = RangeQuery(
            entity, ("k", "none"), T0, T0 + 30, aggregation=Aggregation.MAX, interval_ms=10
        )

        expected = [Point(T0 + 25, 29), Point(T0 + 15, 19), Point(T0 + 5, 9)]
        assert await store.read(query) == {"k": expected, "none": []}

    async def test_an_interval_of_zero_means_no_aggregation(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await put(store, entity, "k", {T0: 1, T0 + 1: 2})

        query = RangeQuery(entity, ("k",), T0, T0 + 9, aggregation=Aggregation.SUM, interval_ms=0)

        assert await store.read(query) == {"k": [Point(T0 + 1, 2), Point(T0, 1)]}

    async def test_intervals_before_1970(self, store: TimeseriesStore, entity: UUID) -> None:
        await put(store, entity, "k", {-25: 1, -20: 2, -11: 3, -10: 4, 5: 5})

        query = RangeQuery(
            entity,
            ("k",),
            -30,
            10,
            descending=False,
            aggregation=Aggregation.SUM,
            interval_ms=10,
        )

        assert await store.read(query) == {
            "k": [Point(-25, 1), Point(-15, 5), Point(-5, 4), Point(5, 5)]
        }

    @pytest.mark.parametrize(
        ("interval_ms", "start_ms", "end_ms"),
        [(-1, T0, T0 + 9), (10, INT64_MIN, INT64_MAX)],
    )
    async def test_refuses_intervals_that_make_no_sense(
        self, store: TimeseriesStore, entity: UUID, interval_ms: int, start_ms: int, end_ms: int
    ) -> None:
        await put(store, entity, "k", {T0: 1})

        query = RangeQuery(
            entity,
            ("k",),
            start_ms,
            end_ms,
            aggregation=Aggregation.SUM,
            interval_ms=interval_ms,
        )

        with pytest.raises(Invalid):
            await store.read(query)

    async def test_months_follow_the_time_zone_across_changes_of_clocks(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        zone = "Europe/Brussels"
        start = local_ms(zone, 2024, 3, 15)
        april, may = local_ms(zone, 2024, 4, 1), local_ms(zone, 2024, 5, 1)
        end = local_ms(zone, 2024, 5, 3)
        # Clocks go forward on 31 March: April begins at 22:00 UTC, not 23:00.
        await put(store, entity, "k", {start: 1, april - 1: 2, april: 10, may - 1: 20, may: 100})

        query = RangeQuery(
            entity,
            ("k",),
            start,
            end,
            descending=False,
            aggregation=Aggregation.SUM,
            interval_type=IntervalType.MONTH,
            time_zone=zone,
        )

        assert april == 1_711_922_400_000
        assert await store.read(query) == {
            "k": [
                Point((start + april) // 2, 3),
                Point((april + may) // 2, 30),
                Point((may + end) // 2, 100),
            ]
        }

    @pytest.mark.parametrize(
        ("interval_type", "boundary"),
        [
            (IntervalType.WEEK, (2024, 11, 3)),
            (IntervalType.WEEK_ISO, (2024, 11, 4)),
            (IntervalType.MONTH, (2024, 11, 1)),
            (IntervalType.QUARTER, (2025, 1, 1)),
        ],
    )
    @pytest.mark.parametrize("aggregation", AGGREGATES)
    async def test_every_calendar_interval(
        self,
        store: TimeseriesStore,
        entity: UUID,
        interval_type: IntervalType,
        boundary: tuple[int, int, int],
        aggregation: Aggregation,
    ) -> None:
        zone = "America/New_York"
        start, cut = local_ms(zone, 2024, 10, 30, 12), local_ms(zone, *boundary)
        end = cut + 86_400_000
        await put(store, entity, "k", {start: 1, cut - 1: 2, cut: 5, end - 1: 7, end: 99})

        query = RangeQuery(
            entity,
            ("k",),
            start,
            end,
            aggregation=aggregation,
            interval_type=interval_type,
            time_zone=zone,
        )

        of_aggregation: dict[Aggregation, tuple[Value, Value]] = {
            Aggregation.MIN: (5, 1),
            Aggregation.MAX: (7, 2),
            Aggregation.AVG: (6.0, 1.5),
            Aggregation.SUM: (12, 3),
            Aggregation.COUNT: (2, 2),
        }
        later, earlier = of_aggregation[aggregation]
        assert await store.read(query) == {
            "k": [
                Point(cut + (end - cut) // 2, later),
                Point(start + (cut - start) // 2, earlier),
            ]
        }

    async def test_refuses_an_unknown_time_zone(self, store: TimeseriesStore, entity: UUID) -> None:
        await put(store, entity, "k", {T0: 1})
        query = RangeQuery(
            entity,
            ("k",),
            T0,
            T0 + 1,
            aggregation=Aggregation.SUM,
            interval_type=IntervalType.WEEK,
            time_zone="Nowhere/Land",
        )

        with pytest.raises(Invalid, match="Nowhere/Land"):
            await store.read(query)

    # Deleting

    async def test_deletes_a_half_open_range(self, store: TimeseriesStore, entity: UUID) -> None:
        await put(store, entity, "k", {T0 + n: n for n in range(5)})
        await put(store, entity, "other", {T0: 1})

        await store.delete(Deletion(entity, ("k",), T0 + 1, T0 + 3))

        result = await store.read(all_points(entity, "k", "other"))
        assert [point.value for point in result["k"]] == [0, 3, 4]
        assert result["other"] == [Point(T0, 1)]
        assert await store.latest(entity, ("k",)) == {"k": Point(T0 + 4, 4)}

    async def test_deletes_all_of_several_keys(self, store: TimeseriesStore, entity: UUID) -> None:
        for key in ("a", "b", "c"):
            await put(store, entity, key, {T0: 1, -T0: 2})

        await store.delete(Deletion(entity, ("a", "b", "unknown")))

        assert await store.read(all_points(entity, "a", "b")) == {"a": [], "b": []}
        assert await store.keys(entity) == ["c"]

    async def test_deletes_long_histories(self, store: TimeseriesStore, entity: UUID) -> None:
        await put(store, entity, "k", {T0 + n: n for n in range(45_000)})

        await store.delete(Deletion(entity, ("k",), T0 + 1, T0 + 44_999))

        points = (await store.read(all_points(entity, "k")))["k"]
        assert [point.value for point in points] == [0, 44_999]

    async def test_a_deleted_point_can_be_written_again(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await put(store, entity, "k", {T0: 1})
        await store.delete(Deletion(entity, ("k",)))
        await put(store, entity, "k", {T0 - 5: 2})

        assert await store.read(all_points(entity, "k")) == {"k": [Point(T0 - 5, 2)]}
        assert await store.latest(entity) == {"k": Point(T0 - 5, 2)}

    async def test_the_latest_value_can_be_kept(self, store: TimeseriesStore, entity: UUID) -> None:
        await put(store, entity, "k", {T0: 1})

        await store.delete(Deletion(entity, ("k",), latest=False, rewrite_latest=True))

        assert await store.read(all_points(entity, "k")) == {"k": []}
        assert await store.latest(entity) == {"k": Point(T0, 1)}

    async def test_the_newest_point_left_becomes_the_latest(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await put(store, entity, "k", {T0: True, T0 + 1: "x", T0 + 2: 2})
        await put(store, entity, "gone", {T0 + 2: 2})

        await store.delete(Deletion(entity, ("k", "gone"), T0 + 2, T0 + 9, rewrite_latest=True))

        assert await store.latest(entity) == {"k": Point(T0 + 1, "x")}

    async def test_a_key_without_latest_value_gets_none_by_deleting(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await put(store, entity, "k", {T0: 1, T0 + 1: 2}, to_latest=False)

        await store.delete(Deletion(entity, ("k",), T0 + 1, T0 + 9, rewrite_latest=True))

        assert await store.latest(entity) == {}

    async def test_purging_leaves_nothing_of_an_entity(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        other = uuid4()
        for each in (entity, other):
            await put(store, each, "a", {T0: 1, -5: 2}, to_latest=False)
            await put(store, each, "b", {T0: 1})
            for scope in Scope:
                await put_attributes(store, each, {"x": 1}, scope=scope)

        await store.purge(entity)

        assert await store.read(all_points(entity, "a", "b")) == {"a": [], "b": []}
        assert await store.latest(entity) == {}
        assert [await store.attributes(entity, scope) for scope in Scope] == [[], [], []]
        assert len((await store.read(all_points(other, "a")))["a"]) == 2
        assert entity not in await store.entities_with(Scope.SERVER, "x", 1)

    async def test_expires_old_points_in_steps(self, store: TimeseriesStore, entity: UUID) -> None:
        while await store.expire(T0, limit=100_000):
            pass  # what other tests left
        other = uuid4()
        for each in (entity, other):
            for key in ("a", "b"):
                await put(store, each, key, {T0 - 2: 1, T0 - 1: 2, T0: 3})

        counts = [await store.expire(T0, limit=5) for _ in range(3)]

        assert counts == [5, 3, 0]
        for each in (entity, other):
            points = await store.read(all_points(each, "a", "b"))
            assert points == {"a": [Point(T0, 3)], "b": [Point(T0, 3)]}
            assert await store.keys(each) == ["a", "b"]

    # Attributes

    async def test_attributes_of_scopes_are_apart(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        for n, scope in enumerate(Scope):
            await put_attributes(store, entity, {"b": n, "a": -n}, scope=scope, ts_ms=T0 + n)

        for n, scope in enumerate(Scope):
            expected = [Attribute("a", -n, T0 + n), Attribute("b", n, T0 + n)]
            assert await store.attributes(entity, scope) == expected
            assert await store.attributes(entity, scope, ("b", "none")) == expected[1:]
            assert await store.attributes(entity, scope, ()) == []

    async def test_an_attribute_is_replaced_by_any_later_write(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await put_attributes(store, entity, {"k": 1}, ts_ms=T0 + 5)
        written = await put_attributes(store, entity, {"k": "x"}, ts_ms=T0)

        assert written == {"k"}
        assert await store.attributes(entity, Scope.SERVER) == [Attribute("k", "x", T0)]

    @pytest.mark.parametrize("given", range(len(LOOK_ALIKES)))
    async def test_only_changed_compares_value_and_type(
        self, store: TimeseriesStore, entity: UUID, given: int
    ) -> None:
        value = LOOK_ALIKES[given]
        keys = [str(n) for n in range(len(LOOK_ALIKES))]
        await put_attributes(store, entity, dict(zip(keys, LOOK_ALIKES, strict=True)))

        written = await put_attributes(
            store, entity, dict.fromkeys([*keys, "new"], value), ts_ms=T0 + 1, only_changed=True
        )

        assert written == {*keys, "new"} - {str(given)}
        stored = await store.attributes(entity, Scope.SERVER, tuple(keys))
        assert typed([each.value for each in stored]) == typed([value] * len(keys))
        assert [each.key for each in stored if each.last_update_ts_ms == T0] == [str(given)]

    async def test_attribute_writes_of_a_batch_follow_their_order(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        def write(value: Value, *, only_changed: bool) -> AttributeWrite:
            return AttributeWrite(entity, Scope.CLIENT, {"k": value}, T0, only_changed)

        result = await store.write(
            WriteBatch(
                attributes=[
                    write(1, only_changed=True),
                    write(1, only_changed=True),
                    write(2, only_changed=True),
                    write(1, only_changed=False),
                    write(1, only_changed=False),
                    write(1, only_changed=True),
                ]
            )
        )

        assert result.written_keys == [{"k"}, set(), {"k"}, {"k"}, {"k"}, set()]
        assert await store.attributes(entity, Scope.CLIENT) == [Attribute("k", 1, T0)]

    async def test_readings_and_attributes_of_a_batch_are_written_together(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        result = await store.write(
            WriteBatch(
                readings=[ReadingsWrite(entity, T0, {"k": 1})],
                attributes=[AttributeWrite(entity, Scope.SHARED, {"k": 2.5}, T0)],
            )
        )

        assert result.written_keys == [{"k"}]
        assert await store.latest(entity) == {"k": Point(T0, 1)}
        assert await store.attributes(entity, Scope.SHARED) == [Attribute("k", 2.5, T0)]

    async def test_deleting_attributes_tells_which_there_were(
        self, store: TimeseriesStore, entity: UUID
    ) -> None:
        await put_attributes(store, entity, {"a": 1, "b": 2, "c": 3})

        deleted = await store.delete_attributes(entity, Scope.SERVER, ("c", "none", "a"))

        assert deleted == ["a", "c"]
        assert await store.attributes(entity, Scope.SERVER) == [Attribute("b", 2, T0)]
        assert await store.delete_attributes(entity, Scope.SHARED, ("b",)) == []

    async def test_finds_entities_by_value_and_type(self, store: TimeseriesStore) -> None:
        key = str(uuid4())
        entities = [uuid4() for _ in LOOK_ALIKES]
        for entity, value in zip(entities, LOOK_ALIKES, strict=True):
            await put_attributes(store, entity, {key: value})
            await put_attributes(store, entity, {key: "elsewhere"}, scope=Scope.CLIENT)

        found = [await store.entities_with(Scope.SERVER, key, value) for value in LOOK_ALIKES]

        assert found == [[entity] for entity in entities]
        assert await store.entities_with(Scope.SHARED, key, 1) == []
        assert await store.entities_with(Scope.CLIENT, key, "elsewhere") == sorted(entities)
        assert await store.entities_with(Scope.SERVER, "unknown", 1) == []
