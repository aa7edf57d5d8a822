"""Asset profiles in ThingsBoard's dialect, through the real application."""

import asyncio
from typing import Any
from uuid import uuid4

from tests.api.support import Client, Platform, Tenant, created
from tests.domains.support import expect_error, on_sqlite

PAGE = "pageSize=10&page=0"
PROFILE = "/api/assetProfile"
CHANGES = 8


async def make(client: Client, name: str = "tower", **fields: object) -> Any:
    return await created(client, PROFILE, {"name": name, **fields})


def path_of(profile: Any) -> str:
    return f"{PROFILE}/{profile['id']['id']}"


async def default_of(client: Client) -> Any:
    return (await client.get("/api/assetProfileInfo/default")).json()


async def test_a_profile_has_every_field_of_the_wire(tenant: Tenant) -> None:
    chain = await created(tenant.admin, "/api/ruleChain", {"name": "of towers"})
    external = {"entityType": "ASSET_PROFILE", "id": str(uuid4())}

    profile = await make(
        tenant.admin,
        description="tall",
        image="data:,",
        defaultRuleChainId=chain["id"],
        defaultEdgeRuleChainId=chain["id"],
        defaultQueueName="HighPriority",
        externalId=external,
    )

    assert profile | {"id": 0, "createdTime": 0} == {
        "id": 0,
        "createdTime": 0,
        "tenantId": {"entityType": "TENANT", "id": str(tenant.id)},
        "name": "tower",
        "description": "tall",
        "image": "data:,",
        "default": False,
        "defaultRuleChainId": chain["id"],
        "defaultEdgeRuleChainId": chain["id"],
        "defaultDashboardId": None,
        "defaultQueueName": "HighPriority",
        "externalId": external,
        "version": 1,
    }
    assert profile["id"]["entityType"] == "ASSET_PROFILE"
    assert (await tenant.admin.get(path_of(profile))).json() == profile


async def test_saving_with_an_id_replaces_and_checks_the_version(tenant: Tenant) -> None:
    profile = await make(tenant.admin)

    saved = await created(tenant.admin, PROFILE, profile | {"description": "taller"})
    stale = await tenant.admin.post(PROFILE, json=profile)

    assert saved == profile | {"description": "taller", "version": 2}
    expect_error(stale, 409, 35, "Asset profile was already changed by someone else")


async def test_a_tenant_starts_with_a_default_and_may_choose_another(tenant: Tenant) -> None:
    first = await default_of(tenant.customer_user)
    profile = await make(tenant.admin)

    chosen = await created(tenant.admin, f"{path_of(profile)}/default", None)
    former = (await tenant.admin.get(f"{PROFILE}/{first['id']['id']}")).json()

    assert (first["name"], former["description"]) == ("default", "Default asset profile")
    assert (chosen["default"], former["default"]) == (True, False)
    assert await default_of(tenant.admin) == {
        "id": profile["id"],
        "tenantId": profile["tenantId"],
        "name": "tower",
        "image": None,
        "defaultDashboardId": None,
    }
    asset = await created(tenant.admin, "/api/asset", {"name": "of no type"})
    assert asset["assetProfileId"] == profile["id"]


async def test_lists_infos_and_names(tenant: Tenant) -> None:
    profile = await make(tenant.admin)
    await created(tenant.admin, "/api/asset", {"name": "a", "assetProfileId": profile["id"]})
    user = tenant.customer_user
    sort = "sortProperty=name&sortOrder=ASC"

    profiles = (await tenant.admin.get(f"/api/assetProfiles?{PAGE}&{sort}")).json()
    infos = (await user.get(f"/api/assetProfileInfos?{PAGE}&textSearch=TOW")).json()
    one = (await user.get(f"/api/assetProfileInfo/{profile['id']['id']}")).json()
    ids = f"assetProfileIds={profile['id']['id']},{uuid4()}"
    by_ids = (await tenant.admin.get(f"/api/assetProfileInfos?{ids}")).json()
    listed = (await tenant.admin.get(f"/api/assetProfileInfos/list?{ids}")).json()
    names = (await user.get(f"{PROFILE}/names")).json()
    active = (await user.get(f"{PROFILE}/names?activeOnly=true")).json()

    assert [item["name"] for item in profiles["data"]] == ["default", "tower"]
    assert by_ids == listed == infos["data"] == [one]
    assert [item["name"] for item in names] == ["default", "tower"]
    assert active == [{"id": profile["id"], "name": "tower"}]


