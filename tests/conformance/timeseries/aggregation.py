"""Aggregating points by length and by calendar."""

from uuid import UUID

import pytest

from fieldline.kit.errors import Invalid
from fieldline.kit.values import INT64_MAX, INT64_MIN, JsonText, Value
from fieldline.timeseries.store import (
    Aggregation,
    IntervalType,
    Point,
    RangeQuery,
    TimeseriesStore,
)
from tests.conformance.timeseries.values import (
    AGGREGATES,
    T0,
    local_ms,
    put,
    typed,
)


class AggregationContract:
    """Aggregating points by length and by calendar."""

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
