"""Telemetry and attributes in ThingsBoard's dialect: ``/api/plugins/telemetry``.

(Dependencies are coroutines because FastAPI would call plain functions in a thread.)
"""

from typing import Annotated, Any

from fastapi import Depends, Path, Query
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from fieldline.domains.telemetry import schemas
from fieldline.domains.telemetry.parameters import (
    Device,
    EndTs,
    Entity,
    Keys,
    Range,
    ScopePath,
    StartTs,
    Strict,
)
from fieldline.domains.telemetry.service import Telemetry
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityRef
from fieldline.kit.telemetry_json import TypingRules, parse_attributes, parse_telemetry
from fieldline.rest.callers import AnyUser
from fieldline.rest.dialects import (
    Problem,
    RawTextRoute,
    raw_text_form,
    tb_router,
    thingsboard_form,
)
from fieldline.rest.documents import Content, raw_text_content, thingsboard_content
from fieldline.rest.services import Services, ServicesDep
from fieldline.timeseries.store import Deletion, Scope

JSON = "application/json"
USER_SCOPES = (Scope.SERVER, Scope.SHARED)
"""Scopes that people write; a device writes its own CLIENT_SCOPE."""


def telemetry_error(problem: Problem) -> Response:
    """Answer the bare text, as ThingsBoard's telemetry controller does.

    A refused token is told as JSON: there the filter before the controller answers, and clients
    renew a token only when they find its error code.
    """
    return thingsboard_form(problem) if problem.status == 401 else raw_text_form(problem)


def telemetry_error_content(status: int) -> Content:
    """Describe the errors to the documentation."""
    return thingsboard_content(status) if status == 401 else raw_text_content(status)


class TelemetryRoute(RawTextRoute):
    """A route whose errors are bare text, but for a refused token."""

    error_form = staticmethod(telemetry_error)
    describe_error = staticmethod(telemetry_error_content)


router = tb_router("Telemetry", route_class=TelemetryRoute)


async def get_telemetry(connection: HTTPConnection) -> Telemetry:
    """Return the application's telemetry service."""
    telemetry: Telemetry = connection.app.state.telemetry
    return telemetry


TelemetryDep = Annotated[Telemetry, Depends(get_telemetry)]


def json_answer(content: bytes) -> Response:
    return Response(content, media_type=JSON)


def answer_schema(model: Any) -> dict[int | str, dict[str, Any]]:  # noqa: ANN401 - a type
    """Describe an answer that is encoded by hand."""
    return {200: {"model": model}}


def rest_rules(services: Services) -> TypingRules:
    """Return how values of ThingsBoard's REST API are typed."""
    limit = services.limits.max_string_value_length
    return TypingRules(skip_nulls=False, max_string_length=limit)


JSON_BODY = {
    "requestBody": {"required": True, "content": {JSON: {"schema": {"type": "object"}}}},
}
TELEMETRY_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {},
                "examples": {
                    "values": {"value": {"temperature": 21.5}},
                    "with time": {"value": {"ts": 1700000000000, "values": {"temperature": 21.5}}},
                    "several": {"value": [{"ts": 1700000000000, "values": {"temperature": 21.5}}]},
                },
            }
        },
    },
}


@router.get("/plugins/telemetry/{entityType}/{entityId}/keys/timeseries")
async def timeseries_keys(caller: AnyUser, telemetry: TelemetryDep, entity: Entity) -> list[str]:
    """List the keys that have telemetry."""
    return await telemetry.keys(caller, entity)


@router.get("/plugins/telemetry/{entityType}/{entityId}/keys/attributes")
async def attribute_keys(caller: AnyUser, telemetry: TelemetryDep, entity: Entity) -> list[str]:
    """List the keys of attributes of any scope."""
    found = await telemetry.attributes(caller, entity)
    return sorted({attribute.key for scope in found.values() for attribute in scope})