async def test_a_new_name_reaches_the_assets(tenant: Tenant) -> None:
    profile = await make(tenant.admin)
    body = {"name": "a", "assetProfileId": profile["id"]}
    asset = await created(tenant.admin, "/api/asset", body)

    await created(tenant.admin, PROFILE, {**profile, "name": "spire"})
    renamed = (await tenant.admin.get(f"/api/asset/info/{asset['id']['id']}")).json()

    assert (renamed["type"], renamed["assetProfileName"]) == ("spire", "spire")


async def test_a_profile_in_use_and_the_default_one_are_kept(tenant: Tenant) -> None:
    used, unused = await make(tenant.admin), await make(tenant.admin, "unused")
    default = await default_of(tenant.admin)
    await created(tenant.admin, "/api/asset", {"name": "a", "assetProfileId": used["id"]})

    refused = await tenant.admin.delete(path_of(used))
    of_default = await tenant.admin.delete(path_of(default))
    gone = await tenant.admin.delete(path_of(unused))

    expect_error(refused, 400, 31, "The asset profile referenced by the assets cannot be deleted!")
    expect_error(of_default, 400, 31, "Deletion of Default Asset Profile is prohibited!")
    assert gone.status_code == 200


async def test_changes_without_a_version_all_succeed(tenant: Tenant) -> None:
    profile = await make(tenant.admin)
    path = f"/api/v1/assetProfiles/{profile['id']['id']}"

    answers = await asyncio.gather(
        *(tenant.admin.put(path, json={"description": str(n)}) for n in range(CHANGES))
    )

    assert {answer.status_code for answer in answers} == {200}


async def test_one_of_several_who_choose_a_default_wins(tenant: Tenant) -> None:
    made = [await make(tenant.admin, f"tower {n}") for n in range(CHANGES)]

    answers = await asyncio.gather(
        *(tenant.admin.post(f"{path_of(profile)}/default") for profile in made)
    )

    assert {answer.status_code for answer in answers} == {200}
    listed = (await tenant.admin.get("/api/assetProfiles?pageSize=20&page=0")).json()["data"]
    assert [profile["default"] for profile in listed].count(True) == 1


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "Asset profile name should be specified!"),
    ({"name": ""}, "Asset profile name should be specified!"),
    ({"name": "x" * 256}, "Asset profile name length"),
    ({"name": "<b>"}, "Asset profile name"),
    ({"name": 5}, "name"),
    ({"name": "default"}, "Asset profile with such name already exists!"),
    ({"name": "x", "description": "{{ 7*7 }}"}, "description"),
    ({"name": "x", "image": "i" * 1_000_001}, "image length"),
    ({"name": "x", "defaultQueueName": "Express"}, "Asset profile is referencing to non-existent"),
    (
        {"name": "x", "defaultRuleChainId": {"entityType": "RULE_CHAIN", "id": str(uuid4())}},
        "Can't assign non-existent rule chain!",
    ),
    (
        {"name": "x", "defaultDashboardId": {"entityType": "DASHBOARD", "id": str(uuid4())}},
        "Can't assign non-existent dashboard!",
    ),
]


@on_sqlite
async def test_bad_fields_are_refused(tenant: Tenant) -> None:
    for body, message in BAD:
        expect_error(await tenant.admin.post(PROFILE, json=body), 400, 31, message)


async def test_what_is_not_there_or_foreign_is_refused(platform: Platform, tenant: Tenant) -> None:
    profile = await make(tenant.admin)
    stranger = (await platform.tenant()).admin
    chain = await created(stranger, "/api/ruleChain", {"name": "foreign"})
    stolen = {"name": "x", "defaultRuleChainId": chain["id"]}

    for status, code, answer in (
        (404, 32, await tenant.admin.get(f"{PROFILE}/{uuid4()}")),
        (400, 31, await tenant.admin.get(f"{PROFILE}/no-uuid")),
        (404, 32, await tenant.admin.post(PROFILE, json=profile | {"id": {"id": str(uuid4())}})),
        (400, 31, await tenant.admin.post(PROFILE, json=stolen)),
        (403, 20, await stranger.get(path_of(profile))),
        (403, 20, await stranger.post(PROFILE, json=profile)),
        (403, 20, await stranger.post(f"{path_of(profile)}/default")),
        (403, 20, await stranger.delete(path_of(profile))),
        (403, 20, await tenant.customer_user.get(path_of(profile))),
        (401, 10, await platform.anybody.get(path_of(profile))),
    ):
        expect_error(answer, status, code)
