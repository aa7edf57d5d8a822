import asyncio
from uuid import uuid4

import pytest

from fieldline.domains.tenant_profile import service
from fieldline.kit.errors import LimitReached
from fieldline.kit.ids import EntityType
from fieldline.rest.services import Limits
from tests.api.support import Platform, created, running
from tests.domains.support import expect_error, on_sqlite

PAGE = "?pageSize=10&page=0"


async def test_the_default_profile_has_the_limits_of_the_settings(database_url: str) -> None:
    limits = Limits(default_tenant_devices=7, default_tenant_assets=9)
    async with running(database_url, limits=limits) as platform:
        tenant = await platform.tenant()
        async with platform.services.database.read() as session:
            devices = await service.limit(session, tenant.id, "maxDevices")
            assets = await service.limit(session, tenant.id, "maxAssets")
            users = await service.limit(session, tenant.id, "maxUsers")
            nobody = await service.limit(session, uuid4(), "maxDevices")

    assert (devices, assets, users, nobody) == (7, 9, 0, 0)


async def test_a_profile_answers_every_limit_with_its_default(platform: Platform) -> None:
    sysadmin = await platform.sysadmin()
    body = {
        "name": "Small",
        "profileData": {"configuration": {"type": "DEFAULT", "maxDevices": 5, "maxUsers": None}},
    }

    made = await created(sysadmin, "/api/tenantProfile", body)

    configuration = made["profileData"]["configuration"]
    assert (made["default"], made["isolatedTbRuleEngine"]) == (False, False)
    assert (configuration["maxDevices"], configuration["maxUsers"]) == (5, 0)
    assert configuration["maxCalculatedFieldsPerEntity"] == 5
    assert configuration["transportTenantMsgRateLimit"] is None
    assert "version" not in made
    path = f"/api/tenantProfile/{made['id']['id']}"
    assert (await sysadmin.get(path)).json() == made
    info = (await sysadmin.get(f"/api/tenantProfileInfo/{made['id']['id']}")).json()
    assert info == {"id": made["id"], "name": "Small"}


async def test_lists_of_profiles(platform: Platform) -> None:
    sysadmin = await platform.sysadmin()
    made = await created(sysadmin, "/api/tenantProfile", {"name": "Small"})

    page = (await sysadmin.get(f"/api/tenantProfiles{PAGE}&sortProperty=name")).json()
    infos = (await sysadmin.get(f"/api/tenantProfileInfos{PAGE}&textSearch=SMA")).json()
    by_ids = (await sysadmin.get(f"/api/tenantProfiles?ids={made['id']['id']}")).json()

    assert [item["name"] for item in page["data"]] == ["Default", "Small"]
    assert infos["data"] == [{"id": made["id"], "name": "Small"}]
    assert by_ids == [made]


@on_sqlite
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Tenant profile name should be specified!"),
        ({"name": "Default"}, "Tenant profile with such name already exists!"),
        ({"name": "x", "profileData": {"configuration": {"maxDevices": -1}}}, "maxDevices"),
        ({"name": "x", "profileData": {"configuration": {"maxDevices": 2**63}}}, "maxDevices"),
        ({"name": "x", "profileData": {"configuration": {"maxDevices": "many"}}}, "maxDevices"),
        ({"name": "x", "profileData": {"configuration": {"type": "OTHER"}}}, "type"),
        ({"name": "x", "profileData": {"configuration": 5}}, "configuration"),
        ({"name": "x", "profileData": {"queueConfiguration": 5}}, "queueConfiguration"),
        ({"name": "x", "isolatedTbRuleEngine": True}, "queue configuration should be specified"),
        (
            {
                "name": "x",
                "isolatedTbRuleEngine": True,
                "profileData": {"queueConfiguration": [{"name": "A"}]},
            },
            "Main",
        ),
    ],
)
async def test_refuses_a_wrong_profile(platform: Platform, body: object, message: str) -> None:
    sysadmin = await platform.sysadmin()

    expect_error(await sysadmin.post("/api/tenantProfile", json=body), 400, 31, message)


async def test_one_profile_is_the_default(platform: Platform) -> None:
    sysadmin = await platform.sysadmin()
    former = (await sysadmin.get("/api/tenantProfileInfo/default")).json()
    made = await created(sysadmin, "/api/tenantProfile", {"name": "Small"})
    path = f"/api/tenantProfile/{made['id']['id']}"

    marked = await created(sysadmin, f"{path}/default", {})

    assert marked["default"] is True
    assert (await sysadmin.get("/api/tenantProfileInfo/default")).json()["id"] == made["id"]
    expect_error(await sysadmin.delete(path), 400, 31, "prohibited")
    answer = await sysadmin.delete(f"/api/tenantProfile/{former['id']['id']}")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_profile_in_use_is_not_deleted(platform: Platform) -> None:
    sysadmin = await platform.sysadmin()
    made = await created(sysadmin, "/api/tenantProfile", {"name": "Small"})
    await platform.tenant(tenantProfileId=made["id"])

    answer = await sysadmin.delete(f"/api/tenantProfile/{made['id']['id']}")

    expect_error(answer, 400, 31, "referenced by the tenants")


async def test_profiles_are_for_system_administrators(platform: Platform) -> None:
    tenant = await platform.tenant()
    for client in (tenant.admin, tenant.customer_user):
        expect_error(await client.get(f"/api/tenantProfiles{PAGE}"), 403, 20)
        expect_error(await client.post("/api/tenantProfile", json={"name": "x"}), 403, 20)


async def test_two_transactions_cannot_both_take_the_last_place(platform: Platform) -> None:
    sysadmin = await platform.sysadmin()
    configuration = {"type": "DEFAULT", "maxUsers": 3}
    profile = await created(
        sysadmin,
        "/api/tenantProfile",
        {"name": "Three users", "profileData": {"configuration": configuration}},
    )
    tenant = await platform.tenant(tenantProfileId=profile["id"])

    async def add(number: int) -> int:
        body = {"email": f"u{number}@example.com", "authority": "TENANT_ADMIN"}
        return (await tenant.admin.post("/api/v1/users", json=body)).status_code

    assert sorted(await asyncio.gather(*(add(number) for number in range(4)))) == [
        201,
        403,
        403,
        403,
    ]


async def test_the_limit_names_what_and_how_many(platform: Platform) -> None:
    async def count() -> int:
        return 5

    sysadmin = await platform.sysadmin()
    configuration = {"type": "DEFAULT", "maxRuleChains": 5}
    profile = await created(
        sysadmin,
        "/api/tenantProfile",
        {"name": "Five", "profileData": {"configuration": configuration}},
    )
    tenant = await platform.tenant(tenantProfileId=profile["id"])

    async with platform.services.database.write() as session:
        with pytest.raises(LimitReached, match="Rule chains limit reached") as caught:
            await service.require_room(session, tenant.id, EntityType.RULE_CHAIN, count)

    assert (caught.value.entity_type, caught.value.limit) == ("RULE_CHAIN", 5)
