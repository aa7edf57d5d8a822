"""Who an alarm may be assigned to."""

from typing import Any
from uuid import uuid4

import pytest

from fieldline.domains.device_profile import service as device_profile_service
from tests.api.support import Client, Platform, Tenant, created, running
from tests.domains.support import expect_error, on_sqlite

PAGE = "?pageSize=10&page=0&sortProperty=email"


@pytest.fixture
async def platform(database_url: str) -> Any:
    async with running(database_url, seeders=[device_profile_service.seed]) as platform:
        yield platform


async def alarm_of(admin: Client, customer_id: object = None) -> str:
    """Raise an alarm on a new device, which may belong to a customer; returns its id."""
    device: dict[str, Any] = {"name": f"device {uuid4()}"}
    if customer_id is not None:
        device["customerId"] = {"entityType": "CUSTOMER", "id": str(customer_id)}
    made = await created(admin, "/api/device", device)
    body = {"type": "T", "severity": "MAJOR", "originator": made["id"]}
    alarm: dict[str, Any] = await created(admin, "/api/alarm", body)
    return str(alarm["id"]["id"])


async def emails(client: Client, alarm_id: str, query: str = PAGE) -> list[str]:
    answer = await client.get(f"/api/users/assign/{alarm_id}{query}")
    assert answer.status_code == 200, answer.text
    return [item["email"] for item in answer.json()["data"]]


async def second_customer(platform: Platform, tenant: Tenant) -> Client:
    other = await created(tenant.admin, "/api/customer", {"title": "Customer B"})
    return await platform.user(
        tenant.admin, "other@example.com", "CUSTOMER_USER", customer_id=other["id"]["id"]
    )


async def test_those_who_may_see_the_alarm_are_listed(platform: Platform) -> None:
    tenant = await platform.tenant()
    await second_customer(platform, tenant)
    await platform.tenant()
    own = await alarm_of(tenant.admin)
    customers = await alarm_of(tenant.admin, tenant.customer_id)

    assert await emails(tenant.admin, own) == ["admin1@example.com"]
    assert await emails(tenant.admin, customers) == ["admin1@example.com", "customer1@example.com"]
    assert await emails(tenant.customer_user, customers) == ["customer1@example.com"]


async def test_everybody_listed_can_be_assigned(platform: Platform) -> None:
    tenant = await platform.tenant()
    alarm = await alarm_of(tenant.admin, tenant.customer_id)
    found = await tenant.admin.get(f"/api/users/assign/{alarm}{PAGE}")

    for item in found.json()["data"]:
        assert set(item) == {"id", "email", "firstName", "lastName"}
        answer = await tenant.admin.post(f"/api/alarm/{alarm}/assign/{item['id']['id']}")
        assert answer.status_code == 200, answer.text


async def test_the_list_is_searched_and_paged(platform: Platform) -> None:
    tenant = await platform.tenant()
    alarm = await alarm_of(tenant.admin, tenant.customer_id)

    assert await emails(tenant.admin, alarm, f"{PAGE}&textSearch=CUSTOMER1") == [
        "customer1@example.com"
    ]
    assert await emails(tenant.admin, alarm, "?pageSize=1&page=1&sortProperty=email") == [
        "customer1@example.com"
    ]


@on_sqlite
async def test_of_a_foreign_or_missing_alarm_nothing_is_listed(platform: Platform) -> None:
    tenant, stranger = await platform.tenant(), await platform.tenant()
    neighbour = await second_customer(platform, tenant)
    alarm = await alarm_of(tenant.admin, tenant.customer_id)

    path = f"/api/users/assign/{alarm}"
    for client in (stranger.admin, stranger.customer_user, neighbour, await platform.sysadmin()):
        expect_error(await client.get(f"{path}{PAGE}"), 403, 20)
    expect_error(await tenant.admin.get(f"/api/users/assign/{uuid4()}{PAGE}"), 404, 32)
    expect_error(await tenant.admin.get(f"/api/users/assign/nonsense{PAGE}"), 400, 31)
    expect_error(await tenant.admin.get(path), 400, 31, "is not present")
