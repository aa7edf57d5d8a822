"""The rules are told what users do to the entities of their tenant."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from fieldline.app.platform import open_platform
from fieldline.messaging.message import Message
from fieldline.settings import load_settings
from tests.api.support import Client, Platform, created
from tests.domains.outbox.telling import telling
from tests.waiting import TIMEOUT_S


@pytest.fixture
async def messages(platform: Platform) -> AsyncIterator[list[Message]]:
    told: list[Message] = []
    platform.bus.consume(told.append)
    async with telling(platform.services):
        yield told


def shown(messages: list[Message]) -> list[tuple[str, str, str]]:
    return [(m.type, m.originator.type.value, m.metadata["entityName"]) for m in messages]


async def test_the_life_of_an_entity_is_told_in_order(
    platform: Platform, messages: list[Message]
) -> None:
    tenant = await platform.tenant()
    await created(tenant.admin, "/api/deviceProfile", {"name": "default"})
    messages.clear()

    made = await created(tenant.admin, "/api/device", {"name": "meter", "type": "default"})
    device_id = made["id"]["id"]
    for method, path, body in (
        ("POST", "/api/device", {**made, "label": "Barn"}),
        ("POST", f"/api/customer/{tenant.customer_id}/device/{device_id}", None),
        ("DELETE", f"/api/customer/device/{device_id}", None),
        ("DELETE", f"/api/device/{device_id}", None),
    ):
        answer = await tenant.admin.request(method, path, json=body)
        assert answer.status_code == 200, answer.text

    assert shown(messages) == [
        (f"ENTITY_{what}", "DEVICE", "meter")
        for what in ("CREATED", "UPDATED", "ASSIGNED", "UNASSIGNED", "DELETED")
    ]
    assert {str(m.originator.id) for m in messages} == {device_id}
    assert {m.tenant_id for m in messages} == {tenant.id}


async def test_a_message_has_the_entity_and_who_did_it(
    platform: Platform, messages: list[Message]
) -> None:
    tenant = await platform.tenant()
    messages.clear()

    await created(tenant.admin, "/api/customer", {"title": "Acme", "city": "Ghent"})

    (message,) = messages
    me = (await tenant.admin.get("/api/v1/auth/user")).json()
    assert message.data["title"] == "Acme"
    assert message.data["city"] == "Ghent"
    assert message.metadata == {
        "userId": me["id"],
        "userName": me["email"],
        "userEmail": me["email"],
        "entityName": "Acme",
        "entityType": "CUSTOMER",
    }


async def test_an_assignment_names_the_customer(
    platform: Platform, messages: list[Message]
) -> None:
    tenant = await platform.tenant()
    device = await created(tenant.admin, "/api/device", {"name": "meter", "type": "default"})
    path = f"/api/customer/{tenant.customer_id}/device/{device['id']['id']}"
    messages.clear()

    await created(tenant.admin, path, None)
    await tenant.admin.delete(f"/api/customer/device/{device['id']['id']}")

    assigned, unassigned = messages
    assert assigned.metadata["assignedCustomerId"] == str(tenant.customer_id)
    assert unassigned.metadata["unassignedCustomerId"] == str(tenant.customer_id)


async def test_the_users_that_go_with_a_customer_are_told(
    platform: Platform, messages: list[Message]
) -> None:
    tenant = await platform.tenant()
    messages.clear()

    await tenant.admin.delete(f"/api/customer/{tenant.customer_id}")

    assert sorted(shown(messages)) == [
        ("ENTITY_DELETED", "CUSTOMER", "Customer A"),
        ("ENTITY_DELETED", "USER", "customer1@example.com"),
    ]


async def test_what_was_refused_is_not_told(platform: Platform, messages: list[Message]) -> None:
    tenant = await platform.tenant()
    messages.clear()

    answer = await tenant.admin.post("/api/customer", json={"title": "Customer A"})

    assert answer.status_code == 400
    assert messages == []


async def test_secrets_of_provisioning_are_not_told(
    platform: Platform, messages: list[Message]
) -> None:
    tenant = await platform.tenant()
    secret = {"provisionConfiguration": {"provisionDeviceSecret": "a secret text"}}
    profile: dict[str, Any] = {
        "name": "kiosks",
        "provisionType": "ALLOW_CREATE_NEW_DEVICES",
        "provisionDeviceKey": "a secret key",
        "profileData": secret,
    }
    messages.clear()

    await created(tenant.admin, "/api/deviceProfile", profile)

    (message,) = messages
    assert message.data["name"] == "kiosks"
    assert "a secret" not in message.data_text()


NODE = {
    "type": "org.thingsboard.rule.engine.action.TbCreateAlarmNode",
    "name": "new device",
    "configuration": {"alarmType": "New device", "severity": "WARNING"},
}


async def test_the_running_platform_gives_them_to_the_root_chain(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, mqtt_enabled=False, admin_password="a password")
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(open_platform(settings, demo=True))
        anybody = await stack.enter_async_context(Client(running.app))
        login = {"username": "tenant@thingsboard.org", "password": "tenant"}
        tokens = await created(anybody, "/api/auth/login", login)
        admin = await stack.enter_async_context(Client(running.app, tokens["token"]))
        chain = await created(admin, "/api/v1/ruleChains", {"name": "life", "root": True}, 201)
        graph = {"nodes": [NODE], "first_node_index": 0, "connections": []}
        path = f"/api/v1/ruleChains/{chain['id']}/metadata"
        assert (await admin.put(path, json=graph)).status_code == 200

        device = await created(admin, "/api/device", {"name": "told", "type": "default"})

        alarms = f"/api/v1/alarms?type=New device&originator_id={device['id']['id']}"
        async with asyncio.timeout(TIMEOUT_S):
            while not (await admin.get(alarms)).json():
                """Ask again; each answer lets the platform work."""