@router.get("/plugins/telemetry/{entityType}/{entityId}/keys/attributes/{scope}")
async def attribute_keys_of_scope(
    caller: AnyUser, telemetry: TelemetryDep, entity: Entity, scope: ScopePath
) -> list[str]:
    """List the keys of attributes of one scope."""
    found = await telemetry.attributes(caller, entity, [scope])
    return [attribute.key for attribute in found[scope]]


@router.get(
    "/plugins/telemetry/{entityType}/{entityId}/values/attributes",
    responses=answer_schema(list[schemas.AttributeData]),
)
async def attribute_values(
    caller: AnyUser, telemetry: TelemetryDep, entity: Entity, keys: Keys
) -> Response:
    """Read attributes of all scopes together."""
    found = await telemetry.attributes(caller, entity, keys=keys)
    return json_answer(schemas.attributes_bytes(a for scope in found.values() for a in scope))


@router.get(
    "/plugins/telemetry/{entityType}/{entityId}/values/attributes/{scope}",
    responses=answer_schema(list[schemas.AttributeData]),
)
async def attribute_values_of_scope(
    caller: AnyUser, telemetry: TelemetryDep, entity: Entity, scope: ScopePath, keys: Keys
) -> Response:
    """Read attributes of one scope."""
    found = await telemetry.attributes(caller, entity, [scope], keys)
    return json_answer(schemas.attributes_bytes(found[scope]))


@router.get(
    "/plugins/telemetry/{entityType}/{entityId}/values/timeseries",
    responses=answer_schema(dict[str, list[schemas.TsData]]),
)
async def timeseries_values(
    *,
    caller: AnyUser,
    telemetry: TelemetryDep,
    services: ServicesDep,
    entity: Entity,
    keys: Keys,
    query: Range,
    strict: Strict = False,
) -> Response:
    """Read the latest values, or with ``startTs`` and ``endTs`` the history."""
    if query is not None:
        series = await telemetry.history(caller, entity, query)
        return json_answer(await schemas.history_bytes(series, strict=strict))
    points = await telemetry.latest(caller, entity, keys)
    now_ms = services.clock.now_ms()
    wanted = keys if keys is not None else sorted(points)
    return json_answer(schemas.latest_bytes(points, wanted, now_ms=now_ms, strict=strict))


@router.get(
    "/plugins/telemetry/{entityType}/{entityId}/values/timeseries/history",
    responses=answer_schema(dict[str, list[schemas.TsData]]),
)
async def timeseries_history(
    caller: AnyUser, telemetry: TelemetryDep, entity: Entity, query: Range, strict: Strict = False
) -> Response:
    """Read the history; ``startTs`` and ``endTs`` are required."""
    if query is None:
        msg = "startTs and endTs are required"
        raise Invalid(msg)
    series = await telemetry.history(caller, entity, query)
    return json_answer(await schemas.history_bytes(series, strict=strict))


@router.post(
    "/plugins/telemetry/{entityType}/{entityId}/timeseries/{scope}", openapi_extra=TELEMETRY_BODY
)
async def save_timeseries(
    caller: AnyUser,
    telemetry: TelemetryDep,
    services: ServicesDep,
    entity: Entity,
    scope: str,  # noqa: ARG001 - any word, without effect
    request: Request,
) -> Response:
    """Store telemetry: ``{k: v}``, ``{"ts", "values"}`` or an array of these."""
    return await _save_readings(caller, telemetry, services, entity, request)


@router.post(
    "/plugins/telemetry/{entityType}/{entityId}/timeseries/{scope}/{ttl}",
    openapi_extra=TELEMETRY_BODY,
)
async def save_timeseries_with_ttl(
    *,
    caller: AnyUser,
    telemetry: TelemetryDep,
    services: ServicesDep,
    entity: Entity,
    scope: str,  # noqa: ARG001 - any word, without effect
    ttl: Annotated[int, Path(ge=0)],  # noqa: ARG001 - one retention holds for everything
    request: Request,
) -> Response:
    """Store telemetry; how long it is kept is a setting of the whole platform, not the ``ttl``."""
    return await _save_readings(caller, telemetry, services, entity, request)


