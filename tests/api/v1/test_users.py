"""Users in the v1 dialect: lists, filters and fields."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.support import PASSWORD, Client, Platform, Tenant, created
from tests.domains.support import expect_v1_error, on_sqlite

PATH = "/api/v1/users"


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant()


async def emails(client: Client, **query: Any) -> list[str]:
    answer = await client.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    return [item["email"] for item in answer.json()]


async def test_a_user_has_the_fields_of_the_contract(tenant: Tenant) -> None:
    given = {
        "email": "ada@example.com",
        "authority": "CUSTOMER_USER",
        "customer_id": str(tenant.customer_id),
        "first_name": "Ada",
        "last_name": "Lovelace",
        "phone": "1",
        "additional_info": {"lang": "en_US"},
    }

    made = await created(tenant.admin, PATH, given | {"unknown": 1, "password": PASSWORD}, 201)
    shown = (await tenant.admin.get(f"{PATH}/{made['id']}")).json()

    assert shown == made
    assert given.items() <= made.items()
    assert (made["name"], made["tenant_id"]) == ("ada@example.com", str(tenant.id))
    assert made["enabled"] is True
    assert made.keys() - given.keys() == {"id", "created_time", "name", "tenant_id", "enabled"}


async def test_a_list_is_filtered_by_type_customer_and_search(
    platform: Platform, tenant: Tenant
) -> None:
    other = await created(tenant.admin, "/api/v1/customers", {"title": "Customer B"}, 201)
    await platform.user(tenant.admin, "other@example.com", "CUSTOMER_USER", customer_id=other["id"])
    sysadmin = await platform.sysadmin()

    users = ["other@example.com", "customer1@example.com"]
    assert await emails(tenant.admin) == [*users, "admin1@example.com"]
    assert await emails(tenant.admin, type="CUSTOMER_USER") == users
    assert await emails(tenant.admin, type="TENANT_ADMIN") == ["admin1@example.com"]
    assert await emails(tenant.admin, type="SYS_ADMIN") == []
    assert await emails(tenant.admin, customer_id=other["id"]) == users[:1]
    assert await emails(tenant.admin, type="TENANT_ADMIN", customer_id=other["id"]) == []
    assert await emails(tenant.admin, type="CUSTOMER_USER", search="1@EX") == users[1:]
    assert await emails(tenant.customer_user, type="CUSTOMER_USER") == users[1:]
    assert await emails(tenant.customer_user, type="TENANT_ADMIN") == []
    assert await emails(sysadmin, type="TENANT_ADMIN") == ["admin1@example.com"]
    assert await emails(sysadmin, type="CUSTOMER_USER") == []


async def test_a_list_comes_in_pages_newest_first(platform: Platform, tenant: Tenant) -> None:
    assert await emails(tenant.admin, limit=1) == ["customer1@example.com"]
    assert await emails(tenant.admin, limit=1, offset=1) == ["admin1@example.com"]
    assert await emails(tenant.admin, offset=2) == []


async def test_a_put_changes_only_the_fields_given(tenant: Tenant) -> None:
    me = (await tenant.customer_user.get("/api/v1/auth/user")).json()
    path = f"{PATH}/{me['id']}"
    await tenant.customer_user.put(path, json={"first_name": "Ada", "additional_info": {"a": 1}})

    changed = (await tenant.customer_user.put(path, json={"last_name": "L"})).json()

    assert changed == me | {"first_name": "Ada", "last_name": "L", "additional_info": {"a": 1}}


async def test_a_put_gives_a_user_to_another_customer(tenant: Tenant) -> None:
    me = (await tenant.customer_user.get("/api/v1/auth/user")).json()
    path = f"{PATH}/{me['id']}"
    other = await created(tenant.admin, "/api/v1/customers", {"title": "Customer B"}, 201)
    owned = {"name": "Pump", "customer_id": str(tenant.customer_id)}
    device = await created(tenant.admin, "/api/v1/devices", owned, 201)
    wish = {"type": "Hot", "severity": "MAJOR", "originator_id": device["id"]}
    alarm = await created(tenant.admin, "/api/v1/alarms", wish, 201)
    await tenant.admin.post(f"/api/v1/alarms/{alarm['id']}/assign/{me['id']}")

    moved = await tenant.admin.put(path, json={"customer_id": other["id"]})
    again = await tenant.admin.put(path, json={"customer_id": other["id"], "phone": "1"})

    assert moved.json() == me | {"customer_id": other["id"]}
    assert again.json() == me | {"customer_id": other["id"], "phone": "1"}
    assert (await tenant.customer_user.get(path)).status_code == 401
    alarm = (await tenant.admin.get(f"/api/v1/alarms/{alarm['id']}")).json()
    assert alarm["assignee_id"] is None
    log = (await tenant.admin.get("/api/v1/auditLogs", params={"entity_id": me["id"]})).json()
    actions = [record["action_type"] for record in log]
    assert {"ASSIGNED_TO_CUSTOMER", "UNASSIGNED_FROM_CUSTOMER"} <= set(actions)


async def test_whom_a_user_cannot_be_given_to(platform: Platform, tenant: Tenant) -> None:
    stranger = await platform.tenant()
    me = (await tenant.customer_user.get("/api/v1/auth/user")).json()
    path = f"{PATH}/{me['id']}"
    other = await created(tenant.admin, "/api/v1/customers", {"title": "Customer B"}, 201)
    admin = (await tenant.admin.get("/api/v1/auth/user")).json()
    own = f"{PATH}/{admin['id']}"

    for where, customer_id, status in (
        (path, None, 400),
        (path, str(uuid4()), 404),
        (path, str(stranger.customer_id), 404),
        (path, "x", 422),
        (own, other["id"], 400),
    ):
        expect_v1_error(await tenant.admin.put(where, json={"customer_id": customer_id}), status)
    ignored = await tenant.customer_user.put(path, json={"customer_id": other["id"]})
    expect_v1_error(await stranger.admin.put(path, json={"customer_id": other["id"]}), 403)

    assert ignored.json() == me
    assert (await tenant.admin.put(own, json={"customer_id": None})).json() == admin


@on_sqlite
async def test_bad_input_is_told(tenant: Tenant) -> None:
    user = {"email": "n@example.com", "authority": "TENANT_ADMIN"}
    me = (await tenant.admin.get("/api/v1/auth/user")).json()
    own = f"{PATH}/{me['id']}"

    for change, status in (
        ({"email": None}, 400),
        ({"email": "nonsense"}, 400),
        ({"email": "adm\u017fn@example.com"}, 400),
        ({"email": 5}, 422),
        ({"email": "customer1@example.com"}, 409),
        ({"authority": "GOD"}, 422),
        ({"authority": None}, 400),
        ({"first_name": "x" * 256}, 400),
        ({"additional_info": "x"}, 422),
        ({"password": "short"}, 400),
        ({"customer_id": "x"}, 422),
        ({"send_activation_mail": "perhaps"}, 422),
    ):
        expect_v1_error(await tenant.admin.post(PATH, json=user | change), status)
    for change, status in (
        ({"email": None}, 400),
        ({"phone": "x" * 256}, 400),
        ({"enabled": 7}, 422),
    ):
        expect_v1_error(await tenant.admin.put(own, json=change), status)
    expect_v1_error(await tenant.admin.get(PATH, params={"type": "GOD"}), 422)
    expect_v1_error(await tenant.admin.get(PATH, params={"customer_id": str(uuid4())}), 404)
    expect_v1_error(await tenant.admin.put(f"{PATH}/{uuid4()}", json={"phone": "1"}), 404)
    expect_v1_error(await tenant.admin.delete(f"{PATH}/{uuid4()}"), 404)
    expect_v1_error(await tenant.admin.get(f"{PATH}/{uuid4()}/activation_link"), 404)
    assert (await tenant.admin.get(own)).json() == me
