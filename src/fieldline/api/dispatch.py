"""Finds the route of a request by the first words of its path.

Starlette tries every route in turn; of some 250 that took up to 1.4 ms a request. Looking up
the resource first (`devices` in `/api/devices/1`, apart from that in `/api/v1/devices`) leaves
a handful to try.
"""

import re
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from fieldline.rest.dialects import SHARED_PREFIX, V1_PREFIX, V1Route

_VARIABLE = re.compile(r"\{[^}]*\}")


class DispatchingRouter(APIRouter):
    """Holds all routes, for the documentation, and hands requests to a small router each.

    Within a resource the order stays that of the arguments.
    """

    def __init__(
        self,
        thingsboard: Sequence[BaseRoute],
        v1: Sequence[BaseRoute],
        others: Sequence[BaseRoute],
        lifespan: Any = None,  # noqa: ANN401 - Starlette's
    ) -> None:
        super().__init__(redirect_slashes=False, lifespan=lifespan)
        self.routes.extend((*thingsboard, *others, *v1))
        twins = {call for route in thingsboard for call in _calls(route, _paths(route)[0])}
        for route in v1:
            if isinstance(route, V1Route):
                calls = _calls(route, route.shared_path)
                route.has_twin = not twins.isdisjoint(calls)
                route.left_to_twins = frozenset(twins) if "{" in route.path else frozenset()
        self._by_resource: dict[str, APIRouter] = {}
        self._rest = APIRouter(redirect_slashes=False)
        for route in (*thingsboard, *v1):
            for path in _paths(route):
                self._of(_resource(path)).routes.append(route)
        for route in others:
            resource = _resource(getattr(route, "path", ""))
            self._by_resource.get(resource, self._rest).routes.append(route)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await super().app(scope, receive, send)
            return
        router = self._by_resource.get(_resource(scope["path"]), self._rest)
        await router.app(scope, receive, send)

    def _of(self, resource: str) -> APIRouter:
        # Not `setdefault`: a router would be made for each route, and thrown away.
        if resource not in self._by_resource:
            self._by_resource[resource] = APIRouter(redirect_slashes=False)
        return self._by_resource[resource]


def _paths(route: BaseRoute) -> list[str]:
    path: str = getattr(route, "path", "")
    return [path, route.shared_path] if isinstance(route, V1Route) else [path]


def _calls(route: BaseRoute, path: str) -> set[tuple[str, str]]:
    """Return the methods of a route, each with its path, whatever the variables are called."""
    shape = _VARIABLE.sub("{}", path)
    return {(method, shape) for method in getattr(route, "methods", None) or ()}


def _resource(path: str) -> str:
    """Return the path up to and with its first word after the prefix of its dialect."""
    for prefix in (V1_PREFIX, SHARED_PREFIX):
        if path.startswith(prefix):
            return prefix + path[len(prefix) :].split("/", 1)[0]
    return path
