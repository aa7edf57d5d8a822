"""Frames that the server sends: v1 updates, ENTITY_DATA updates, and errors."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any

import orjson

from fieldline.domains.telemetry.schemas import POINTS_ON_LOOP
from fieldline.kit.ids import EntityRef
from fieldline.kit.java_text import value_text
from fieldline.kit.paging import Page
from fieldline.kit.values import Value

Shown = tuple[int, Value | None]
"""A time and a value on the wire; ``None`` is a null."""

DELETED: Shown = (0, "")
"""What a deleted or missing value looks like."""


class ErrorCode(IntEnum):
    """Codes of errors inside an update."""

    NONE = 0
    INTERNAL = 1
    BAD_REQUEST = 2
    UNAUTHORIZED = 3


async def encoded(points: int, encode: Callable[[], bytes]) -> bytes:
    """Encode a reply, in a thread when it has so many points that others would wait for it."""
    return await asyncio.to_thread(encode) if points > POINTS_ON_LOOP else encode()


def v1_update(cmd_id: int, data: Mapping[str, Sequence[Shown]]) -> bytes:
    """Encode values by key; each list's last time is repeated in ``latestValues``."""
    keys = sorted(key for key in data if data[key])
    return orjson.dumps(
        {
            "subscriptionId": cmd_id,
            "errorCode": ErrorCode.NONE,
            "errorMsg": None,
            "data": {key: [[ts_ms, _text(value)] for ts_ms, value in data[key]] for key in keys},
            "latestValues": {key: data[key][-1][0] for key in keys},
        }
    )


def v1_error(cmd_id: int, code: ErrorCode, message: str) -> bytes:
    """Encode why a command was refused."""
    return orjson.dumps(
        {
            "subscriptionId": cmd_id,
            "errorCode": code,
            "errorMsg": message,
            "data": None,
            "latestValues": {},
        }
    )


def ts_value(shown: Shown) -> dict[str, Any]:
    """Return a value with its time, as text."""
    return {"ts": shown[0], "value": _text(shown[1])}


def entity_data(
    entity: EntityRef,
    *,
    latest: Mapping[str, Mapping[str, Shown]] | None = None,
    timeseries: Mapping[str, Iterable[Shown]] | None = None,
    agg_latest: Mapping[str, Mapping[str, Shown]] | None = None,
) -> dict[str, Any]:
    """Return one entity with what is known of it, ready for :func:`orjson.dumps`."""
    return {
        "entityId": {"entityType": entity.type.value, "id": str(entity.id)},
        "latest": _values(latest),
        "timeseries": None
        if timeseries is None
        else {key: [ts_value(shown) for shown in points] for key, points in timeseries.items()},
        "aggLatest": _values(agg_latest),
    }


def entity_data_page(
    cmd_id: int, page: Page[dict[str, Any]], *, page_size: int, offset: int, allowed: int
) -> bytes:
    """Encode the first answer of an ENTITY_DATA command."""
    data = {
        "data": page.items,
        "totalPages": -(-page.total // page_size),
        "totalElements": page.total,
        "hasNext": offset + page_size < page.total,
    }
    return _entity_data_update(cmd_id, data=data, allowed=allowed)


def entity_data_update(cmd_id: int, update: Sequence[dict[str, Any]], *, allowed: int) -> bytes:
    """Encode any later answer of an ENTITY_DATA command."""
    return _entity_data_update(cmd_id, update=update, allowed=allowed)


def entity_data_error(cmd_id: int, code: ErrorCode, message: str) -> bytes:
    """Encode why a part of an ENTITY_DATA command failed."""
    return _entity_data_update(cmd_id, code=code, message=message)


def _entity_data_update(
    cmd_id: int,
    *,
    data: Any = None,  # noqa: ANN401 - JSON is any of its types
    update: Any = None,  # noqa: ANN401 - JSON is any of its types
    code: ErrorCode = ErrorCode.NONE,
    message: str | None = None,
    allowed: int = 0,
) -> bytes:
    return orjson.dumps(
        {
            "cmdId": cmd_id,
            "data": data,
            "update": update,
            "errorCode": code,
            "errorMsg": message,
            "allowedEntities": allowed,
            "cmdUpdateType": "ENTITY_DATA",
        }
    )


def _values(
    groups: Mapping[str, Mapping[str, Shown]] | None,
) -> dict[str, dict[str, dict[str, Any]]] | None:
    if groups is None:
        return None
    return {
        group: {key: ts_value(shown) for key, shown in values.items()}
        for group, values in groups.items()
    }


def _text(value: Value | None) -> str | None:
    return None if value is None else value_text(value)
