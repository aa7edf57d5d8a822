"""Single aggregates of a range, with the same aggregate of an earlier one beside it."""

from collections.abc import Sequence

from fieldline.api.websocket.commands import AggKey
from fieldline.api.websocket.updates import DELETED, Shown
from fieldline.domains.telemetry.reading import PointBudget
from fieldline.domains.telemetry.source import Source
from fieldline.timeseries.store import Aggregation, RangeQuery, TimeseriesStore

COUNTED = {Aggregation.SUM, Aggregation.COUNT}
"""Aggregations whose result over nothing is 0."""


async def read(
    store: TimeseriesStore, source: Source, keys: Sequence[AggKey], start_ms: int, end_ms: int
) -> dict[str, dict[str, Shown]]:
    """Return per id of a key its ``current`` and ``previous`` aggregate."""
    found: dict[str, dict[str, Shown]] = {}
    for key in keys:
        pair: dict[str, Shown] = {}
        if not key.previous_value_only:
            pair["current"] = await _one(store, source, key, start_ms, end_ms)
        if key.previous_start_ts is not None and key.previous_end_ts is not None:
            pair["previous"] = await _one(
                store, source, key, key.previous_start_ts, key.previous_end_ts
            )
        found[str(key.id)] = pair
    return found


async def _one(
    store: TimeseriesStore, source: Source, key: AggKey, start_ms: int, end_ms: int
) -> Shown:
    """Read one aggregate over the whole range; without an aggregation, its newest point."""
    query = RangeQuery(
        source.entity.id,
        (key.key,),
        start_ms,
        end_ms,
        limit=1,
        aggregation=key.agg,
        interval_ms=max(end_ms - start_ms, 1),
    )
    points = (await source.read(store, query, PointBudget())).get(key.key, [])
    if points:
        return points[0]
    return (0, 0) if key.agg in COUNTED else DELETED
