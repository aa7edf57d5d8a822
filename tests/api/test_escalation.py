"""Fields of a body that would give more rights, or somebody else's things, have no effect."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from fieldline.domains.device_profile import service as device_profile_service
from tests.api.support import PASSWORD, Client, Platform, Tenant, created, running

FOREIGN = str(uuid4())


@pytest.fixture
async def platform(sqlite_url: str) -> AsyncIterator[Platform]:
    async with running(sqlite_url, seeders=[device_profile_service.seed]) as platform:
        yield platform


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant()


async def me(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/api/v1/auth/user")).json()
    return found


async def test_an_administrator_makes_administrators_of_the_own_tenant_only(
    platform: Platform, tenant: Tenant
) -> None:
    other = await platform.tenant()
    body = {"email": "new@example.com", "authority": "TENANT_ADMIN", "password": PASSWORD}

    made = await created(tenant.admin, "/api/v1/users", body | {"tenant_id": str(other.id)}, 201)

    assert UUID(made["tenant_id"]) == tenant.id


@pytest.mark.parametrize("dialect", ["/api/user?sendActivationMail=false", "/api/v1/users"])
async def test_nobody_makes_a_user_above_themselves(tenant: Tenant, dialect: str) -> None:
    for maker, authority in (
        (tenant.admin, "SYS_ADMIN"),
        (tenant.customer_user, "SYS_ADMIN"),
        (tenant.customer_user, "TENANT_ADMIN"),
        (tenant.customer_user, "CUSTOMER_USER"),
    ):
        body = {"email": "new@example.com", "authority": authority}
        answer = await maker.post(dialect, json=body)
        assert answer.status_code == 403, f"{authority}: {answer.text}"


@pytest.mark.parametrize("role", ["admin", "customer_user"])
async def test_who_changes_the_own_record_stays_who_they_are(tenant: Tenant, role: str) -> None:
    client: Client = getattr(tenant, role)
    before = await me(client)
    v1 = {"authority": "SYS_ADMIN", "tenant_id": FOREIGN, "customer_id": None, "password": "x"}
    ids = {"tenantId": {"id": FOREIGN}, "customerId": {"id": FOREIGN}, "authority": "SYS_ADMIN"}

    answers = [
        await client.put(f"/api/v1/users/{before['id']}", json=v1 | {"id": FOREIGN}),
        await client.post(
            "/api/user", json=ids | {"id": {"id": before["id"]}, "email": before["email"]}
        ),
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert await me(client) == before


async def test_a_tenants_limits_are_not_for_its_administrator_to_choose(
    platform: Platform, tenant: Tenant
) -> None:
    profile = await created(await platform.sysadmin(), "/api/tenantProfile", {"name": "Unlimited"})
    path = f"/api/v1/tenants/{tenant.id}"
    before = (await tenant.admin.get(path)).json()
    wish = {"tenant_profile_id": profile["id"]["id"], "isolated_tb_core": True, "id": FOREIGN}

    after = (await tenant.admin.put(path, json=wish)).json()

    assert after == before


async def test_what_a_body_says_of_ownership_is_ignored(tenant: Tenant) -> None:
    owned = {"id": FOREIGN, "tenant_id": FOREIGN, "created_time": 1, "is_public": True}

    customer = await created(tenant.admin, "/api/v1/customers", {"title": "C"} | owned, 201)
    device = await created(tenant.admin, "/api/v1/devices", {"name": "D"} | owned, 201)
    profile = await created(tenant.admin, "/api/v1/deviceProfiles", {"name": "P"} | owned, 201)
    alarm_body = {"originator_id": device["id"], "type": "T", "severity": "MAJOR"}
    alarm_body |= {"customer_id": FOREIGN, "status": "CLEARED_ACK", "ack_ts": 1, "clear_ts": 1}
    alarm = await created(tenant.admin, "/api/v1/alarms", alarm_body | owned, 201)

    for made in (customer, device, profile, alarm):
        assert (UUID(made["tenant_id"]), made["id"] == FOREIGN) == (tenant.id, False)
        assert made["created_time"] > 1
    assert customer["is_public"] is False
    assert (alarm["customer_id"], alarm["status"]) == (None, "ACTIVE_UNACK")
    assert (alarm["ack_ts"], alarm["clear_ts"]) == (0, 0)


async def test_no_answer_holds_a_password_or_its_hash(tenant: Tenant) -> None:
    user_id = (await me(tenant.customer_user))["id"]
    paths = ("/api/users?pageSize=10&page=0", "/api/v1/users", f"/api/user/{user_id}")
    answers = [(await tenant.admin.get(path)).text for path in paths]

    assert all(user_id in answer for answer in answers)
    assert [word for word in ("$2b$", PASSWORD) if any(word in answer for answer in answers)] == []
