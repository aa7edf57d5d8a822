"""Two dialects on one application: which route answers, and in which form an error is told.

**Routes.** :class:`TbRoute` is the route class of ThingsBoard's routers (:func:`tb_router` makes
one). Such a route steps back when a query parameter that it requires is missing, so that another
route of the same path answers: v1's list, or a variant with other parameters. When no other fits,
it answers itself and names the missing parameter. ThingsBoard's routers are therefore mounted
before v1's.

**Errors.** An :data:`ErrorForm` turns a :class:`Problem` into an answer. A route class chooses its
form with the class attribute ``error_form``; without one the path decides (``api/errors.py``):
``/api/v1`` answers v1's form, a path under ``/api`` that both dialects serve answers the fields of
both, anything else ThingsBoard's. Its class attribute ``describe_error`` says the same to the
documentation (``rest/documents.py``).
"""

import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from fastapi import APIRouter, Request
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, compile_path, get_name
from starlette.types import Message, Receive, Scope, Send

from fieldline.kit.json import dumps, loads
from fieldline.rest import documents
from fieldline.rest.callers import RoleRule
from fieldline.rest.services import get_services

V1_PREFIX = "/api/v1/"
SHARED_PREFIX = "/api/"
"""Where both dialects answer."""
SMALL_BYTES = 64 * 1024
"""A body up to this is read whoever sends it."""
_LACKS_QUERY = "fieldline.lacks_query"
"""Set in the scope: the first route that would fit but for a query parameter, and its own scope."""
_IS_NO_SEARCH = "fieldline.is_no_search"
"""Set in the scope of a request that a :class:`SearchRoute` leaves to v1."""
_UNSAID = DefaultPlaceholder(None)
_MAKING = threading.RLock()
"""One thread at a time makes routes."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An error on its way out, as both dialects need it.

    ``status`` is ThingsBoard's HTTP status, ``v1_status`` v1's; ``code`` is ThingsBoard's
    ``errorCode``; ``extra`` goes into ThingsBoard's body beside the usual fields.
    """

    status: int
    code: int
    message: str
    v1_status: int
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


ErrorForm = Callable[[Problem], Response]


