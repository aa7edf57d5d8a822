"""Readings and attributes in memory, for tests: what it does is the measure for the others."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from fieldline.kit.values import INT64_MAX, INT64_MIN, JsonText, Value
from fieldline.timeseries import intervals
from fieldline.timeseries.intervals import Span, span_of
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
    WriteBatch,
    WriteResult,
)


@dataclass(slots=True)
class _Series:
    """Points of one key: their times in order, and the value of each time."""

    times: list[int] = field(default_factory=list)
    values: dict[int, Value] = field(default_factory=dict)

    def put(self, ts_ms: int, value: Value) -> None:
        if ts_ms not in self.values:
            insort(self.times, ts_ms)
        self.values[ts_ms] = value

    def between(self, span: Span) -> list[Point]:
        times = self.times[slice(*self._positions(span))]
        return [Point(ts_ms, self.values[ts_ms]) for ts_ms in times]

    def remove(self, span: Span) -> None:
        start, end = self._positions(span)
        for ts_ms in self.times[start:end]:
            del self.values[ts_ms]
        del self.times[start:end]

    def _positions(self, span: Span) -> tuple[int, int]:
        start = bisect_left(self.times, span.start_ms)
        return start, max(start, bisect_left(self.times, span.end_ms))


@dataclass(slots=True)
class _Entity:
    history: dict[str, _Series] = field(default_factory=dict)
    latest: dict[str, Point] = field(default_factory=dict)
    attributes: dict[Scope, dict[str, Attribute]] = field(
        default_factory=lambda: {scope: {} for scope in Scope}
    )


class MemoryStore:
    """A store that forgets everything when the process ends."""

    def __init__(self) -> None:
        self._entities: dict[UUID, _Entity] = {}

    async def start(self) -> None:
        """Nothing to open."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def write(self, batch: WriteBatch) -> WriteResult:
        for readings in batch.readings:
            self._write_readings(readings)
        return WriteResult([self._write_attributes(write) for write in batch.attributes])

    def _write_readings(self, write: ReadingsWrite) -> None:
        entity = self._entities.setdefault(write.entity_id, _Entity())
        for key, value in write.values.items():
            if write.to_history:
                entity.history.setdefault(key, _Series()).put(write.ts_ms, value)
            if write.to_latest:
                newest = entity.latest.get(key)
                if newest is None or newest.ts_ms <= write.ts_ms:
                    entity.latest[key] = Point(write.ts_ms, value)

    def _write_attributes(self, write: AttributeWrite) -> set[str]:
        stored = self._entities.setdefault(write.entity_id, _Entity()).attributes[write.scope]
        written = set()
        for key, value in write.values.items():
            before = stored.get(key)
            if write.only_changed and before is not None and _is_same(before.value, value):
                continue
            stored[key] = Attribute(key, value, write.ts_ms)
            written.add(key)
        return written

    async def latest(
        self, entity_id: UUID, keys: tuple[str, ...] | None = None
    ) -> dict[str, Point]:
        latest = self._entity(entity_id).latest
        return {key: latest[key] for key in sorted(latest) if keys is None or key in keys}

    async def keys(self, *entity_ids: UUID) -> list[str]:
        return sorted({key for each in entity_ids for key in self._entity(each).latest})

    async def attribute_keys(self, *entity_ids: UUID) -> list[str]:
        scopes = [self._entity(each).attributes[scope] for each in entity_ids for scope in Scope]
        return sorted({key for stored in scopes for key in stored})

    async def read(self, query: RangeQuery) -> dict[str, list[Point]]:
        span = span_of(query.start_ms, query.end_ms)
        history = self._entity(query.entity_id).history
        return {
            key: _select(history[key], query, span) if key in history and not span.is_empty else []
            for key in query.keys
        }

    async def delete(self, deletion: Deletion) -> None:
        span = span_of(deletion.start_ms, deletion.end_ms)
        entity = self._entity(deletion.entity_id)
        for key in deletion.keys:
            series = entity.history.get(key, _Series())
            series.remove(span)
            newest = entity.latest.get(key)
            if deletion.latest and newest and span.start_ms <= newest.ts_ms < span.end_ms:
                del entity.latest[key]
                if deletion.rewrite_latest and series.times:
                    ts_ms = series.times[-1]
                    entity.latest[key] = Point(ts_ms, series.values[ts_ms])

    async def attributes(
        self, entity_id: UUID, scope: Scope, keys: tuple[str, ...] | None = None
    ) -> list[Attribute]:
        stored = self._entity(entity_id).attributes[scope]
        return [stored[key] for key in sorted(stored) if keys is None or key in keys]

    async def delete_attributes(
        self, entity_id: UUID, scope: Scope, keys: tuple[str, ...]
    ) -> list[str]:
        stored = self._entity(entity_id).attributes[scope]
        return [key for key in sorted(set(keys)) if stored.pop(key, None) is not None]

    async def entities_with(self, scope: Scope, key: str, value: Value) -> list[UUID]:
        return sorted(
            entity_id
            for entity_id, entity in self._entities.items()
            if key in entity.attributes[scope]
            and _is_same(entity.attributes[scope][key].value, value)
        )

    async def purge(self, entity_id: UUID) -> None:
        self._entities.pop(entity_id, None)

    async def expire(self, before_ms: int, *, limit: int) -> int:
        expired = Span(INT64_MIN, before_ms)
        count = 0
        for entity in self._entities.values():
            for series in entity.history.values():
                times = [point.ts_ms for point in series.between(expired)][: limit - count]
                if times:
                    series.remove(Span(times[0], times[-1] + 1))
                    count += len(times)
        return count

    def _entity(self, entity_id: UUID) -> _Entity:
        return self._entities.get(entity_id) or _Entity()


