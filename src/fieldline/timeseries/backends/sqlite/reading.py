"""Reads points, latest values and attributes from SQLite; runs in the store's reader threads."""

import sqlite3
from collections.abc import Sequence
from uuid import UUID

from fieldline.kit.values import Value
from fieldline.timeseries import aggregates, intervals
from fieldline.timeseries.aggregates import Counts, Extremes, Sums
from fieldline.timeseries.backends.sqlite.keys import find_keys
from fieldline.timeseries.backends.sqlite.writing import SCOPE_ID
from fieldline.timeseries.columns import COLUMN_OF, VALUE_SQL, decode
from fieldline.timeseries.intervals import Span
from fieldline.timeseries.store import (
    Aggregation,
    Attribute,
    IntervalType,
    Point,
    RangeQuery,
    Scope,
)

# Longs are added up in two halves: SUM over 64-bit integers fails when it exceeds them.
_SUMS = "COUNT(long_v), SUM(long_v >> 32), SUM(long_v & 4294967295), COUNT(dbl_v), TOTAL(dbl_v)"
_PARTS = {
    Aggregation.SUM: _SUMS,
    Aggregation.AVG: _SUMS,
    Aggregation.MIN: "MIN(long_v), MIN(dbl_v), MIN(str_v)",
    Aggregation.MAX: "MAX(long_v), MAX(dbl_v), MAX(str_v)",
    Aggregation.COUNT: "COUNT(bool_v), COUNT(str_v), COUNT(json_v), COUNT(long_v), COUNT(dbl_v)",
}
_IN_RANGE = "entity_id = :entity AND key_id = :key AND ts >= :start AND ts < :end"


def read_points(cursor: sqlite3.Cursor, query: RangeQuery) -> dict[str, list[Point]]:
    """Run a range query, key by key."""
    span = intervals.span_of(query.start_ms, query.end_ms)
    result: dict[str, list[Point]] = {key: [] for key in query.keys}
    if span.is_empty:
        return result
    for key, key_id in find_keys(cursor, result).items():
        if intervals.is_aggregated(query):
            result[key] = _aggregate(cursor, query, span, key_id)
        else:
            result[key] = _plain(cursor, query, span, key_id)
    return result


def _plain(cursor: sqlite3.Cursor, query: RangeQuery, span: Span, key_id: int) -> list[Point]:
    order = "DESC" if query.descending else "ASC"
    rows = cursor.execute(
        f"SELECT ts, {VALUE_SQL} FROM ts_kv WHERE {_IN_RANGE} ORDER BY ts {order} LIMIT :limit",
        _parameters(query, span, key_id) | {"limit": min(max(query.limit, 0), 2**63 - 1)},
    )
    return [Point(ts, decode(value, kind)) for ts, value, kind in rows]


def _aggregate(cursor: sqlite3.Cursor, query: RangeQuery, span: Span, key_id: int) -> list[Point]:
    if query.interval_type is IntervalType.MILLISECONDS:
        points = _by_length(cursor, query, span, key_id)
    else:
        points = _by_calendar(cursor, query, span, key_id)
    return points[::-1] if query.descending else points


def _by_length(cursor: sqlite3.Cursor, query: RangeQuery, span: Span, key_id: int) -> list[Point]:
    interval_ms = intervals.fixed_interval(query, span)
    rows = cursor.execute(
        f"SELECT (ts - :start) / :interval AS n, {_PARTS[query.aggregation]} "
        f"FROM ts_kv WHERE {_IN_RANGE} GROUP BY n ORDER BY n",
        _parameters(query, span, key_id) | {"interval": interval_ms},
    )
    points = []
    for index, *parts in rows:
        value = _combine(query.aggregation, parts)
        if value is not None:
            middle = intervals.nth_interval(span, interval_ms, index).middle_ms
            points.append(Point(middle, value))
    return points


def _by_calendar(cursor: sqlite3.Cursor, query: RangeQuery, span: Span, key_id: int) -> list[Point]:
    """Ask for each interval by itself: every one is a range of the primary key."""
    points = []
    for interval in intervals.calendar_intervals(query, span):
        row = cursor.execute(
            f"SELECT {_PARTS[query.aggregation]} FROM ts_kv WHERE {_IN_RANGE}",
            _parameters(query, interval, key_id),
        ).fetchone()
        value = _combine(query.aggregation, row)
        if value is not None:
            points.append(Point(interval.middle_ms, value))
    return points


