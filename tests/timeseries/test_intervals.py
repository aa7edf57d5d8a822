"""Ranges are cut into intervals by arithmetic and by the calendar."""

from datetime import UTC, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldline.kit.errors import Invalid
from fieldline.kit.values import INT64_MAX, INT64_MIN
from fieldline.timeseries.intervals import (
    Span,
    calendar_intervals,
    fixed_interval,
    is_aggregated,
    nth_interval,
    span_of,
)
from fieldline.timeseries.store import Aggregation, IntervalType, RangeQuery

CALENDAR = [each for each in IntervalType if each is not IntervalType.MILLISECONDS]
ZONES = ["UTC", "Europe/Brussels", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]


def query(
    interval_type: IntervalType = IntervalType.MILLISECONDS,
    interval_ms: int = 0,
    zone: str = "UTC",
    aggregation: Aggregation = Aggregation.SUM,
) -> RangeQuery:
    return RangeQuery(
        uuid4(),
        ("k",),
        0,
        0,
        aggregation=aggregation,
        interval_ms=interval_ms,
        interval_type=interval_type,
        time_zone=zone,
    )


def ms(year: int, month: int, day: int, hour: int = 0, zone: str = "UTC") -> int:
    return int(datetime(year, month, day, hour, tzinfo=ZoneInfo(zone)).timestamp()) * 1000


def boundaries(
    interval_type: IntervalType, start_ms: int, end_ms: int, zone: str = "UTC"
) -> list[str]:
    """Return where intervals begin after the first, as UTC text."""
    spans = calendar_intervals(query(interval_type, zone=zone), Span(start_ms, end_ms))
    return [f"{datetime.fromtimestamp(s.start_ms / 1000, UTC):%Y-%m-%d %H:%M}" for s in spans[1:]]


def test_open_and_overlong_ranges_end_at_64_bits() -> None:
    assert span_of(None, None) == Span(INT64_MIN, INT64_MAX)
    assert span_of(-(2**80), 2**80) == Span(INT64_MIN, INT64_MAX)
    assert span_of(5, None) == Span(5, INT64_MAX)
    assert span_of(2**70, 2**71).is_empty


def test_the_middle_is_rounded_down() -> None:
    assert Span(0, 5).middle_ms == 2
    assert Span(-5, 0).middle_ms == -3


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (query(interval_ms=1000), True),
        (query(interval_ms=0), False),
        (query(interval_ms=1000, aggregation=Aggregation.NONE), False),
        (query(IntervalType.WEEK), True),
        (query(IntervalType.WEEK, aggregation=Aggregation.NONE), False),
    ],
)
def test_knows_what_is_an_aggregation(asked: RangeQuery, *, expected: bool) -> None:
    assert is_aggregated(asked) is expected


def test_an_interval_longer_than_64_bits_is_one_interval() -> None:
    span = Span(0, 100)

    length = fixed_interval(query(interval_ms=2**70), span)

    assert nth_interval(span, length, 0) == span


def test_weeks_begin_on_sunday_or_monday() -> None:
    start, end = ms(2024, 11, 1), ms(2024, 11, 12)  # Friday to Tuesday

    assert boundaries(IntervalType.WEEK, start, end) == ["2024-11-03 00:00", "2024-11-10 00:00"]
    assert boundaries(IntervalType.WEEK_ISO, start, end) == [
        "2024-11-04 00:00",
        "2024-11-11 00:00",
    ]


@pytest.mark.parametrize("interval_type", CALENDAR)
def test_a_range_that_starts_on_a_boundary_has_a_whole_first_interval(
    interval_type: IntervalType,
) -> None:
    start = {IntervalType.WEEK: ms(2023, 1, 1), IntervalType.WEEK_ISO: ms(2024, 1, 1)}
    first = start.get(interval_type, ms(2024, 1, 1))

    spans = calendar_intervals(query(interval_type), Span(first, first + 1))

    assert spans == [Span(first, first + 1)]


def test_months_and_quarters() -> None:
    start, end = ms(2024, 11, 15), ms(2025, 4, 2)

    assert boundaries(IntervalType.MONTH, start, end) == [
        "2024-12-01 00:00",
        "2025-01-01 00:00",
        "2025-02-01 00:00",
        "2025-03-01 00:00",
        "2025-04-01 00:00",
    ]
    assert boundaries(IntervalType.QUARTER, start, end) == ["2025-01-01 00:00", "2025-04-01 00:00"]


def test_boundaries_are_local_midnights_on_both_sides_of_a_change_of_clocks() -> None:
    zone = "Europe/Brussels"
    start, end = ms(2024, 10, 25, zone=zone), ms(2024, 11, 5, zone=zone)

    assert boundaries(IntervalType.WEEK_ISO, start, end, zone) == [
        "2024-10-27 23:00",  # UTC+2 until that Sunday, UTC+1 from then on
        "2024-11-03 23:00",
    ]


def test_a_midnight_that_clocks_skip_is_the_first_moment_after_it() -> None:
    # Lebanon: clocks went from 00:00 to 01:00 on Sunday 31 March 2019.
    zone = "Asia/Beirut"
    start = ms(2019, 3, 29, zone=zone)

    assert boundaries(IntervalType.WEEK, start, start + 3 * 86_400_000, zone) == [
        "2019-03-30 22:00"
    ]


@given(
    start_ms=st.integers(-2_000_000_000_000, 4_000_000_000_000),
    length=st.integers(1, 3 * 366 * 86_400_000),
    interval_type=st.sampled_from(CALENDAR),
    zone=st.sampled_from(ZONES),
)
def test_calendar_intervals_cover_the_range_without_gaps(
    start_ms: int, length: int, interval_type: IntervalType, zone: str
) -> None:
    spans = calendar_intervals(query(interval_type, zone=zone), Span(start_ms, start_ms + length))

    assert spans[0].start_ms == start_ms
    assert spans[-1].end_ms == start_ms + length
    assert all(not span.is_empty for span in spans)
    assert [span.end_ms for span in spans[:-1]] == [span.start_ms for span in spans[1:]]


@pytest.mark.parametrize(
    ("interval_type", "zone", "span"),
    [
        (IntervalType.WEEK, "UTC", Span(0, ms(2200, 1, 1))),
        (IntervalType.MONTH, "UTC", Span(INT64_MIN, 0)),
        (IntervalType.MONTH, "UTC", Span(ms(9999, 12, 5), INT64_MAX)),
        (IntervalType.MONTH, "Mars/Olympus", Span(0, 1)),
        (IntervalType.MONTH, "../../etc/passwd", Span(0, 1)),
        (IntervalType.MONTH, "", Span(0, 1)),
        (IntervalType.MONTH, "Europe", Span(0, 1)),
        (IntervalType.MONTH, "a\0b", Span(0, 1)),
    ],
)
def test_refuses_what_the_calendar_cannot_do(
    interval_type: IntervalType, zone: str, span: Span
) -> None:
    with pytest.raises(Invalid):
        calendar_intervals(query(interval_type, zone=zone), span)
