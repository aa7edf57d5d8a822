"""Values, and short ways to store and read them, for the contract's tests."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from fieldline.kit.values import INT64_MAX, INT64_MIN, JsonText, Value
from fieldline.timeseries.store import (
    Aggregation,
    AttributeWrite,
    RangeQuery,
    ReadingsWrite,
    Scope,
    TimeseriesStore,
    WriteBatch,
)

T0 = 1_700_000_000_000
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