def _is_same(one: Value, other: Value) -> bool:
    """Compare value and type: 1, 1.0 and True are three values."""
    return type(one) is type(other) and one == other


def _select(series: _Series, query: RangeQuery, span: Span) -> list[Point]:
    if intervals.is_aggregated(query):
        points = _aggregate(series, query, span)
        return points[::-1] if query.descending else points
    points = series.between(span)
    return (points[::-1] if query.descending else points)[: max(query.limit, 0)]


def _aggregate(series: _Series, query: RangeQuery, span: Span) -> list[Point]:
    result = []
    for interval in _intervals(series, query, span):
        values = [point.value for point in series.between(interval)]
        value = _combine(query.aggregation, values)
        if value is not None:
            result.append(Point(interval.middle_ms, value))
    return result


def _intervals(series: _Series, query: RangeQuery, span: Span) -> Iterable[Span]:
    if query.interval_type is not IntervalType.MILLISECONDS:
        return intervals.calendar_intervals(query, span)
    interval_ms = intervals.fixed_interval(query, span)
    times = [point.ts_ms for point in series.between(span)]
    used = sorted({(ts_ms - span.start_ms) // interval_ms for ts_ms in times})
    return [intervals.nth_interval(span, interval_ms, index) for index in used]


def _combine(aggregation: Aggregation, values: Sequence[Value]) -> Value | None:
    """Make one value of an interval's values, as the interface says, the plain way."""
    if aggregation is Aggregation.COUNT:
        return _count(values)
    numbers = [value for value in values if type(value) is int or type(value) is float]
    strings = [value for value in values if type(value) is str]
    if aggregation in {Aggregation.MIN, Aggregation.MAX}:
        return _extreme(aggregation, numbers, strings)
    return _add_up(aggregation, numbers)


def _count(values: Sequence[Value]) -> int | None:
    for kinds in ((bool,), (str,), (JsonText,), (int, float)):
        count = sum(type(value) in kinds for value in values)
        if count:
            return count
    return None


def _extreme(
    aggregation: Aggregation, numbers: Sequence[int | float], strings: Sequence[str]
) -> Value | None:
    choose = min if aggregation is Aggregation.MIN else max
    if not numbers:
        return choose(strings, default=None)
    found = choose(numbers)
    return float(found) if any(type(number) is float for number in numbers) else found


def _add_up(aggregation: Aggregation, numbers: Sequence[int | float]) -> Value | None:
    if not numbers:
        return None
    long_sum = sum(number for number in numbers if type(number) is int)
    doubles = [number for number in numbers if type(number) is float]
    if aggregation is Aggregation.AVG:
        return (float(long_sum) + sum(doubles)) / len(numbers)
    if doubles or not INT64_MIN <= long_sum <= INT64_MAX:
        return float(long_sum) + sum(doubles)
    return long_sum
