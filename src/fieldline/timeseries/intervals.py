"""How a time range is cut into intervals: by a number of ms, or by the calendar of a time zone.

Pure arithmetic that every backend shares. Intervals run from the start of the range; calendar ones
then end where the next week, month or quarter begins. The last one is clipped to the range's end.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from fieldline.kit.errors import Invalid
from fieldline.kit.values import INT64_MAX, INT64_MIN
from fieldline.timeseries.store import Aggregation, IntervalType, RangeQuery

MAX_CALENDAR_INTERVALS = 10_000
"""Two centuries of weeks; the edges refuse far fewer (ThingsBoard: 700)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of time in ms, inside 64 bits."""

    start_ms: int
    end_ms: int

    @property
    def is_empty(self) -> bool:
        return self.start_ms >= self.end_ms

    @property
    def middle_ms(self) -> int:
        return self.start_ms + (self.end_ms - self.start_ms) // 2


def span_of(start_ms: int | None, end_ms: int | None) -> Span:
    """Return the range with open ends and ends beyond 64 bits put at the limits of 64 bits."""
    start = INT64_MIN if start_ms is None else max(start_ms, INT64_MIN)
    end = INT64_MAX if end_ms is None else min(end_ms, INT64_MAX)
    return Span(start, max(end, INT64_MIN))


def is_aggregated(query: RangeQuery) -> bool:
    """Return whether the query asks for intervals; an interval of 0 ms means it does not."""
    if query.aggregation is Aggregation.NONE:
        return False
    return query.interval_type is not IntervalType.MILLISECONDS or query.interval_ms != 0


def fixed_interval(query: RangeQuery, span: Span) -> int:
    """Return the length in ms of the query's fixed intervals.

    Raises:
        Invalid: the interval is negative, or the range is longer than 64 bits can count.
    """
    if query.interval_ms < 0:
        msg = f"The interval must be a positive number of milliseconds, not {query.interval_ms}"
        raise Invalid(msg)
    if span.end_ms - span.start_ms > INT64_MAX:
        msg = "The time range is too long to be cut into intervals"
        raise Invalid(msg)
    return min(query.interval_ms, INT64_MAX)


def nth_interval(span: Span, interval_ms: int, index: int) -> Span:
    """Return the fixed interval number ``index`` of the range, clipped to its end."""
    start = span.start_ms + index * interval_ms
    return Span(start, min(start + interval_ms, span.end_ms))


def calendar_intervals(query: RangeQuery, span: Span) -> list[Span]:
    """Cut the range at the starts of weeks, months or quarters of the query's time zone.

    Raises:
        Invalid: the time zone is unknown, a time is outside the years 1 to 9999, or there would
            be more than ``MAX_CALENDAR_INTERVALS``.
    """
    zone = _zone(query.time_zone)
    intervals: list[Span] = []
    start = span.start_ms
    while start < span.end_ms:
        if len(intervals) == MAX_CALENDAR_INTERVALS:
            msg = f"The time range holds more than {MAX_CALENDAR_INTERVALS} intervals; shorten it"
            raise Invalid(msg)
        end = min(_next_boundary(start, query.interval_type, zone), span.end_ms)
        intervals.append(Span(start, end))
        start = end
    return intervals


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
        msg = f"'{name}' is not a time zone; expected a name like 'Europe/Brussels' or 'UTC'"
        raise Invalid(msg) from error


def _next_boundary(ms: int, interval_type: IntervalType, zone: ZoneInfo) -> int:
    """Return the first start of a calendar unit after ``ms``.

    Midnight that a change of clocks skips becomes the first moment after the gap; one that comes
    twice is the first of the two (``fold`` 0), as in java.time.
    """
    try:
        local = (_EPOCH + ms * _MS).astimezone(zone)
        day = datetime(local.year, local.month, local.day, tzinfo=zone)
        boundary = _unit_start_after(day, interval_type)
        return (boundary.astimezone(UTC) - _EPOCH) // _MS
    except (OverflowError, ValueError) as error:
        msg = "Calendar intervals need times between the years 1 and 9999"
        raise Invalid(msg) from error


def _unit_start_after(day: datetime, interval_type: IntervalType) -> datetime:
    match interval_type:
        case IntervalType.WEEK:  # weeks begin on Sunday
            return day + timedelta(days=7 - day.isoweekday() % 7)
        case IntervalType.WEEK_ISO:  # weeks begin on Monday
            return day + timedelta(days=7 - day.weekday())
        case IntervalType.MONTH:
            return _plus_months(day, 1)
        case IntervalType.QUARTER:
            return _plus_months(day, 3 - (day.month - 1) % 3)
        case IntervalType.MILLISECONDS:
            msg = "A number of milliseconds is not a unit of the calendar"
            raise ValueError(msg)


def _plus_months(day: datetime, months: int) -> datetime:
    """Return the first day of the month that is ``months`` later."""
    month = day.month - 1 + months
    return day.replace(year=day.year + month // 12, month=month % 12 + 1, day=1)
