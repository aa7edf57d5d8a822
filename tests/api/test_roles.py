"""Every route says who may call it; what they may do with foreign ids: ``test_isolation.py``."""

import inspect
import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute

from fieldline.app.platform import open_platform
from fieldline.rest.callers import RoleRule, anybody
from fieldline.rest.dialects import V1Route
from fieldline.settings import load_settings
from tests.api.isolation.users_calls import PUBLIC as PUBLIC_FOR_USERS
from tests.api.support import Client

PUBLIC = PUBLIC_FOR_USERS | {
    "POST /api/auth/login",
    "POST /api/auth/login/public",
    "POST /api/auth/token",
    "POST /api/auth/token/refresh",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/token/refresh",
    "GET /api/noauth/activate",
    "GET /api/noauth/mobile",
    "POST /api/noauth/oauth2Clients",
    "POST /api/noauth/activate",
    "GET /api/noauth/userPasswordPolicy",
    "GET /livez",
    "GET /readyz",
    "GET /metrics",
    "GET /openapi.json",
    "GET /swagger-ui",
    "GET /redoc",
    "GET /docs-assets/{name}",
}
"""What may be called without a token; a new one is added here on purpose."""
DEVICE_API = ("GET /api/v1/{token}", "POST /api/v1/{token}", "POST /api/v1/provision")
"""The device HTTP API, where the token in the path says who it is."""


class Whole:
    """The whole platform as it is served, without demo logins."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.clients: list[Client] = []

    def client(self, token: str | None = None) -> Client:
        client = Client(self.app, token)
        self.clients.append(client)
        return client


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    settings = load_settings(data_dir=tmp_path, mqtt_enabled=False)
    async with open_platform(settings, demo=False) as platform:
        whole = Whole(platform.app)
        yield whole
        for client in whole.clients:
            await client.aclose()


def routes_of(app: FastAPI) -> dict[str, APIRoute]:
    """Return ``GET /path`` -> route of every route, as mounted."""
    found = {}
    for route in app.routes:
        if isinstance(route, APIWebSocketRoute):
            continue  # Its first command or query carries the token (tests/api/websocket).
        assert isinstance(route, APIRoute), f"{route} is not checked by roles"
        for method in route.methods or ():
            found[f"{method} {route.path}"] = route
            if isinstance(route, V1Route):
                found[f"{method} {route.shared_path}"] = route
    return found


def dependencies_of(dependant: Dependant) -> list[object]:
    found: list[object] = []
    for child in dependant.dependencies:
        found += [child.call, *dependencies_of(child)]
    return found


def roles_of(route: APIRoute) -> list[RoleRule]:
    calls = dependencies_of(route.dependant)
    return [call for call in calls if isinstance(call, RoleRule)]


async def test_every_route_declares_its_roles_or_is_public_on_purpose(whole: Whole) -> None:
    without_roles = {name for name, route in routes_of(whole.app).items() if not roles_of(route)}

    for name in without_roles:
        calls = dependencies_of(routes_of(whole.app)[name].dependant)
        assert anybody in calls or name.startswith(DEVICE_API), f"{name} declares no roles"
    assert {name for name in without_roles if not name.startswith(DEVICE_API)} == PUBLIC


async def test_nothing_that_an_endpoint_depends_on_runs_in_a_thread(whole: Whole) -> None:
    """FastAPI calls what is not a coroutine in a thread, which costs each request some 100 us."""
    plain = {
        f"{name}: {call}"
        for name, route in routes_of(whole.app).items()
        for call in dependencies_of(route.dependant)
        if not is_async(call)
    }

    assert plain == set()


def is_async(call: object) -> bool:
    function = call if inspect.isfunction(call) else type(call).__call__
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


async def test_without_a_token_every_other_route_refuses(whole: Whole) -> None:
    anyone = whole.client()
    for name, route in routes_of(whole.app).items():
        if roles_of(route):
            method, path = name.split(" ")
            answer = await anyone.request(method, fill(path), json={})
            # A path or query that is wrong may be told first.
            assert answer.status_code in {400, 401, 422}, f"{name}: {answer.text}"


def fill(path: str) -> str:
    """Put ids that nobody has into a path."""
    return re.sub(r"\{\w+(:\w+)?\}", lambda _match: str(uuid4()), path)
