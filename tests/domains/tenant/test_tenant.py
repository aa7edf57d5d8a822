from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.kit.errors import Conflict
from tests.api.support import Platform, created, running
from tests.domains.support import expect_error, expect_v1_error, on_sqlite

PAGE = "?pageSize=10&page=0"


async def test_a_tenant_gets_the_default_profile_and_region_global(platform: Platform) -> None:
    sysadmin = await platform.sysadmin()
    default = (await sysadmin.get("/api/tenantProfileInfo/default")).json()

    made = await created(sysadmin, "/api/tenant", {"title": "T", "region": "Mars", "zip": "9000"})

    assert made["tenantProfileId"] == default["id"]
    assert (made["region"], made["zip"], made["name"]) == ("Global", "9000", "T")
    assert (made["version"], made["additionalInfo"]) == (1, None)


async def test_v1_keeps_the_region_and_takes_name_or_title(platform: Platform) -> None:
    sysadmin = await platform.sysadmin()

    by_name = await created(sysadmin, "/api/v1/tenants", {"name": "A", "region": "Mars"}, 201)
    by_title = await created(sysadmin, "/api/tenants", {"title": "B"}, 201)

    assert (by_name["name"], by_name["title"], by_name["region"]) == ("A", "A", "Mars")
    assert by_name["tenant_id"] == by_name["id"]
    assert by_title["name"] == "B"
    changed = await sysadmin.put(f"/api/v1/tenants/{by_name['id']}", json={"phone": "1"})
    assert changed.json() == by_name | {"phone": "1"}


async def test_lists_in_both_dialects(platform: Platform) -> None:
    sysadmin = await platform.sysadmin()
    first, second = await platform.tenant(), await platform.tenant()

    page = (await sysadmin.get(f"/api/tenants{PAGE}")).json()
    infos = (await sysadmin.get(f"/api/tenantInfos{PAGE}&textSearch=tenant 2")).json()
    v1 = (await sysadmin.get("/api/tenants")).json()
    by_ids = (await sysadmin.get(f"/api/tenants?tenantIds={second.id},{uuid4()}")).json()

    assert [item["id"]["id"] for item in page["data"]] == [str(first.id), str(second.id)]
    assert [item["tenantProfileName"] for item in infos["data"]] == ["Default"]
    assert [item["id"] for item in v1] == [str(second.id), str(first.id)]
    assert [item["id"]["id"] for item in by_ids] == [str(second.id)]


async def test_a_tenant_administrator_sees_and_changes_the_own_tenant_only(
    platform: Platform,
) -> None:
    first, second = await platform.tenant(), await platform.tenant()
    sysadmin = await platform.sysadmin()
    other = await created(sysadmin, "/api/tenantProfile", {"name": "Other"})
    path = f"/api/v1/tenants/{first.id}"

    changed = await first.admin.put(
        path,
        json={
            "phone": "1",
            "tenant_profile_id": other["id"]["id"],
            "isolated_tb_core": True,
            "id": str(second.id),
        },
    )

    assert changed.status_code == 200
    assert changed.json()["phone"] == "1"
    assert changed.json()["tenant_profile_id"] != other["id"]["id"]
    assert changed.json()["isolated_tb_core"] is False
    assert [t["id"] for t in (await first.admin.get("/api/v1/tenants")).json()] == [str(first.id)]
    assert (await first.admin.get(f"/api/tenant/info/{first.id}")).status_code == 200
    for client in (first.admin, first.customer_user):
        for foreign in (second.id, uuid4()):
            expect_error(await client.get(f"/api/tenant/{foreign}"), 403, 20)
            expect_v1_error(await client.put(f"/api/v1/tenants/{foreign}", json={}), 403)
    expect_error(await first.admin.delete(f"/api/tenant/{first.id}"), 403, 20)
    expect_error(await first.admin.post("/api/tenant", json={"title": "x"}), 403, 20)
    expect_v1_error(await first.admin.post("/api/v1/tenants", json={"title": "x"}), 403)


@on_sqlite
@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({}, 400, "Tenant title should be specified!"),
        ({"title": "<img src=x>"}, 400, "malformed"),
        ({"title": "x", "address": "<a>"}, 400, "address"),
        ({"title": "x", "tenantProfileId": {"id": str(uuid4())}}, 404, "Tenant profile with id"),
        ({"title": "x", "id": {"id": str(uuid4())}}, 404, "Tenant with id"),
    ],
)
async def test_refuses_a_wrong_tenant(
    platform: Platform, body: object, status: int, message: str
) -> None:
    sysadmin = await platform.sysadmin()

    answer = await sysadmin.post("/api/tenant", json=body)

    expect_error(answer, status, 32 if status == 404 else 31, message)


async def test_deleting_a_tenant_ends_everything_of_it_and_nothing_else(
    platform: Platform,
) -> None:
    first, second = await platform.tenant(), await platform.tenant()
    sysadmin = await platform.sysadmin()

    answer = await sysadmin.delete(f"/api/tenant/{first.id}")

    assert (answer.status_code, answer.content) == (200, b"")
    assert (await first.admin.get("/api/auth/user")).status_code == 401
    assert (await first.customer_user.get("/api/auth/user")).status_code == 401
    expect_error(await sysadmin.get(f"/api/tenant/{first.id}"), 404, 32)
    assert len((await second.admin.get("/api/v1/users")).json()) == 2
    assert (await second.admin.get(f"/api/customer/{second.customer_id}")).status_code == 200


async def test_what_a_tenant_starts_with_is_made_in_the_same_transaction(
    database_url: str,
) -> None:
    seeded: list[UUID] = []

    async def seed(_session: AsyncSession, tenant_id: UUID) -> None:
        seeded.append(tenant_id)
        if len(seeded) > 1:
            raise Conflict("no more")

    async with running(database_url, seeders=[seed]) as platform:
        sysadmin = await platform.sysadmin()
        made = await created(sysadmin, "/api/tenant", {"title": "one"})
        refused = await sysadmin.post("/api/tenant", json={"title": "two"})
        left = (await sysadmin.get("/api/v1/tenants")).json()

    assert seeded[0] == UUID(made["id"]["id"])
    assert refused.status_code == 400
    assert [tenant["name"] for tenant in left] == ["one"]
