"""What each kind of error is on the HTTP device API."""

import math
from typing import Any

import orjson
from fastapi import Response
from fastapi.responses import PlainTextResponse

from fieldline.kit.errors import (
    Conflict,
    FieldlineError,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

STATUS: dict[type[FieldlineError], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    RateLimited: 429,
    Unavailable: 503,
}


_TEXT = {"content": {"text/plain": {"schema": {"type": "string"}}}}
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    400: {"description": "What was sent cannot be read.", **_TEXT},
    401: {"description": "No device has this token."},
    403: {"description": "The device may not do this.", **_TEXT},
    413: {
        "description": "The body is too large.",
        "content": {"application/json": {"schema": {"type": "string"}}},
    },
    429: {"description": "The device sends too much.", **_TEXT},
    503: {"description": "Busy or about to stop; try again.", **_TEXT},
}
"""The answers below, for the API's documentation."""


def answer(error: FieldlineError) -> Response:
    """Return the answer that an error is to a device.

    An unknown token gets no body, a body over the limit one JSON string, everything else plain
    text; SDKs look at the code only.
    """
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    if isinstance(error, Unauthenticated):
        return Response(status_code=status)
    if isinstance(error, TooLarge):
        return Response(orjson.dumps(error.message), status, media_type="application/json")
    response = PlainTextResponse(error.message, status)
    if isinstance(error, RateLimited | Unavailable):
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    return response
