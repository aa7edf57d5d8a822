"""Every route says who may call it, and foreign ids get nobody anywhere."""

import inspect
import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts

from fieldline.app.platform import open_platform
from fieldline.rest.callers import RoleRule, anybody
from fieldline.settings import load_settings
from tests.api.support import Client, created

PUBLIC = {
    "POST /api/auth/login",
    "POST /api/auth/login/public",
    "POST /api/auth/token",
    "POST /api/auth/token/refresh",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/token/refresh",
    "GET /api/noauth/activate",
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
DEVICE_API = ("GET /api/v1/{token}", "POST /api/v1/{token}")
"""The device HTTP API, where the token in the path says who it is."""
QUERY = (
    "?pageSize=10&page=0&keys=a&startTs=0&endTs=1&customerTitle=x&deviceName=x"
    "&deleteAllDataForKeys=true"
)
"""What routes want in their query, so that none refuses for want of it."""
BODY = {"a": 1, "name": "stolen", "title": "stolen"}
EMPTY = {b"[]", b"{}", b'{"data":[],"totalPages":0,"totalElements":0,"hasNext":false}'}
"""Answers to a GET that leak nothing: an empty list or page."""


SHARED_BY_ALL = {"GET /api/components/{component_type}"}
"""Routes with a word in their path that names nobody's property."""


class Whole:
    """The whole platform as it is served, with a tenant that owns one of each and a stranger."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.clients: list[Client] = []

    def client(self, token: str | None = None) -> Client:
        client = Client(self.app, token)
        self.clients.append(client)
        return client

    async def login(self, email: str, password: str) -> Client:
        body = {"username": email, "password": password}
        return self.client((await created(self.client(), "/api/auth/login", body))["token"])


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    settings = load_settings(data_dir=tmp_path, mqtt_enabled=False)
    async with open_platform(settings, demo=True) as platform:
        whole = Whole(platform.app)
        yield whole
        for client in whole.clients:
            await client.aclose()


def routes_of(app: FastAPI) -> dict[str, APIRoute]:
    """Return ``GET /path`` -> route of every route, as mounted."""
    found = {}
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIWebSocketRoute):
            continue  # Its first command or query carries the token (tests/api/websocket).
        assert isinstance(route, APIRoute), f"{context.path} is not checked by roles"
        for method in context.methods or ():
            found[f"{method} {context.path}"] = route
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
            answer = await anyone.request(method, fill(path, {}), json={})
            # A path or query that is wrong may be told first.
            assert answer.status_code in {400, 401, 422}, f"{name}: {answer.text}"


async def test_foreign_ids_get_nobody_anywhere(whole: Whole) -> None:
    """Every route with an id in its path x every role of another tenant."""
    owner = await whole.login("tenant@thingsboard.org", "tenant")
    ids = await one_of_each(owner)
    before = await everything_of(owner)
    strangers = await make_strangers(whole)

    for name in sorted(routes_of(whole.app).keys() - PUBLIC - SHARED_BY_ALL):
        method, path = name.split(" ")
        if "{" not in path or name.startswith(DEVICE_API):
            continue
        for role, client in strangers.items():
            for query in ("", QUERY):
                answer = await client.request(method, fill(path, ids) + query, json=BODY)
                is_refused = 400 <= answer.status_code < 500
                is_empty_list = method == "GET" and answer.content in EMPTY
                assert is_refused or is_empty_list, f"{role} {name}: {answer.text}"

    assert await everything_of(owner) == before


async def make_strangers(whole: Whole) -> dict[str, Client]:
    """Make another tenant; the system administrator is a stranger to what tenants hold."""
    sysadmin = await whole.login("sysadmin@thingsboard.org", "sysadmin")
    tenant = await created(sysadmin, "/api/tenant", {"title": "Strangers"})
    admin_body = {
        "email": "stranger@example.com",
        "authority": "TENANT_ADMIN",
        "tenant_id": tenant["id"]["id"],
        "password": "stranger",
    }
    await created(sysadmin, "/api/v1/users", admin_body, 201)
    admin = await whole.login("stranger@example.com", "stranger")
    customer = await created(admin, "/api/customer", {"title": "Strange customer"})
    user_body = {
        "email": "user@example.com",
        "authority": "CUSTOMER_USER",
        "customer_id": customer["id"]["id"],
        "password": "stranger",
    }
    await created(admin, "/api/v1/users", user_body, 201)
    return {"admin": admin, "customer user": await whole.login("user@example.com", "stranger")}


async def one_of_each(owner: Client) -> dict[str, str]:
    """Make one of each kind and return what to put into paths."""
    device = await created(owner, "/api/device", {"name": "mine"})
    device_id = device["id"]["id"]
    alarm = await created(
        owner,
        "/api/alarm",
        {"type": "Mine", "originator": device["id"], "severity": "MAJOR", "status": "ACTIVE_UNACK"},
    )
    me = (await owner.get("/api/v1/auth/user")).json()
    customer_id = (await owner.get("/api/v1/customers")).json()[0]["id"]
    rule_chain_id = (await owner.get("/api/v1/ruleChains")).json()[0]["id"]
    return {
        "tenant_id": me["tenant_id"],
        "customer_id": customer_id,
        "user_id": me["id"],
        "assignee_id": me["id"],
        "device_id": device_id,
        "deviceId": device_id,
        "profile_id": device["deviceProfileId"]["id"],
        "alarm_id": alarm["id"]["id"],
        "rule_chain_id": rule_chain_id,
        "entity_type": "DEVICE",
        "entityType": "DEVICE",
        "entity_id": device_id,
        "entityId": device_id,
        "scope": "SERVER_SCOPE",
        "ttl": "60",
    }


async def everything_of(owner: Client) -> list[object]:
    """Read what a stranger might have changed."""
    paths = (
        "/api/v1/tenants",
        "/api/v1/customers",
        "/api/v1/users",
        "/api/v1/devices",
        "/api/v1/deviceProfiles",
        "/api/v1/alarms",
        "/api/v1/ruleChains",
    )
    return [(await owner.get(path)).json() for path in paths]


def fill(path: str, ids: dict[str, str]) -> str:
    """Put ids into a path; what is not known is an id that nobody has."""
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda match: ids.get(match[1], str(uuid4())), path)
