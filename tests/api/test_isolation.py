"""Nobody reads or changes what is somebody else's: every route x every role x foreign ids.

How a route is called stands in ``isolation/``; a route that is not there fails a test. After each
call SQLite is asked whether anything was written, so a refusal that came too late is seen as well.
"""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from fieldline.domains.audit_log.models import AuditLog
from fieldline.domains.entity.access import FINDERS
from tests.api.isolation.calls import PATHS, SYSTEMS, WITH_TELEMETRY, Call
from tests.api.isolation.users_calls import SETTINGS_OF_THE_CALLER
from tests.api.isolation.v1_calls import all_calls
from tests.api.isolation.world import (
    KEY,
    MARK,
    NOBODY,
    ROLES,
    SYSADMIN,
    Ids,
    World,
    opened,
)
from tests.api.test_roles import DEVICE_API, PUBLIC, routes_of
from tests.api.websocket.server import Client as Socket
from tests.api.websocket.server import connected, serving

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # One worker: the world is made once.
    pytest.mark.xdist_group("isolation"),
]

ABOUT_THE_CALLER = (
    SETTINGS_OF_THE_CALLER
    | {
        f"{method} {prefix}/auth/{name}"
        for method, name in (("GET", "user"), ("POST", "logout"), ("POST", "changePassword"))
        for prefix in ("/api", "/api/v1")
    }
    | {"PUT /api/notifications/read"}
)
"""Routes that take nobody's id: they are about whoever calls."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with opened(tmp_path_factory.mktemp("isolation")) as world:
        yield world


async def test_every_route_is_called(world: World) -> None:
    known = all_calls().keys() | PUBLIC | ABOUT_THE_CALLER
    found = {name for name in routes_of(world.app) if not name.startswith(DEVICE_API)}

    assert found - known == set(), "say in tests/api/isolation how to call these"
    assert known - found == set(), "these routes are no more"


async def test_every_kind_of_entity_with_telemetry_is_tried() -> None:
    assert {kind.value for kind in FINDERS} == WITH_TELEMETRY.keys()


@pytest.mark.parametrize("route", all_calls())
async def test_foreign_ids_give_nothing_and_change_nothing(world: World, route: str) -> None:
    await world.settle()
    with world.watch() as is_unchanged:
        for role in ROLES:
            for call in all_calls()[route]:
                if role not in call.may:
                    await _expect_nothing(world, role, route, call)
                    assert is_unchanged(), f"{role} changed something: {call}"


async def _expect_nothing(world: World, role: str, route: str, call: Call) -> None:
    ids = world.ids_for(role)
    method, path = route.split(" ")
    url, body = _url(path, call, ids), _filled(call.body, ids)
    answer = await world.clients[role].request(method, url, json=body)

    told = f"{role}: {method} {url} {body}: {answer.status_code} {answer.text}"
    if answer.is_success:
        assert method == "GET", told
        assert role != NOBODY, told
        assert [text for text in world.secrets_from(role) if text in answer.text] == [], told
    else:
        assert answer.status_code in call.answers, told
        assert "No endpoint" not in answer.text, told
        assert MARK not in answer.text, told


async def test_no_call_leaves_a_secret_in_the_audit_log(world: World) -> None:
    ids = world.ids_for(NOBODY)
    for route, calls in all_calls().items():
        method, path = route.split(" ")
        for call in calls if method == "GET" else ():
            answer = await world.owner.get(_url(path, call, ids))
            assert answer.status_code < 500, answer.text
    tokens = {client.token for client in (world.owner, *world.clients.values()) if client.token}
    known = {f"{MARK}-token", "stranger-token", "neighbour-token", "stolen-token", "a password"}

    async with world.services.database.read() as session:
        records = list(await session.scalars(select(AuditLog)))
    recorded = " ".join(str(vars(record)) for record in records)

    assert "CREDENTIALS_READ" in recorded
    assert [secret for secret in tokens | known if secret in recorded] == []


async def test_who_has_no_token_is_told_nothing_of_anybody(world: World) -> None:
    for route in sorted(ABOUT_THE_CALLER):
        method, path = route.split(" ")
        answer = await world.clients[NOBODY].request(method, path, json={})
        assert answer.status_code == 401, f"{route}: {answer.text}"


@pytest.mark.parametrize("role", [role for role in ROLES if role != NOBODY])
async def test_a_socket_shows_nothing_of_foreign_entities(world: World, role: str) -> None:
    ids = world.ids_for(role)
    async with (
        serving(world) as port,
        connected(port, token=world.clients[role].token) as client,
    ):
        for command in _commands(role):
            await client.send({"cmds": [_filled(command, ids)]})
        shown = await _until_idle(client)
        live = f"/api/plugins/telemetry/DEVICE/{ids['device']}/timeseries/ANY"
        assert (await world.owner.post(live, json={KEY: f"{MARK} live"})).is_success
        shown += await _until_idle(client) + await _until_idle(client)

    assert [text for text in world.secrets_from(role) if text in shown] == []


async def _until_idle(client: Socket) -> str:
    """Return what comes before the answer to a frame that cannot be read."""
    answers = [await client.ask("{")]
    while answers[-1].get("errorMsg") != "Failed to parse the payload":
        answers.append(await client.receive())
    return json.dumps(answers)


def _commands(role: str) -> list[Any]:
    """Return commands on each kind of entity, in every style."""
    commands: list[Any] = []
    for kind, entity_id in WITH_TELEMETRY.items():
        one = {"entityType": kind, "entityId": entity_id, "keys": KEY}
        single = {"type": "singleEntity", "singleEntity": {"entityType": kind, "id": entity_id}}
        several = {"type": "entityList", "entityType": kind, "entityList": [entity_id]}
        filters = [single, several]
        if kind in SYSTEMS and role == SYSADMIN:
            continue
        commands += [
            {"type": "TIMESERIES", **one},
            {"type": "TIMESERIES", **one, "startTs": 1, "timeWindow": 9_999_999_999_999},
            {"type": "ATTRIBUTES", **one, "scope": "SERVER_SCOPE"},
            {"type": "ATTRIBUTES", "entityType": kind, "entityId": entity_id},
            {"type": "TIMESERIES_HISTORY", **one, "startTs": 0, "endTs": 9_999_999_999_999},
            *(_entity_data(entity_filter) for entity_filter in filters),
        ]
    commands += [
        {"type": "DEVICE_PRESENCE", "entityIds": ["$device"]},
        {"type": "DEVICE_PRESENCE"},
        {"type": "ALARM_EVENTS", "entityIds": ["$device"]},
        {"type": "ALARM_EVENTS", "entityType": "CUSTOMER", "entityIds": ["$customer"]},
        {"type": "ALARM_EVENTS"},
        {"type": "RULE_CHAIN_EVENTS", "ruleChainId": "$rule_chain"},
        {"type": "ALARM_STATUS", "originatorId": {"entityType": "DEVICE", "id": "$device"}},
        *_alarm_queries({"type": "entityList", "entityType": "DEVICE", "entityList": ["$device"]}),
        *_alarm_queries({"type": "entityType", "entityType": "DEVICE"}),
        {"type": "ALARM_COUNT", "query": {}},
    ]
    commands.append(_entity_data({"type": "entityType", "entityType": "DEVICE"}))
    commands.append(_entity_data({"type": "deviceType", "deviceType": f"{MARK} profile"}))
    commands.append(_entity_data({"type": "assetType", "assetType": f"{MARK} halls"}))
    views = {"type": "entityViewType", "entityViewType": f"{MARK} kind of view"}
    commands.append(_entity_data(views))
    return [{**command, "cmdId": number} for number, command in enumerate(commands, 1)]


def _alarm_queries(entity_filter: Any) -> list[dict[str, Any]]:
    page = {"pageSize": 10, "page": 0}
    data = {"entityFilter": entity_filter, "pageLink": page}
    return [
        {"type": "ALARM_DATA", "query": data},
        {"type": "ALARM_COUNT", "query": {"entityFilter": entity_filter}},
    ]


def _entity_data(entity_filter: Any) -> dict[str, Any]:
    keys = [{"type": "TIME_SERIES", "key": KEY}, {"type": "ENTITY_FIELD", "key": "name"}]
    return {
        "type": "ENTITY_DATA",
        "query": {
            "entityFilter": entity_filter,
            "pageLink": {"pageSize": 10, "page": 0},
            "latestValues": keys,
        },
        "latestCmd": {"keys": keys},
        "tsCmd": {"keys": [KEY], "startTs": 1, "timeWindow": 9_999_999_999_999},
    }


def _url(path: str, call: Call, ids: Ids) -> str:
    """Put ids into the path and the query; an unknown parameter fails."""
    names = PATHS | {"entityType": "DEVICE", "entityId": "$device"} | call.path
    filled = re.sub(r"\{(\w+)(:\w+)?\}", lambda match: str(_filled(names[match[1]], ids)), path)
    return f"{filled}?{_filled(call.query, ids)}" if call.query else filled


def _filled(value: Any, ids: Ids) -> Any:
    """Replace each ``$name`` by the id of that name."""
    if isinstance(value, dict):
        return {key: _filled(item, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, ids) for item in value]
    if isinstance(value, str):
        return re.sub(r"\$(\w+)", lambda match: ids[match[1]], value)
    return value
