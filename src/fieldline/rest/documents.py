"""What the API's documentation says of errors: every status of a route, in its dialect's form.

Which statuses a route can answer follows from what it takes: a token, an input, a body, a change.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

Content = dict[str, Any]
"""``content`` of an answer in OpenAPI: media type -> schema."""
DescribeError = Callable[[int], Content]
"""Gives the content of the errors of a status."""

THINGSBOARD_ERROR = "ThingsBoardError"
V1_ERROR = "V1Error"
SCHEMAS: dict[str, Any] = {
    THINGSBOARD_ERROR: {
        "title": THINGSBOARD_ERROR,
        "type": "object",
        "required": ["status", "message", "errorCode", "timestamp"],
        "properties": {
            "status": {"type": "integer", "description": "The HTTP status."},
            "message": {"type": "string", "description": "What was wrong and would be right."},
            "errorCode": {
                "type": "integer",
                "description": "2 general, 10 authentication, 11 token expired, 20 permission, "
                "31 bad request, 32 not found, 33 too many requests, 35 stale version, 41 limit.",
            },
            "timestamp": {"type": "integer", "description": "Unix time in ms."},
        },
    },
    V1_ERROR: {
        "title": V1_ERROR,
        "type": "object",
        "required": ["detail", "status_code"],
        "properties": {
            "detail": {"type": "string", "description": "What was wrong and would be right."},
            "status_code": {"type": "integer", "description": "The HTTP status."},
        },
    },
}
"""Components that the contents below refer to."""


MAY_BE_EMPTY: dict[int | str, dict[str, Any]] = {
    200: {"description": "The answer, or an empty body for none.", "x-may-be-empty": True}
}
"""``responses`` of a route of ThingsBoard's that answers nothing at all where there is nothing."""


@dataclass(frozen=True, slots=True)
class Takes:
    """What a route takes, from which its errors follow.

    ``validates`` says that a wrong input is a 422 of its own, as in v1.
    """

    token: bool
    input: bool
    body: bool
    change: bool
    validates: bool = False

    def statuses(self) -> Iterator[int]:
        """Give the statuses of errors, in their order."""
        if self.input:
            yield HTTPStatus.BAD_REQUEST
        if self.token or self.input:
            # Without a token it is a wrong password, a refused token in the body.
            yield from (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
        if self.change:
            yield HTTPStatus.CONFLICT
        if self.body:
            yield HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if self.input and self.validates:
            yield HTTPStatus.UNPROCESSABLE_ENTITY
        yield from (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


def error_answers(takes: Takes, describe: DescribeError) -> dict[str, Any]:
    """Return OpenAPI's ``responses`` of a route's errors."""
    return {
        str(int(status)): {
            "description": HTTPStatus(status).phrase,
            "content": describe(status),
        }
        for status in takes.statuses()
    }


def thingsboard_content(status: int) -> Content:
    """Describe ThingsBoard's errors: an object, but for a body that is too large."""
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return {"application/json": {"schema": {"type": "string"}}}
    return _object(THINGSBOARD_ERROR)


def v1_content(status: int) -> Content:  # noqa: ARG001 - one for all
    """Describe v1's errors."""
    return _object(V1_ERROR)


def raw_text_content(status: int) -> Content:  # noqa: ARG001 - one for all
    """Describe errors that are a bare message."""
    return {"text/plain": {"schema": {"type": "string"}}}


def _object(name: str) -> Content:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


MAIL_NOT_SENT: dict[int | str, dict[str, Any]] = {
    500: {"description": "The mail could not be sent.", "content": thingsboard_content(500)}
}
"""``responses`` of ThingsBoard's routes that send mail (v1 answers 503)."""