async def _save_readings(
    caller: AnyUser, telemetry: Telemetry, services: Services, entity: EntityRef, request: Request
) -> Response:
    readings = parse_telemetry(await request.body(), services.clock.now_ms(), rest_rules(services))
    await telemetry.save_readings(caller, entity, readings)
    return Response()


@router.delete("/plugins/telemetry/{entityType}/{entityId}/timeseries/delete")
async def delete_timeseries(
    *,
    caller: AnyUser,
    telemetry: TelemetryDep,
    services: ServicesDep,
    entity: Entity,
    keys: Keys,
    start_ts: StartTs = None,
    end_ts: EndTs = None,
    delete_all: Annotated[bool, Query(alias="deleteAllDataForKeys")] = False,
    delete_latest: Annotated[bool, Query(alias="deleteLatest")] = True,
    rewrite_latest: Annotated[bool, Query(alias="rewriteLatestIfDeleted")] = False,
) -> Response:
    """Delete the readings of some keys in ``[startTs, endTs)``, or all up to now."""
    if delete_all:
        start_ts, end_ts = 0, services.clock.now_ms()
    elif start_ts is None or end_ts is None:
        msg = "startTs and endTs are required unless deleteAllDataForKeys is true"
        raise Invalid(msg)
    deletion = Deletion(
        entity.id,
        tuple(keys or ()),
        start_ts,
        end_ts,
        latest=delete_latest,
        rewrite_latest=rewrite_latest,
    )
    await telemetry.delete_readings(caller, entity, deletion)
    return Response()


@router.post(
    "/plugins/telemetry/{entityType}/{entityId}/attributes/{scope}", openapi_extra=JSON_BODY
)
@router.post("/plugins/telemetry/{entityType}/{entityId}/{scope}", openapi_extra=JSON_BODY)
async def save_attributes(
    caller: AnyUser,
    telemetry: TelemetryDep,
    services: ServicesDep,
    entity: Entity,
    scope: str,
    request: Request,
) -> Response:
    """Store attributes of SERVER_SCOPE or SHARED_SCOPE."""
    return await _save_attributes(caller, telemetry, services, entity, scope, request)


@router.post("/plugins/telemetry/{deviceId}/{scope}", openapi_extra=JSON_BODY)
async def save_device_attributes(
    caller: AnyUser,
    telemetry: TelemetryDep,
    services: ServicesDep,
    device: Device,
    scope: str,
    request: Request,
) -> Response:
    """Store attributes of a device."""
    return await _save_attributes(caller, telemetry, services, device, scope, request)


async def _save_attributes(
    caller: AnyUser,
    telemetry: Telemetry,
    services: Services,
    entity: EntityRef,
    scope: str,
    request: Request,
) -> Response:
    if scope not in USER_SCOPES:
        msg = f"Invalid scope: {scope}; expected one of {', '.join(USER_SCOPES)}"
        raise Invalid(msg)
    values = parse_attributes(await request.body(), rest_rules(services))
    await telemetry.save_attributes(caller, entity, Scope(scope), values)
    return Response()


@router.delete("/plugins/telemetry/{entityType}/{entityId}/{scope}")
async def delete_attributes(
    caller: AnyUser, telemetry: TelemetryDep, entity: Entity, scope: ScopePath, keys: Keys
) -> Response:
    """Delete attributes of one scope."""
    await telemetry.delete_attributes(caller, entity, scope, keys or ())
    return Response()


@router.delete("/plugins/telemetry/{deviceId}/{scope}")
async def delete_device_attributes(
    caller: AnyUser, telemetry: TelemetryDep, device: Device, scope: ScopePath, keys: Keys
) -> Response:
    """Delete attributes of a device."""
    await telemetry.delete_attributes(caller, device, scope, keys or ())
    return Response()
