"""What requests for telemetry and attributes name: an entity, a scope, keys, a range of time.

(Dependencies are coroutines because FastAPI would call plain functions in a thread.)
"""

from typing import Annotated

from fastapi import Depends, Path, Query

from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityRef, EntityType, parse_id, parse_ref
from fieldline.timeseries.store import Aggregation, IntervalType, RangeQuery, Scope


async def entity_path(
    entity_type: Annotated[str, Path(alias="entityType")],
    entity_id: Annotated[str, Path(alias="entityId")],
) -> EntityRef:
    return parse_ref(entity_type, entity_id)


async def device_path(device_id: Annotated[str, Path(alias="deviceId")]) -> EntityRef:
    return EntityRef(EntityType.DEVICE, parse_id(device_id))


async def read_scope(scope: str) -> Scope:
    try:
        return Scope(scope)
    except ValueError as error:
        msg = f"Invalid scope: {scope}; expected one of {', '.join(Scope)}"
        raise Invalid(msg) from error


async def read_keys(
    keys: Annotated[list[str] | None, Query(description="Keys, comma separated.")] = None,
    key: Annotated[
        list[str] | None, Query(description="One key, repeatable; wins over keys.")
    ] = None,
) -> list[str] | None:
    """Read ``key=a&key=b`` or ``keys=a,b``; none at all means every key."""
    if key:
        return list(dict.fromkeys(key))
    parts = [part.strip() for text in keys or () for part in text.split(",")]
    return list(dict.fromkeys(part for part in parts if part)) or None


Entity = Annotated[EntityRef, Depends(entity_path)]
Device = Annotated[EntityRef, Depends(device_path)]
ScopePath = Annotated[Scope, Depends(read_scope)]
Keys = Annotated[list[str] | None, Depends(read_keys)]
Strict = Annotated[bool, Query(alias="useStrictDataTypes")]
StartTs = Annotated[int | None, Query(alias="startTs")]
EndTs = Annotated[int | None, Query(alias="endTs")]


async def read_range(
    *,
    entity: Entity,
    keys: Keys,
    start_ts: StartTs = None,
    end_ts: EndTs = None,
    interval_type: Annotated[IntervalType, Query(alias="intervalType")] = IntervalType.MILLISECONDS,
    interval: Annotated[int, Query(ge=0)] = 0,
    time_zone: Annotated[str | None, Query(alias="timeZone")] = None,
    limit: int = 100,
    agg: Aggregation = Aggregation.NONE,
    order_by: Annotated[str | None, Query(alias="orderBy")] = None,
) -> RangeQuery | None:
    """Read what describes a history; None without both ends of the range."""
    if start_ts is None or end_ts is None:
        return None
    return RangeQuery(
        entity.id,
        tuple(keys or ()),
        start_ts,
        end_ts,
        limit=limit,
        descending=read_order(order_by),
        aggregation=agg,
        interval_ms=interval,
        interval_type=interval_type,
        time_zone=time_zone or "UTC",
    )


def read_order(text: str | None) -> bool:
    """Return whether the newest point comes first, which it does unless asked otherwise."""
    order = (text or "DESC").upper()
    if order not in {"ASC", "DESC"}:
        msg = f"Unsupported order '{text}'; only ASC and DESC are possible"
        raise Invalid(msg)
    return order == "DESC"


Range = Annotated[RangeQuery | None, Depends(read_range)]
