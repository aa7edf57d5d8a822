"""Integrations over HTTP: who may do what, what is refused, and what is never shown."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import make_url

from tests.api.support import Client, Platform, Tenant, created
from tests.domains.integration.conftest import LIMIT
from tests.domains.support import expect_v1_error, on_sqlite

PATH = "/api/v1/integrations"
BODY: dict[str, Any] = {
    "name": "plant",
    "host": "mqtt.example.com",
    "topic_filters": [{"filter": "plant/+/up"}],
    "converter": {"device_name": {"topic_level": 1}, "telemetry": {"t": "$.t"}},
}


async def make(client: Client, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = await created(client, PATH, BODY | fields, 201)
    return made


async def test_what_is_made_is_answered_with_its_defaults(tenant: Tenant) -> None:
    made = await make(tenant.admin)

    shown = (await tenant.admin.get(f"{PATH}/{made['id']}")).json()
    assert shown == made
    assert shown["type"] == "MQTT"
    assert shown["enabled"] is True
    assert shown["port"] == 1883
    assert shown["client_id"] == f"fieldline-{made['id']}"
    assert shown["protocol_version"] == "5"
    assert shown["topic_filters"] == [{"filter": "plant/+/up", "qos": 1}]
    assert shown["converter"]["device_type"] == {"constant": "default"}
    assert shown["statistics"]["received"] == 0
    assert shown["last_error"] is None


async def test_a_change_is_of_the_given_fields_only(tenant: Tenant) -> None:
    made = await make(tenant.admin, username="u", password="p", additional_info={"a": 1})
    path = f"{PATH}/{made['id']}"

    changed = (await tenant.admin.put(path, json={"name": "hall", "max_in_flight": 7})).json()
    cleared = (await tenant.admin.put(path, json={"username": None, "password": None})).json()

    assert changed == made | {"name": "hall", "max_in_flight": 7, "version": 2}
    assert cleared == changed | {"username": None, "has_password": False, "version": 3}


async def test_null_gives_a_setting_its_default_back(tenant: Tenant) -> None:
    made = await make(tenant.admin, keep_alive_seconds=10, tls={"enabled": True})
    assert made["port"] == 8883

    body = {"keep_alive_seconds": None, "tls": None, "port": None}
    changed = (await tenant.admin.put(f"{PATH}/{made['id']}", json=body)).json()

    assert changed["keep_alive_seconds"] == 60
    assert changed["tls"]["enabled"] is False
    assert changed["port"] == 1883


async def test_lists_have_pages_search_and_type(tenant: Tenant) -> None:
    for name in ("one", "two", "three"):
        await make(tenant.admin, name=name, client_id=name)

    async def names(query: str) -> list[str]:
        return [each["name"] for each in (await tenant.admin.get(f"{PATH}?{query}")).json()]

    assert await names("") == ["three", "two", "one"]
    assert await names("limit=1&offset=1") == ["two"]
    assert await names("search=T") == ["three", "two"]
    assert await names("type=MQTT&search=one") == ["one"]
    assert await names("type=HTTP") == []


async def test_a_deleted_one_is_gone(tenant: Tenant) -> None:
    made = await make(tenant.admin)
    path = f"{PATH}/{made['id']}"

    assert (await tenant.admin.delete(path)).status_code == 204

    expect_v1_error(await tenant.admin.get(path), 404, "is not found")
    expect_v1_error(await tenant.admin.put(path, json={}), 404)
    expect_v1_error(await tenant.admin.delete(path), 404)


async def test_secrets_are_never_answered_nor_recorded_nor_stored_in_clear(
    platform: Platform, tenant: Tenant
) -> None:
    made = await make(tenant.admin, username="u", password="sesame-1")
    answers = [
        await tenant.admin.get(f"{PATH}/{made['id']}"),
        await tenant.admin.get(PATH),
        await tenant.admin.put(f"{PATH}/{made['id']}", json={"password": "sesame-2"}),
        await tenant.admin.get("/api/v1/auditLogs?limit=100"),
    ]

    assert answers[0].json()["has_password"] is True
    assert all("sesame" not in each.text for each in answers)
    assert [
        each["action_type"] for each in answers[3].json() if each["entity_type"] == "INTEGRATION"
    ] == ["UPDATED", "ADDED"]
    url = make_url(platform.services.database.url)
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(url.database))) as connection:
            assert "sesame" not in "\n".join(connection.iterdump())


@on_sqlite
async def test_a_password_goes_only_where_it_was_given_for(tenant: Tenant) -> None:
    made = await make(tenant.admin, username="u", password="p", tls={"enabled": True})
    path = f"{PATH}/{made['id']}"

    for body in (
        {"host": "evil.example.com"},
        {"port": 1234},
        {"tls": {"enabled": False}},
        {"tls": {"enabled": True, "insecure": True}},
    ):
        expect_v1_error(await tenant.admin.put(path, json=body), 400, "given again")
        assert (await tenant.admin.put(path, json=body | {"password": "p"})).status_code == 200
        back = {"host": made["host"], "port": made["port"], "tls": {"enabled": True}}
        assert (await tenant.admin.put(path, json=back | {"password": "p"})).status_code == 200


@on_sqlite
async def test_only_tenant_administrators_may(platform: Platform, tenant: Tenant) -> None:
    made = await make(tenant.admin)
    sysadmin = await platform.sysadmin()

    for client in (tenant.customer_user, sysadmin):
        expect_v1_error(await client.get(PATH), 403)
        expect_v1_error(await client.post(PATH, json=BODY), 403)
        expect_v1_error(await client.get(f"{PATH}/{made['id']}"), 403)
    expect_v1_error(await platform.anybody.get(PATH), 401)


@on_sqlite
async def test_a_tenant_may_have_so_many(platform: Platform, tenant: Tenant) -> None:
    for number in range(LIMIT):
        await make(tenant.admin, name=f"n{number}", client_id=f"c{number}")

    refused = await tenant.admin.post(PATH, json=BODY)

    expect_v1_error(refused, 403, f"A tenant may have {LIMIT} integrations")
    await make((await platform.tenant()).admin)


async def test_names_and_sessions_are_one_integrations_own(
    platform: Platform, tenant: Tenant
) -> None:
    await make(tenant.admin, client_id="same")

    expect_v1_error(await tenant.admin.post(PATH, json=BODY), 409, "'plant' already exists")
    expect_v1_error(
        await tenant.admin.post(PATH, json=BODY | {"name": "x", "client_id": "same"}),
        409,
        "choose another client_id",
    )
    other = await make(tenant.admin, name="x", client_id="same", port=1884)
    expect_v1_error(
        await tenant.admin.put(f"{PATH}/{other['id']}", json={"port": 1883}), 409, "client_id"
    )
    await make((await platform.tenant()).admin, client_id="same")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": " "}, "name should be specified"),
        ({"name": None}, "name should be specified"),
        ({"host": None}, "host should be specified"),
        ({"host": "mqtt://x"}, "host must be the name or address"),
        ({"port": 70_000}, "port must be between 1 and 65535"),
        ({"port": 0}, "port must be between 1 and 65535"),
        ({"topic_filters": None}, "topic_filters"),
        ({"topic_filters": []}, "topic_filters"),
        ({"topic_filters": [{"filter": "a#"}]}, "'#' must be the whole last level"),
        ({"topic_filters": [{"filter": ""}]}, "a topic filter is empty"),
        ({"topic_filters": [{"filter": "a"}, {"filter": "a"}]}, "twice"),
        ({"keep_alive_seconds": 1}, "keep_alive_seconds"),
        ({"protocol_version": "4"}, "protocol_version"),
        ({"protocol_version": "3.1.1", "password": "p"}, "no password without a user name"),
        ({"converter": BODY["converter"] | {"telemetry": "temperature"}}, "begins with $"),
        ({"converter": BODY["converter"] | {"telemetry": {"t": "$.["}}}, "RFC 9535"),
        (
            {"converter": BODY["converter"] | {"telemetry": {"t": "$[?match(@.a, 'b')]"}}},
            "function 'match' is not defined",
        ),
        ({"converter": BODY["converter"] | {"telemetry": {"<b>": "$.t"}}}, "Key is malformed"),
        ({"tls": {"enabled": True, "ca_certificate": "x"}}, "ca_certificate cannot be used"),
        (
            {"tls": {"enabled": True, "client_certificate": "x"}},
            "client_certificate and tls.client_key go together",
        ),
        (
            {"tls": {"enabled": True, "client_certificate": "x", "client_key": "y"}},
            "client_key cannot be used",
        ),
    ],
)
@on_sqlite
async def test_says_what_is_wrong(tenant: Tenant, change: dict[str, Any], message: str) -> None:
    expect_v1_error(await tenant.admin.post(PATH, json=BODY | change), 400, message)


@pytest.mark.parametrize(
    "converter",
    [
        {"telemetry": "$"},
        {"device_name": {}},
        {"device_name": {"json_path": "$.a", "constant": "b"}},
        {"device_name": "$.a", "telemetri": "$"},
        {"device_name": "$.a", "payload": "xml"},
    ],
)
@on_sqlite
async def test_a_converter_of_another_form_is_refused(
    tenant: Tenant, converter: dict[str, Any]
) -> None:
    answer = await tenant.admin.post(PATH, json=BODY | {"converter": converter})

    assert answer.status_code == 422
    assert "converter" in answer.text


@on_sqlite
async def test_nobody_overwrites_what_was_not_read(tenant: Tenant) -> None:
    made = await make(tenant.admin)
    path = f"{PATH}/{made['id']}"
    await tenant.admin.put(path, json={"name": "first", "version": made["version"]})

    late = await tenant.admin.put(path, json={"name": "second", "version": made["version"]})

    expect_v1_error(late, 409, "changed by someone else")


async def test_tries_a_converter_that_is_saved(tenant: Tenant) -> None:
    made = await make(tenant.admin)
    path = f"{PATH}/{made['id']}/convert"

    answer = await tenant.admin.post(path, json={"topic": "plant/m1/up", "payload": {"t": "21.5"}})
    empty = await tenant.admin.post(path, json={"topic": "plant/m1/up", "payload": {"u": 1}})

    (found,) = answer.json()
    assert found.pop("ts") > 1_700_000_000_000 - 1
    assert found == {
        "device_name": "m1",
        "device_type": "default",
        "telemetry": {"t": 21.5},
        "attributes": {},
    }
    expect_v1_error(empty, 400, "find no value")


@on_sqlite
async def test_tries_a_converter_that_is_not_saved(tenant: Tenant) -> None:
    path = f"{PATH}/convert"
    converter = {"device_name": {"constant": "d"}, "timestamp": "$.at", "telemetry": "$.v"}
    sample = {"topic": "a/b", "payload": '{"at": 1700000000, "v": {"t": 1}}'}

    answer = await tenant.admin.post(path, json=sample | {"converter": converter})
    bad = await tenant.admin.post(path, json=sample | {"converter": {"device_name": "x"}})
    text = await tenant.admin.post(path, json=sample | {"converter": converter, "payload": "{"})
    topic = await tenant.admin.post(path, json=sample | {"converter": converter, "topic": "a/#"})

    assert answer.json() == [
        {
            "device_name": "d",
            "device_type": "default",
            "ts": 1_700_000_000_000,
            "telemetry": {"t": 1},
            "attributes": {},
        }
    ]
    expect_v1_error(bad, 400, "begins with $")
    expect_v1_error(text, 400, "not JSON")
    assert topic.status_code == 422
