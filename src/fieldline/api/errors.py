"""Errors as HTTP tells them: kinds of ``kit/errors.py`` to statuses, and the choice of a form.

Forms are functions of ``rest/dialects.py``. A router chooses one by its route class
(``error_form``); else the route's dialect and the path decide. Endpoints just raise.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from math import ceil
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fieldline.domains.user.errors import MailNotSent
from fieldline.kit import errors as kinds
from fieldline.rest.dialects import (
    V1_PREFIX,
    Problem,
    V1Route,
    both_forms,
    json_response,
    thingsboard_form,
    v1_form,
)
from fieldline.security.tokens import TokenExpired

logger = logging.getLogger(__name__)

GENERAL, AUTHENTICATION, TOKEN_EXPIRED, PERMISSION, BAD_REQUEST = 2, 10, 11, 20, 31
NOT_FOUND, TOO_MANY, STALE, LIMIT = 32, 33, 35, 41

KINDS: dict[type[kinds.FieldlineError], tuple[int, int, int]] = {
    kinds.Invalid: (400, BAD_REQUEST, 400),
    kinds.Unauthenticated: (401, AUTHENTICATION, 401),
    TokenExpired: (401, TOKEN_EXPIRED, 401),
    kinds.Forbidden: (403, PERMISSION, 403),
    kinds.LimitReached: (403, LIMIT, 403),
    kinds.NotFound: (404, NOT_FOUND, 404),
    kinds.Conflict: (400, BAD_REQUEST, 409),
    kinds.StaleVersion: (409, STALE, 409),
    kinds.TooLarge: (413, BAD_REQUEST, 413),
    kinds.RateLimited: (429, TOO_MANY, 429),
    kinds.Unavailable: (503, GENERAL, 503),
    MailNotSent: (500, GENERAL, 503),
}
"""Kind -> ThingsBoard's status, its errorCode, v1's status; a subclass is told as its base."""

HTTP_CODES = {401: AUTHENTICATION, 403: PERMISSION, 404: NOT_FOUND, 429: TOO_MANY, 500: GENERAL}


def install(app: FastAPI) -> None:
    """Make the application tell every error in its form."""
    app.add_exception_handler(kinds.FieldlineError, _on_kind)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)


class CatchAll:
    """Outermost: turns a bug into a 500 with an id that is found in the log, and nothing else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_started = False

        async def send_noting(message: Message) -> None:
            nonlocal is_started
            is_started = is_started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except ClientDisconnect:
            logger.debug("who sent %s %s is gone", scope["method"], _loggable_path(scope))
        except Exception as error:
            if is_started and isinstance(error.__cause__, kinds.FieldlineError):
                # The server ends the connection, so that nobody takes a part for the whole.
                path = _loggable_path(scope)
                logger.warning("answering %s broke off: %s", path, error.__cause__.message)
                return
            error_id = uuid4().hex[:12]
            logger.exception("error %s: %s %s", error_id, scope["method"], _loggable_path(scope))
            if is_started:
                raise
            await _unexpected(scope, error_id)(scope, receive, send)


def problem_of(error: kinds.FieldlineError) -> Problem:
    """Return how HTTP tells an error of a kind; a kind without an entry is our bug."""
    for kind in type(error).__mro__:
        if kind in KINDS:
            status, code, v1_status = KINDS[kind]
            return Problem(
                status, code, error.message, v1_status, _extra(error), _retry_header(error)
            )
    raise error


def answer(request: Request, problem: Problem) -> Response:
    """Tell a problem in the form that the request's route, or else its path, asks for."""
    route = request.scope.get("route")
    form = getattr(route, "error_form", None)
    if form is not None:
        response: Response = form(problem)
        return response
    path = request.scope["path"]
    if path.startswith(V1_PREFIX):
        return v1_form(problem)
    if problem.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return json_response(problem.message, problem.status)
    if isinstance(route, V1Route):
        return both_forms(replace(problem, status=problem.v1_status))
    if _is_shared(request, path):
        return both_forms(problem)
    return thingsboard_form(problem)


def _is_shared(request: Request, path: str) -> bool:
    """Return whether both dialects serve paths that begin as this one does."""
    parts = path.split("/", 3)
    shared: frozenset[str] = request.app.state.shared_segments
    return len(parts) > 2 and parts[1] == "api" and parts[2] in shared


def _extra(error: kinds.FieldlineError) -> dict[str, Any]:
    if isinstance(error, kinds.LimitReached):
        return {"entityType": error.entity_type, "limit": error.limit}
    return {}


def _retry_header(error: kinds.FieldlineError) -> dict[str, str]:
    if isinstance(error, kinds.RateLimited | kinds.Unavailable):
        return {"Retry-After": str(max(1, ceil(error.retry_after_s)))}
    return {}


async def _on_kind(request: Request, error: Exception) -> Response:
    assert isinstance(error, kinds.FieldlineError)  # noqa: S101 - registered for this type
    return answer(request, problem_of(error))


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type
    message, v1_status = _describe(error.errors())
    return answer(request, Problem(400, BAD_REQUEST, message, v1_status))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
    status = error.status_code
    message = str(error.detail)
    if status == HTTPStatus.NOT_FOUND:
        message = f"No endpoint {request.method} {request.url.path}"
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        message = f"Request method '{request.method}' is not supported"
    code = HTTP_CODES.get(status, BAD_REQUEST)
    return answer(request, Problem(status, code, message, status, headers=error.headers or {}))


def _unexpected(scope: Scope, error_id: str) -> Response:
    message = f"Internal error; the log has more under {error_id}"
    return answer(Request(scope), Problem(500, GENERAL, message, 500))


def _loggable_path(scope: Scope) -> str:
    """Return the path without the access token that stands in one of the device HTTP API."""
    path: str = scope["path"]
    token: str | None = scope.get("path_params", {}).get("token")
    return path.replace(token, "{token}") if token else path


def _describe(errors: Sequence[Any]) -> tuple[str, int]:
    """Return the message for validation errors, and v1's status."""
    for error in errors:
        if error["type"] == "json_invalid":
            reason = error.get("ctx", {}).get("error", "not JSON")
            return f"Malformed JSON in the request body: {reason}", 400
    for error in errors:
        if error["type"] == "missing" and error["loc"][0] == "query":
            return f"Required request parameter '{error['loc'][-1]}' is not present", 422
    items = sorted({_item(error) for error in errors})
    return "Validation error: " + ", ".join(items), 422


def _item(error: Any) -> str:  # noqa: ANN401 - pydantic's dict
    """Say one error as ``<field> <text>``, without the value that was sent."""
    place = ".".join(str(part) for part in error["loc"][1:]) or str(error["loc"][0])
    text = str(error["msg"])
    return f"{place} {text[:1].lower()}{text[1:]}"
