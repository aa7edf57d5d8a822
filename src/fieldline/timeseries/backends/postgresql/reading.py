"""Reads points and latest values from PostgreSQL, all keys of a query by one statement."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from fieldline.kit.values import INT64_MAX, Value
from fieldline.timeseries import aggregates, intervals
from fieldline.timeseries.aggregates import Counts, Extremes, Sums
from fieldline.timeseries.backends.postgresql.connection import Connection
from fieldline.timeseries.backends.postgresql.keys import nameable
from fieldline.timeseries.backends.postgresql.readings import VALUES
from fieldline.timeseries.backends.postgresql.rows import value_of
from fieldline.timeseries.intervals import Span
from fieldline.timeseries.store import Aggregation, IntervalType, Point, RangeQuery

_KEYS = "(SELECT key, key_id FROM key_dictionary WHERE key = ANY($1::text[])) AS k"
_IN_RANGE = "entity_id = $2 AND key_id = k.key_id AND ts >= $3 AND ts < $4"
_SUMS = "COUNT(long_v), SUM(long_v), COUNT(dbl_v), SUM({double})"
_PARTS = {
    Aggregation.SUM: _SUMS,
    Aggregation.AVG: _SUMS,
    Aggregation.MIN: 'MIN(long_v), MIN(dbl_v), MIN(str_v COLLATE "C")',
    Aggregation.MAX: 'MAX(long_v), MAX(dbl_v), MAX(str_v COLLATE "C")',
    Aggregation.COUNT: "COUNT(bool_v), COUNT(str_v), COUNT(json_v), COUNT(long_v), COUNT(dbl_v)",
}
Points = dict[str, list[Point]]


async def read_points(connection: Connection, query: RangeQuery) -> Points:
    """Run a range query."""
    span = intervals.span_of(query.start_ms, query.end_ms)
    result: Points = {key: [] for key in query.keys}
    if span.is_empty:
        return result
    if not intervals.is_aggregated(query):
        found = await _plain(connection, query, span)
    elif query.interval_type is IntervalType.MILLISECONDS:
        found = await _by_length(connection, query, span)
    else:
        found = await _by_calendar(connection, query, span)
    return result | found


async def _plain(connection: Connection, query: RangeQuery, span: Span) -> Points:
    order = "DESC" if query.descending else "ASC"
    rows = await connection.fetch(
        f"SELECT {VALUES}, key, ts FROM {_KEYS} CROSS JOIN LATERAL "
        f"(SELECT ts, {VALUES} FROM ts_kv WHERE {_IN_RANGE} ORDER BY ts {order} LIMIT $5) AS p "
        f"ORDER BY ts {order}",
        *_parameters(query, span),
        min(max(query.limit, 0), INT64_MAX),
    )
    points: Points = {}
    for row in rows:
        points.setdefault(row["key"], []).append(Point(row["ts"], value_of(row)))
    return points


async def _by_length(connection: Connection, query: RangeQuery, span: Span) -> Points:
    interval_ms = intervals.fixed_interval(query, span)
    rows = await _aggregate(connection, query, span, "(ts - $3) / $5::bigint", interval_ms)
    return _points(query, rows, lambda index: intervals.nth_interval(span, interval_ms, index))


async def _by_calendar(connection: Connection, query: RangeQuery, span: Span) -> Points:
    spans = intervals.calendar_intervals(query, span)
    starts = [interval.start_ms for interval in spans]
    rows = await _aggregate(connection, query, span, "width_bucket(ts, $5::bigint[])", starts)
    return _points(query, rows, lambda position: spans[position - 1])


async def _aggregate(
    connection: Connection, query: RangeQuery, span: Span, number: str, cut: int | list[int]
) -> list[asyncpg.Record]:
    """Compute the parts of each interval; ``number`` is its number in SQL, from ``cut`` ($5)."""
    parts = _PARTS[query.aggregation]
    statement = (
        f"SELECT key, a.* FROM {_KEYS} CROSS JOIN LATERAL "
        f"(SELECT {number} AS n, {parts} FROM ts_kv WHERE {_IN_RANGE} GROUP BY n) AS a ORDER BY n"
    )
    parameters = (*_parameters(query, span), cut)
    try:
        return await connection.fetch(statement.format(double="dbl_v"), *parameters)
    except asyncpg.NumericValueOutOfRangeError:
        # Doubles whose sum exceeds a double are an error to PostgreSQL; elsewhere it is infinite.
        return await connection.fetch(statement.format(double="dbl_v::numeric"), *parameters)


def _points(
    query: RangeQuery, rows: Sequence[asyncpg.Record], interval_of: Callable[[int], Span]
) -> Points:
    points: Points = {}
    for key, number, *parts in reversed(rows) if query.descending else rows:
        value = _combine(query.aggregation, parts)
        if value is not None:
            points.setdefault(key, []).append(Point(interval_of(number).middle_ms, value))
    return points


def _combine(aggregation: Aggregation, parts: Sequence[Any]) -> Value | None:
    """Make one value of an interval's parts; None when they hold none."""
    if aggregation is Aggregation.COUNT:
        return aggregates.count(Counts(*parts))
    if aggregation in {Aggregation.MIN, Aggregation.MAX}:
        return aggregates.extreme(aggregation, Extremes(*parts))
    longs, long_sum, doubles, double_sum = parts
    sums = Sums(longs, int(long_sum or 0), doubles, float(double_sum or 0))
    return aggregates.total(sums) if aggregation is Aggregation.SUM else aggregates.average(sums)


def _parameters(query: RangeQuery, span: Span) -> tuple[object, ...]:
    return nameable(query.keys), query.entity_id, span.start_ms, span.end_ms


async def read_latest(
    connection: Connection, entity_id: UUID, keys: tuple[str, ...] | None
) -> dict[str, Point]:
    rows = await connection.fetch(
        f"SELECT {VALUES}, key, ts FROM ts_kv_latest JOIN key_dictionary USING (key_id) "
        "WHERE entity_id = $1 AND ($2::text[] IS NULL OR key = ANY($2)) ORDER BY key",
        entity_id,
        None if keys is None else nameable(keys),
    )
    return {row["key"]: Point(row["ts"], value_of(row)) for row in rows}


async def read_keys(connection: Connection, table: str, entity_ids: Sequence[UUID]) -> list[str]:
    """Return the keys that a table holds of any of the entities, in the order of their characters.

    The database may order text by a language instead.
    """
    rows = await connection.fetch(
        f"SELECT DISTINCT key FROM {table} JOIN key_dictionary USING (key_id) "
        "WHERE entity_id = ANY($1::uuid[])",
        entity_ids,
    )
    return sorted(row[0] for row in rows)
