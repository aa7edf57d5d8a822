"""Who sees which records of the audit log, and by what lists of them are narrowed."""

from typing import Any

import pytest

from tests.api.support import Client, Platform, created

PAGE = "pageSize=100&page=0"
SOME_ID = "0197c0de-0000-7000-8000-000000000001"


async def _names(client: Client, path: str) -> list[tuple[str, str]]:
    """Return action and entity's name of each record of a list."""
    separator = "&" if "?" in path else "?"
    answer = await client.get(f"{path}{separator}{PAGE}")
    assert answer.status_code == 200, answer.text
    return [(item["actionType"], item["entityName"]) for item in answer.json()["data"]]


async def _ids(client: Client, path: str) -> list[str]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return [item["entity_name"] for item in answer.json()]


async def test_a_record_has_every_field_of_the_wire(platform: Platform) -> None:
    tenant = await platform.tenant()
    made = await created(tenant.admin, "/api/customer", {"title": "Acme"})

    path = f"/api/audit/logs/entity/CUSTOMER/{made['id']['id']}?{PAGE}"
    (record,) = (await tenant.admin.get(path)).json()["data"]

    me = (await tenant.admin.get("/api/auth/user")).json()
    assert set(record["id"]) == {"id"}
    assert record["entityId"] == made["id"]
    assert record["tenantId"] == {"entityType": "TENANT", "id": str(tenant.id)}
    assert record["customerId"] == made["id"]
    assert record["userId"] == me["id"]
    assert (record["userName"], record["entityName"]) == (me["email"], "Acme")
    assert (record["actionType"], record["actionStatus"]) == ("ADDED", "SUCCESS")
    assert record["actionFailureDetails"] is None
    assert record["actionData"]["entity"]["title"] == "Acme"


async def test_lists_are_of_one_customer_user_or_entity(platform: Platform) -> None:
    tenant = await platform.tenant()
    acme = await created(tenant.admin, "/api/customer", {"title": "Acme"})
    acme_id = acme["id"]["id"]
    user = await platform.user(tenant.admin, "u@acme.org", "CUSTOMER_USER", customer_id=acme_id)
    user_id = (await user.get("/api/auth/user")).json()["id"]["id"]
    await tenant.admin.delete(f"/api/customer/{acme_id}")

    of_customer = await _names(tenant.admin, f"/api/audit/logs/customer/{acme_id}")
    of_user = await _names(tenant.admin, f"/api/audit/logs/user/{user_id}")
    of_entity = await _names(tenant.admin, f"/api/audit/logs/entity/customer/{acme_id}")

    assert ("ADDED", "u@acme.org") in of_customer
    assert of_user == [("LOGIN", "u@acme.org")]
    assert of_entity == [("ADDED", "Acme"), ("DELETED", "Acme")]


async def test_lists_are_narrowed_searched_and_sorted(platform: Platform) -> None:
    tenant = await platform.tenant()
    for title in ("Barn", "Mill"):
        await created(tenant.admin, "/api/customer", {"title": title})
    (barn,) = [
        item
        for item in (await tenant.admin.get(f"/api/audit/logs?{PAGE}")).json()["data"]
        if item["entityName"] == "Barn"
    ]
    at = barn["createdTime"]

    async def names(query: str) -> set[str]:
        return {name for _action, name in await _names(tenant.admin, f"/api/audit/logs?{query}")}

    assert await names("textSearch=mil") == {"Mill"}
    assert await names("actionTypes=DELETED,RPC_CALL") == set()
    assert {"Barn", "Mill"} < await names("actionTypes=ADDED,LOGIN")
    assert "Barn" in await names(f"startTime={at}&endTime={at}")
    assert await names(f"endTime={at - 86_400_000}") == set()
    newest = await _names(
        tenant.admin,
        "/api/audit/logs?actionTypes=ADDED&sortProperty=entityName&sortOrder=DESC",
    )
    assert newest[0] == ("ADDED", "customer1@example.com")


async def test_a_system_administrator_sees_what_its_kind_did(platform: Platform) -> None:
    tenant = await platform.tenant()
    await created(tenant.admin, "/api/customer", {"title": "Acme"})
    sysadmin = await platform.sysadmin()

    seen = await _names(sysadmin, "/api/audit/logs")
    of_tenant = await _names(sysadmin, f"/api/audit/logs/entity/TENANT/{tenant.id}")

    assert ("ADDED", "Tenant 1") in seen
    assert "Acme" not in {name for _action, name in seen}
    assert of_tenant == [("ADDED", "Tenant 1")]


async def test_records_of_another_tenant_stay_hidden(platform: Platform) -> None:
    one, other = await platform.tenant(), await platform.tenant()
    acme = await created(one.admin, "/api/customer", {"title": "Acme"})

    assert await _names(other.admin, f"/api/audit/logs/customer/{acme['id']['id']}") == []
    assert await _ids(other.admin, f"/api/v1/auditLogs?customer_id={acme['id']['id']}") == []


@pytest.mark.parametrize(
    "path",
    [
        f"/api/audit/logs?{PAGE}",
        f"/api/audit/logs/customer/{SOME_ID}?{PAGE}",
        f"/api/audit/logs/user/{SOME_ID}?{PAGE}",
        f"/api/audit/logs/entity/DEVICE/{SOME_ID}?{PAGE}",
        "/api/v1/auditLogs",
    ],
)
async def test_customer_users_are_refused(platform: Platform, path: str) -> None:
    tenant = await platform.tenant()

    assert (await tenant.customer_user.get(path)).status_code == 403


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (f"/api/audit/logs?{PAGE}&actionTypes=STOLEN", "'STOLEN' is not an action"),
        (f"/api/audit/logs?{PAGE}&startTime=soon", "startTime"),
        (f"/api/audit/logs?{PAGE}&sortProperty=colour", "Cannot sort by 'colour'"),
        (f"/api/audit/logs/entity/SHIP/{SOME_ID}?{PAGE}", "'SHIP' is not an entity type"),
        (f"/api/audit/logs/user/me?{PAGE}", "user_id"),
    ],
)
async def test_bad_queries_are_told(platform: Platform, path: str, told: str) -> None:
    tenant = await platform.tenant()

    answer = await tenant.admin.get(path)

    assert (answer.status_code, told in answer.text) == (400, True), answer.text


async def test_v1_lists_the_newest_first_and_by_every_filter(platform: Platform) -> None:
    tenant = await platform.tenant()
    made: list[dict[str, Any]] = [
        await created(tenant.admin, "/api/v1/customers", {"name": name}, 201)
        for name in ("Barn", "Mill")
    ]
    me = (await tenant.admin.get("/api/v1/auth/user")).json()["id"]
    barn = made[0]["id"]

    cases = {
        "limit=2": ["Mill", "Barn"],
        "limit=1&offset=1": ["Barn"],
        "search=barn": ["Barn"],
        f"entity_id={barn}": ["Barn"],
        f"customer_id={barn}&entity_type=CUSTOMER": ["Barn"],
        f"user_id={me}&type=ADDED&limit=2": ["Mill", "Barn"],
        "start_ts=0&end_ts=1": [],
    }
    found = {query: await _ids(tenant.admin, f"/api/v1/auditLogs?{query}") for query in cases}

    assert found == cases
    assert (await tenant.admin.get("/api/v1/auditLogs?type=STOLEN")).status_code == 422