def _combine(aggregation: Aggregation, parts: "list[int] | tuple[int, ...]") -> Value | None:
    """Make one value of an interval's parts; None when the interval has none."""
    if aggregation is Aggregation.COUNT:
        return aggregates.count(Counts(*parts))
    if aggregation in {Aggregation.MIN, Aggregation.MAX}:
        return aggregates.extreme(aggregation, Extremes(*parts))
    longs, high, low, doubles, double_sum = parts
    sums = Sums(longs, ((high or 0) << 32) + (low or 0), doubles, double_sum)
    return aggregates.total(sums) if aggregation is Aggregation.SUM else aggregates.average(sums)


def _parameters(query: RangeQuery, span: Span, key_id: int) -> dict[str, object]:
    return {
        "entity": query.entity_id.bytes,
        "key": key_id,
        "start": span.start_ms,
        "end": span.end_ms,
    }


def read_latest(
    cursor: sqlite3.Cursor, entity_id: UUID, keys: tuple[str, ...] | None
) -> dict[str, Point]:
    select = f"SELECT ts, {VALUE_SQL}, key FROM ts_kv_latest JOIN key_dictionary USING (key_id)"
    rows = _by_keys(cursor, f"{select} WHERE entity_id = ?", (entity_id.bytes,), keys)
    return {key: Point(ts, decode(value, kind)) for ts, value, kind, key in rows}


def read_keys(cursor: sqlite3.Cursor, entity_ids: Sequence[UUID]) -> list[str]:
    return _distinct_keys(cursor, "ts_kv_latest", entity_ids)


def read_attribute_keys(cursor: sqlite3.Cursor, entity_ids: Sequence[UUID]) -> list[str]:
    return _distinct_keys(cursor, "attribute_kv", entity_ids)


def _distinct_keys(cursor: sqlite3.Cursor, table: str, entity_ids: Sequence[UUID]) -> list[str]:
    places = ",".join("?" * len(entity_ids))
    rows = cursor.execute(
        f"SELECT DISTINCT key FROM {table} JOIN key_dictionary USING (key_id) "
        f"WHERE entity_id IN ({places}) ORDER BY key",
        [entity_id.bytes for entity_id in entity_ids],
    )
    return [key for (key,) in rows]


def read_attributes(
    cursor: sqlite3.Cursor, entity_id: UUID, scope: Scope, keys: tuple[str, ...] | None
) -> list[Attribute]:
    select = (
        f"SELECT last_update_ts, {VALUE_SQL}, key FROM attribute_kv "
        "JOIN key_dictionary USING (key_id) WHERE entity_id = ? AND scope = ?"
    )
    rows = _by_keys(cursor, select, (entity_id.bytes, SCOPE_ID[scope]), keys)
    return [Attribute(key, decode(value, kind), ts) for ts, value, kind, key in rows]


def _by_keys(
    cursor: sqlite3.Cursor, select: str, owner: tuple[object, ...], keys: tuple[str, ...] | None
) -> list[tuple[int, Value, int, str]]:
    """Return the rows of the owner's wanted keys, sorted by key; None wants all."""
    if keys is None:
        return cursor.execute(f"{select} ORDER BY key", owner).fetchall()
    rows = []
    for _key, key_id in sorted(find_keys(cursor, keys).items()):
        rows += cursor.execute(f"{select} AND key_id = ?", (*owner, key_id)).fetchall()
    return rows


def find_entities(cursor: sqlite3.Cursor, scope: Scope, key: str, value: Value) -> list[UUID]:
    key_id = find_keys(cursor, [key]).get(key)
    if key_id is None:
        return []
    rows = cursor.execute(
        "SELECT entity_id FROM attribute_kv WHERE key_id = ? AND scope = ? "
        f"AND {COLUMN_OF[type(value)]} = ? ORDER BY entity_id",
        (key_id, SCOPE_ID[scope], value),
    )
    return [UUID(bytes=entity) for (entity,) in rows]
