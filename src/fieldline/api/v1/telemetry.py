"""Telemetry and attributes in the v1 dialect: values in their own types, kept as sent."""

from typing import Annotated, Any

import orjson
from fastapi import Depends, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from fieldline.domains.telemetry.endpoints import (
    JSON_BODY,
    TELEMETRY_BODY,
    TelemetryDep,
    answer_schema,
    json_answer,
)
from fieldline.domains.telemetry.parameters import Keys, ScopePath
from fieldline.domains.telemetry.schemas import TsData, history_bytes, typed
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityRef, parse_ref
from fieldline.kit.telemetry_json import TypingRules, parse_attributes, parse_telemetry
from fieldline.rest.callers import AnyUser
from fieldline.rest.dialects import v1_router
from fieldline.rest.services import Services, ServicesDep
from fieldline.timeseries.store import Aggregation, RangeQuery

router = v1_router("Telemetry")


class Series(BaseModel):
    """Points of each key."""

    data: dict[str, list[TsData]]


class AttributeValue(BaseModel):
    """An attribute's value and when it was last set."""

    value: Any
    last_update_ts: int


class Saved(BaseModel):
    """How many values were stored."""

    saved: int


async def entity_path(entity_type: str, entity_id: str) -> EntityRef:
    return parse_ref(entity_type, entity_id)


Entity = Annotated[EntityRef, Depends(entity_path)]


async def read_range(
    *,
    entity: Entity,
    keys: Keys,
    services: ServicesDep,
    start_ts: Annotated[int | None, Query(alias="startTs")] = None,
    end_ts: Annotated[int | None, Query(alias="endTs")] = None,
    interval: Annotated[int, Query(ge=0)] = 0,
    agg: Aggregation = Aggregation.NONE,
    limit: int = 100,
) -> RangeQuery | None:
    """Read what describes a history; None, for the latest values, without either end."""
    if start_ts is None and end_ts is None:
        return None
    return RangeQuery(
        entity.id,
        tuple(keys or ()),
        start_ts or 0,
        end_ts if end_ts is not None else services.clock.now_ms(),
        limit=limit,
        aggregation=agg,
        interval_ms=interval,
    )


def typing_rules(services: Services) -> TypingRules:
    """Return v1's rules: a string stays one even when it looks like a number."""
    limit = services.limits.max_string_value_length
    return TypingRules(skip_nulls=False, cast_strings=False, max_string_length=limit)


@router.get(
    "/telemetry/{entity_type}/{entity_id}/values/timeseries", responses=answer_schema(Series)
)
async def timeseries_values(
    caller: AnyUser,
    telemetry: TelemetryDep,
    entity: Entity,
    keys: Keys,
    query: Annotated[RangeQuery | None, Depends(read_range)],
) -> Response:
    """Read the latest value of each key, or with ``startTs`` or ``endTs`` the history."""
    if query is not None:
        series = await telemetry.history(caller, entity, query)
    else:
        latest = await telemetry.latest(caller, entity, keys)
        wanted = keys if keys is not None else sorted(latest)
        series = {key: [latest[key]] if key in latest else [] for key in wanted}
    data = await history_bytes(series, strict=True, keep_empty=True)
    return json_answer(b'{"data":' + data + b"}")


@router.get("/telemetry/{entity_type}/{entity_id}/keys/timeseries")
async def timeseries_keys(caller: AnyUser, telemetry: TelemetryDep, entity: Entity) -> list[str]:
    """List the keys that have telemetry."""
    return await telemetry.keys(caller, entity)


@router.post(
    "/telemetry/{entity_type}/{entity_id}/timeseries/{scope}", openapi_extra=TELEMETRY_BODY
)
async def save_timeseries(
    caller: AnyUser,
    telemetry: TelemetryDep,
    services: ServicesDep,
    entity: Entity,
    scope: str,  # noqa: ARG001 - any word, without effect
    request: Request,
) -> Saved:
    """Store telemetry: ``{k: v}``, ``{"ts", "values"}`` or a list of these."""
    readings = parse_telemetry(
        await request.body(), services.clock.now_ms(), typing_rules(services)
    )
    await telemetry.save_readings(caller, entity, readings)
    return Saved(saved=sum(len(values) for _ts, values in readings))


@router.get(
    "/telemetry/{entity_type}/{entity_id}/attributes",
    responses=answer_schema(dict[str, dict[str, AttributeValue]]),
)
async def attributes(
    caller: AnyUser, telemetry: TelemetryDep, entity: Entity, keys: Keys
) -> Response:
    """Read the attributes of all scopes: ``{scope: {key: {"value", "last_update_ts"}}}``."""
    found = await telemetry.attributes(caller, entity, keys=keys)
    answer = {
        scope.value: {
            key: {"value": typed(value), "last_update_ts": updated_ms}
            for key, value, updated_ms in scoped
        }
        for scope, scoped in found.items()
    }
    return json_answer(orjson.dumps(answer))


@router.post("/telemetry/{entity_type}/{entity_id}/attributes/{scope}", openapi_extra=JSON_BODY)
async def save_attributes(
    caller: AnyUser,
    telemetry: TelemetryDep,
    services: ServicesDep,
    entity: Entity,
    scope: ScopePath,
    request: Request,
) -> Saved:
    """Store attributes of one scope."""
    values = parse_attributes(await request.body(), typing_rules(services))
    await telemetry.save_attributes(caller, entity, scope, values)
    return Saved(saved=len(values))


@router.delete("/telemetry/{entity_type}/{entity_id}/attributes/{scope}", status_code=204)
async def delete_attributes(
    caller: AnyUser, telemetry: TelemetryDep, entity: Entity, scope: ScopePath, keys: Keys
) -> None:
    """Delete the attributes named by ``keys``."""
    if not keys:
        msg = "The parameter 'keys' is missing: name the attributes to delete, comma separated"
        raise Invalid(msg)
    await telemetry.delete_attributes(caller, entity, scope, keys)
