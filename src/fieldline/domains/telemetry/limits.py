"""Bounds of one query, so that an answer stays an answer."""

from dataclasses import replace

from fieldline.kit.errors import Invalid
from fieldline.timeseries.store import Aggregation, IntervalType, RangeQuery

MAX_POINTS_PER_KEY = 50_000
"""Points of one key in one answer; a larger ``limit`` is cut to this (``maxDatapointsLimit``)."""
MIN_INTERVAL_MS = 1_000
"""Shortest interval of an aggregation."""
MAX_INTERVALS = 700
"""Intervals of one aggregation."""


def check_range(query: RangeQuery) -> RangeQuery:
    """Return the query with its limit cut to what is possible.

    Raises:
        Invalid: the range, the limit or the intervals are out of bounds.
    """
    if query.start_ms < 0 or query.end_ms < query.start_ms:
        msg = (
            f"The range from {query.start_ms} to {query.end_ms} is not possible; "
            "startTs must be 0 or more and endTs not before it"
        )
        raise Invalid(msg)
    if query.limit < 1:
        msg = f"The limit {query.limit} is not possible; it must be 1 or more"
        raise Invalid(msg)
    if query.aggregation is not Aggregation.NONE:
        _check_intervals(query)
    return replace(query, limit=min(query.limit, MAX_POINTS_PER_KEY))


def _check_intervals(query: RangeQuery) -> None:
    if query.interval_type is not IntervalType.MILLISECONDS or query.interval_ms == 0:
        return  # 0 means no aggregation; the shortest unit of the calendar is a week
    if query.interval_ms < MIN_INTERVAL_MS:
        msg = (
            f"The interval of {query.interval_ms} ms is too short; "
            f"the shortest possible one is {MIN_INTERVAL_MS} ms"
        )
        raise Invalid(msg)
    count = -(-(query.end_ms - query.start_ms) // query.interval_ms)
    if count > MAX_INTERVALS:
        msg = (
            f"Number of intervals is too high - {count}; at most {MAX_INTERVALS} are possible: "
            "increase 'interval' or shorten the range"
        )
        raise Invalid(msg)