def json_response(
    content: Any,  # noqa: ANN401 - JSON is any of its types
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer JSON by orjson."""
    return Response(dumps(content), status, dict(headers or {}), "application/json")


def thingsboard_form(problem: Problem) -> Response:
    """Answer as ThingsBoard does."""
    return json_response(_thingsboard_body(problem), problem.status, problem.headers)


def v1_form(problem: Problem) -> Response:
    """Answer as v1 does."""
    body = {"detail": problem.message, "status_code": problem.v1_status}
    return json_response(body, problem.v1_status, problem.headers)


def both_forms(problem: Problem) -> Response:
    """Answer the fields of both; the status is ThingsBoard's."""
    body = _thingsboard_body(problem)
    body |= {"detail": problem.message, "status_code": problem.status}
    return json_response(body, problem.status, problem.headers)


def raw_text_form(problem: Problem) -> Response:
    """Answer the bare message, and nothing for 401 and 500: telemetry, RPC, rule engine."""
    text = "" if problem.status in {401, 500} else problem.message
    return PlainTextResponse(text, problem.status, dict(problem.headers))


def _thingsboard_body(problem: Problem) -> dict[str, Any]:
    return {
        "status": problem.status,
        "message": problem.message,
        "errorCode": problem.code,
        "timestamp": time.time_ns() // 1_000_000,
        **problem.extra,
    }


class StrictRequest(Request):
    """Reads JSON by orjson: faster, and no NaN, no lone surrogates, which cannot be stored."""

    async def json(self) -> Any:  # noqa: ANN401 - JSON is any of its types
        if not hasattr(self, "_json"):
            self._json = loads(await self.body())
        return self._json


class Route(APIRoute):
    """A route of any dialect: strict JSON, the error form of its choice, made when it is needed.

    What FastAPI makes of an endpoint (dependants, validators of parameters, body and answer) costs
    milliseconds and some 30 KiB a route, and a process serves few of its hundreds of routes. So a
    new route knows only what is needed to match a path; the first look at anything else makes the
    rest.

    FastAPI reads and parses a body before it asks who sends it; a large one is read only from
    somebody who may call the route.
    """

    error_form: ClassVar["staticmethod[[Problem], Response] | None"] = None
    describe_error: ClassVar["staticmethod[[int], documents.Content]"]
    validates: ClassVar[bool] = False
    """Whether an input of a wrong type or form is a 422."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **kwargs: Any) -> None:  # noqa: ANN401
        self.path, self.endpoint = path, endpoint
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)
        self.methods = {method.upper() for method in kwargs.get("methods") or ("GET",)}
        self.name = kwargs.get("name") or get_name(endpoint)
        self.include_in_schema = kwargs.get("include_in_schema", True)
        returned = getattr(endpoint, "__annotations__", {}).get("return", endpoint)
        is_described = not isinstance(kwargs.get("response_model", _UNSAID), DefaultPlaceholder)
        if (
            returned in (None, Response)
            and not is_described
            and isinstance(kwargs.get("response_class"), DefaultPlaceholder)
        ):
            # Nothing to say is an empty body, not JSON's null; a Response may be anything.
            kwargs["response_class"] = Response
        self._given: dict[str, Any] | None = kwargs

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of a route
        """Give an attribute that is not there yet."""
        if name == "_given" or name.startswith("__"):
            raise AttributeError(name)
        # The document is made in a thread, while requests come in.
        with _MAKING:
            if self._given is not None:
                super().__init__(self.path, self.endpoint, **self._given)
                self._given = None
        try:
            return vars(self)[name]
        except KeyError:
            raise AttributeError(name) from None

    def roles(self) -> list[str]:
        """Return who may call; nobody in particular when no token is needed."""
        return sorted(role.value for rule in self.rules for role in rule.authorities)

    def error_answers(self) -> dict[str, Any]:
        """Return OpenAPI's ``responses`` of the errors."""
        has_body = self.body_field is not None or "requestBody" in (self.openapi_extra or {})
        takes = documents.Takes(
            token=bool(self.rules),
            input=has_body
            or any(each.path_params or each.query_params for each in _dependants(self)),
            body=has_body,
            change=self.methods != {"GET"},
            validates=self.validates,
        )
        return documents.error_answers(takes, self.describe_error)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            await self.let_in(request)
            return await handle(StrictRequest(request.scope, request.receive))

        return handle_strictly

    @cached_property
    def rules(self) -> list[RoleRule]:
        """Who may call."""
        return [each.call for each in _dependants(self) if isinstance(each.call, RoleRule)]

    async def let_in(self, request: Request) -> None:
        """Refuse who may not call, before a large body is read."""
        if _may_be_large(request):
            for rule in self.rules:
                await rule(request, await get_services(request))


class TbRoute(Route):
    """A route of ThingsBoard's dialect; see the module's text."""

    describe_error = staticmethod(documents.thingsboard_content)

    @cached_property
    def required_query(self) -> frozenset[bytes]:
        """The names of query parameters without which the endpoint cannot be called."""
        return frozenset(
            str(param.alias).encode()
            for dependant in _dependants(self)
            for param in dependant.query_params
            if param.field_info.is_required()
        )

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = super().matches(scope)
        if match is Match.FULL and not self.required_query <= _query_names(scope):
            scope.setdefault(_LACKS_QUERY, (self, child_scope))
            return Match.PARTIAL, child_scope
        return match, child_scope

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; a route of another method steps back for one that only lacks a parameter."""
        if _LACKS_QUERY in scope and scope["method"] not in (self.methods or ()):
            route, child_scope = scope.pop(_LACKS_QUERY)
            scope.update(child_scope)
            await route.handle(scope, receive, send)
            return
        await super().handle(scope, receive, send)


class RawTextRoute(TbRoute):
    """A route whose errors are bare text."""

    error_form = staticmethod(raw_text_form)
    describe_error = staticmethod(documents.raw_text_content)


class SearchRoute(TbRoute):
    """A search by POST on a path to which v1 posts something new.

    A body with ``parameters`` is the search; any other one is for v1's route of the path.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return (Match.NONE, {}) if scope.get(_IS_NO_SEARCH) else super().matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        request = Request(scope, receive)
        await self.let_in(request)
        body = await request.body()
        if _is_search(body):
            await super().handle(scope, _again(body, receive), send)
            return
        scope[_IS_NO_SEARCH] = True
        await scope["app"].router.app(scope, _again(body, receive), send)


class V1Route(Route):
    """A route of the v1 dialect: its path begins with ``/api/v1``, and it answers at ``/api`` too.

    There a request with ``pageSize`` is meant for ThingsBoard's route of that path, if there is
    one, even when another parameter is missing.
    """

    describe_error = staticmethod(documents.v1_content)
    validates = True
    has_twin = True
    """Whether ThingsBoard's dialect has a route of the same path and method."""
    left_to_twins: frozenset[tuple[str, str]] = frozenset()
    """Methods and paths that ThingsBoard's dialect names: `devices/list` is no device's id."""

    @property
    def shared_path(self) -> str:
        """The path where ThingsBoard's dialect answers as well."""
        return SHARED_PREFIX + self.path.removeprefix(V1_PREFIX)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path: str = scope["path"]
        if path.startswith(V1_PREFIX):
            return super().matches(scope)
        if (scope.get("method"), path) in self.left_to_twins:
            return Match.NONE, {}
        path = V1_PREFIX + path.removeprefix(SHARED_PREFIX)
        match, child_scope = super().matches({**scope, "path": path})
        if match is Match.FULL and self.has_twin and b"pageSize" in _query_names(scope):
            return Match.PARTIAL, child_scope
        return match, child_scope


def tb_router(*tags: str, route_class: type[TbRoute] = TbRoute) -> APIRouter:
    """Make a router for ThingsBoard's dialect."""
    return APIRouter(prefix="/api", tags=list(tags), route_class=route_class)


def v1_router(*tags: str) -> APIRouter:
    """Make a router for the v1 dialect."""
    return APIRouter(prefix=V1_PREFIX.rstrip("/"), tags=list(tags), route_class=V1Route)


def _is_search(body: bytes) -> bool:
    try:
        content = loads(body)
    except ValueError:
        return False
    return isinstance(content, dict) and "parameters" in content


def _again(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read once more, then whatever comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


def _query_names(scope: Scope) -> set[bytes]:
    query: bytes = scope["query_string"]
    return {part.split(b"=", 1)[0] for part in query.split(b"&")} if query else set()


def _dependants(route: APIRoute) -> Iterator[Dependant]:
    """Give what the endpoint depends on, itself included."""
    waiting = [route.dependant]
    while waiting:
        dependant = waiting.pop()
        waiting.extend(dependant.dependencies)
        yield dependant


def _may_be_large(request: Request) -> bool:
    length = request.headers.get("content-length")
    if length is None:
        return "transfer-encoding" in request.headers
    return not length.isdigit() or int(length) > SMALL_BYTES
