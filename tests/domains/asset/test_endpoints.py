"""Assets in ThingsBoard's dialect, through the real application."""

import asyncio
from typing import Any
from uuid import uuid4

from fieldline.kit.ids import NULL_UUID
from tests.api.support import Client, Platform, Tenant, created
from tests.domains.asset.factory import customer_ref, make, path_of
from tests.domains.support import expect_error, ids_of, on_sqlite

PAGE = "pageSize=10&page=0"
NOBODY = customer_ref(NULL_UUID)
CREATIONS = 24


async def test_an_asset_has_every_field_of_the_wire(tenant: Tenant) -> None:
    external = {"entityType": "ASSET", "id": str(uuid4())}

    asset = await make(
        tenant.admin,
        label="north",
        type="building",
        externalId=external,
        additionalInfo={"description": "the old one"},
    )

    assert asset | {"createdTime": 0, "id": None, "assetProfileId": None} == {
        "id": None,
        "createdTime": 0,
        "tenantId": {"entityType": "TENANT", "id": str(tenant.id)},
        "customerId": NOBODY,
        "name": "hall",
        "type": "building",
        "label": "north",
        "assetProfileId": None,
        "externalId": external,
        "additionalInfo": {"description": "the old one"},
        "version": 1,
    }
    assert asset["id"]["entityType"] == "ASSET"
    assert asset["assetProfileId"]["entityType"] == "ASSET_PROFILE"
    assert (await tenant.admin.get(path_of(asset))).json() == asset


async def test_saving_with_an_id_replaces_and_checks_the_version(tenant: Tenant) -> None:
    asset = await make(tenant.admin, label="north")

    saved = await created(tenant.admin, "/api/asset", {**asset, "label": "south"})
    stale = await tenant.admin.post("/api/asset", json=asset)
    unchecked = {key: value for key, value in asset.items() if key != "version"}
    last = await created(tenant.admin, "/api/asset", unchecked)

    assert (saved["label"], saved["version"]) == ("south", 2)
    expect_error(stale, 409, 35, "Asset was already changed by someone else")
    assert (last["label"], last["version"]) == ("north", 3)


async def test_a_taken_name_is_refused_or_made_unique(tenant: Tenant) -> None:
    await make(tenant.admin)

    taken = await tenant.admin.post("/api/asset", json={"name": "hall"})
    query = "?nameConflictPolicy=UNIQUIFY&uniquifySeparator=-&uniquifyStrategy=INCREMENTAL"
    second = await make(tenant.admin, query=query)

    expect_error(taken, 400, 31, "Asset with such name already exists!")
    assert second["name"] == "hall-1"


async def test_the_profile_named_wins_else_the_type_makes_one_else_the_default(
    tenant: Tenant,
) -> None:
    profile = await created(tenant.admin, "/api/assetProfile", {"name": "tower"})

    named = await make(tenant.admin, "a", type="something", assetProfileId=profile["id"])
    typed = await make(tenant.admin, "b", type="building")
    again = await make(tenant.admin, "c", type="building")
    plain = await make(tenant.admin, "d")

    assert named["type"] == "tower"
    assert typed["assetProfileId"] == again["assetProfileId"]
    assert plain["type"] == "default"


async def test_a_new_type_may_be_used_by_many_at_once(tenant: Tenant) -> None:
    made = await asyncio.gather(
        *(make(tenant.admin, f"hall {n}", type="building") for n in range(CREATIONS))
    )

    assert {asset["type"] for asset in made} == {"building"}
    assert len({asset["assetProfileId"]["id"] for asset in made}) == 1


async def test_changes_without_a_version_all_succeed(tenant: Tenant) -> None:
    asset = await make(tenant.admin)
    path = f"/api/v1/assets/{asset['id']['id']}"

    answers = await asyncio.gather(
        *(tenant.admin.put(path, json={"label": str(n)}) for n in range(CREATIONS))
    )

    assert {answer.status_code for answer in answers} == {200}
    stored = (await tenant.admin.get(path_of(asset))).json()
    assert stored["version"] == 1 + CREATIONS


async def test_assets_are_found_by_name_and_by_ids(platform: Platform, tenant: Tenant) -> None:
    stranger = await make((await platform.tenant()).admin, "stranger")
    first, second = await make(tenant.admin, "first"), await make(tenant.admin, "second")
    ids = ",".join(asset["id"]["id"] for asset in (second, stranger, first))

    by_name = await tenant.admin.get("/api/tenant/assets?assetName=first")
    alias = await tenant.admin.get("/api/tenant/asset?assetName=first")
    missing = await tenant.admin.get("/api/tenant/assets?assetName=none")
    by_ids = await tenant.admin.get(f"/api/assets?assetIds={ids},{uuid4()}")
    listed = await tenant.admin.get(f"/api/assets/list?assetIds={ids}")

    assert by_name.json() == alias.json() == first
    expect_error(missing, 404, 32)
    assert by_ids.json() == listed.json() == [second, first]


async def test_a_list_is_paged_sorted_filtered_and_searched(tenant: Tenant) -> None:
    for name in ("b", "a", "c"):
        await make(tenant.admin, name, type="odd" if name == "c" else "even")

    page = "/api/tenant/assets?pageSize=2&page=0&sortProperty=name&sortOrder=DESC"
    answer = (await tenant.admin.get(page)).json()
    even = (await tenant.admin.get(f"/api/tenant/assets?{PAGE}&type=even&textSearch=A")).json()
    types = (await tenant.admin.get("/api/asset/types")).json()
    wrong = await tenant.admin.get(f"/api/tenant/assets?{PAGE}&sortProperty=nonsense")

    assert [asset["name"] for asset in answer["data"]] == ["c", "b"]
    assert (answer["totalPages"], answer["totalElements"], answer["hasNext"]) == (2, 3, True)
    assert [asset["name"] for asset in even["data"]] == ["a"]
    assert [(found["type"], found["entityType"]) for found in types] == [
        ("even", "ASSET"),
        ("odd", "ASSET"),
    ]
    expect_error(wrong, 400, 31, "Cannot sort by 'nonsense'")


async def test_infos_show_customer_and_profile(tenant: Tenant) -> None:
    asset = await make(tenant.admin, type="building")
    other = await make(tenant.admin, "shed")
    profile_id = asset["assetProfileId"]["id"]
    await created(
        tenant.admin, f"/api/customer/{tenant.customer_id}/asset/{asset['id']['id']}", None
    )

    async def infos(client: Client, path: str) -> list[dict[str, Any]]:
        answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    path = f"/api/tenant/assetInfos?{PAGE}"
    customers = f"/api/customer/{tenant.customer_id}"
    (by_profile,) = await infos(tenant.admin, f"{path}&type=&assetProfileId={profile_id}")
    by_title = await infos(tenant.admin, f"{path}&textSearch=customer%20a")
    sorted_ = await infos(
        tenant.admin, f"{path}&assetProfileId=&sortProperty=customerTitle&sortOrder=ASC"
    )
    own = await infos(tenant.customer_user, f"{customers}/assetInfos?{PAGE}")
    plain = await infos(tenant.customer_user, f"{customers}/assets?{PAGE}&type=building")
    one = (await tenant.customer_user.get(f"/api/asset/info/{asset['id']['id']}")).json()

    assert (by_profile["customerTitle"], by_profile["customerIsPublic"]) == ("Customer A", False)
    assert by_profile["assetProfileName"] == "building"
    assert {info["id"]["id"] for info in sorted_} == {asset["id"]["id"], other["id"]["id"]}
    assert by_title == own == [by_profile] == [one]
    assert [item["id"] for item in plain] == [asset["id"]]


async def test_an_asset_is_assigned_made_public_and_taken_back(tenant: Tenant) -> None:
    asset_id = (await make(tenant.admin))["id"]["id"]

    assigned = await created(
        tenant.admin, f"/api/customer/{tenant.customer_id}/asset/{asset_id}", None
    )
    public = await created(tenant.admin, f"/api/customer/public/asset/{asset_id}", None)
    unassigned = await tenant.admin.delete(f"/api/customer/asset/{asset_id}")
    again = await tenant.admin.delete(f"/api/customer/asset/{asset_id}")

    assert assigned["customerId"]["id"] == str(tenant.customer_id)
    assert public["customerId"] not in (NOBODY, assigned["customerId"])
    assert unassigned.json()["customerId"] == NOBODY
    expect_error(again, 400, 31, "Asset isn't assigned to any customer!")


async def test_a_customer_user_reads_and_updates_but_does_not_own(tenant: Tenant) -> None:
    asset = await make(tenant.admin, customerId=customer_ref(tenant.customer_id))
    hidden = await make(tenant.admin, "hidden")
    user = tenant.customer_user

    seen = await user.get(path_of(asset))
    body = {key: value for key, value in asset.items() if key != "customerId"}
    updated = await user.post("/api/asset", json={**body, "label": "mine"})

    assert seen.json() == asset
    assert (updated.status_code, updated.json()["label"]) == (200, "mine")
    assert updated.json()["customerId"]["id"] == str(tenant.customer_id)
    for answer in (
        await user.get(path_of(hidden)),
        await user.post("/api/asset", json={"name": "new"}),
        await user.post("/api/asset", json={**updated.json(), "customerId": NOBODY}),
        await user.put(f"/api/assets/{asset['id']['id']}", json={"type": "no profile yet"}),
        await user.delete(path_of(asset)),
        await user.get(f"/api/customer/{uuid4()}/assets?{PAGE}"),
    ):
        expect_error(answer, 403, 20)


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "Asset name should be specified!"),
    ({"name": None}, "Asset name should be specified!"),
    ({"name": "  "}, "Asset name should be specified!"),
    ({"name": 5}, "name"),
    ({"name": "x" * 256}, "Asset name length must be equal or less than 255"),
    ({"name": "<b>x</b>"}, "Asset name"),
    ({"name": "a\0b"}, "Asset name"),
    ({"name": "x", "label": "y" * 256}, "label length must be equal or less than 255"),
    ({"name": "x", "type": "y" * 256}, "type length must be equal or less than 255"),
    ({"name": "x", "additionalInfo": {"x": "<script>"}}, "additionalInfo"),
    ({"name": "x", "additionalInfo": [1]}, "additionalInfo"),
    (
        {"name": "x", "assetProfileId": {"entityType": "ASSET_PROFILE", "id": str(uuid4())}},
        "Asset is referencing non existing asset profile!",
    ),
    ({"name": "x", "assetProfileId": {"id": "no uuid"}}, "assetProfileId"),
]


@on_sqlite
async def test_bad_fields_are_refused_and_leave_nothing(tenant: Tenant) -> None:
    for body, message in BAD:
        answer = await tenant.admin.post("/api/asset", json=body)
        expect_error(answer, 400, 31, message)

    assert await ids_of(tenant.admin, f"/api/tenant/assets?{PAGE}") == []


async def test_what_is_not_there_or_foreign_is_refused(platform: Platform, tenant: Tenant) -> None:
    asset = await make(tenant.admin)
    deleted = await make(tenant.admin, "deleted")
    assert (await tenant.admin.delete(path_of(deleted))).status_code == 200
    stranger = await platform.tenant()
    foreign = customer_ref(stranger.customer_id)

    for status, code, answer in (
        (404, 32, await tenant.admin.get(path_of(deleted))),
        (404, 32, await tenant.admin.get(f"/api/asset/info/{uuid4()}")),
        (404, 32, await tenant.admin.post("/api/asset", json=deleted)),
        (404, 32, await tenant.admin.delete(path_of(deleted))),
        (400, 31, await tenant.admin.get("/api/asset/no-uuid")),
        (404, 32, await tenant.admin.post(f"/api/customer/{uuid4()}/asset/{asset['id']['id']}")),
        (404, 32, await tenant.admin.post("/api/asset", json=asset | {"customerId": foreign})),
        (403, 20, await stranger.admin.get(path_of(asset))),
        (403, 20, await stranger.admin.post("/api/asset", json=asset)),
        (403, 20, await stranger.admin.delete(path_of(asset))),
        (401, 10, await platform.anybody.get(path_of(asset))),
    ):
        expect_error(answer, status, code)


async def test_the_limit_of_the_tenant_profile_holds(platform: Platform) -> None:
    sysadmin = await platform.sysadmin()
    data = {"configuration": {"type": "DEFAULT", "maxAssets": 1}}
    profile = await created(sysadmin, "/api/tenantProfile", {"name": "small", "profileData": data})
    tenant = await platform.tenant(tenantProfileId=profile["id"])

    answers = await asyncio.gather(
        *(tenant.admin.post("/api/asset", json={"name": f"hall {n}"}) for n in range(8))
    )

    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(refused) == 7
    for answer in refused:
        expect_error(answer, 403, 41, "Assets limit reached")


async def test_assets_outlive_their_customer_but_not_their_tenant(
    platform: Platform, tenant: Tenant
) -> None:
    asset = await make(tenant.admin, customerId=customer_ref(tenant.customer_id))
    kept = await make((await platform.tenant()).admin)

    await tenant.admin.delete(f"/api/customer/{tenant.customer_id}")
    orphan = (await tenant.admin.get(path_of(asset))).json()
    gone = await (await platform.sysadmin()).delete(f"/api/tenant/{tenant.id}")

    assert orphan["customerId"] == NOBODY
    assert gone.status_code == 200
    async with platform.services.database.read() as session:
        rows = (await (await session.connection()).exec_driver_sql("SELECT name FROM asset")).all()
    assert [row[0] for row in rows] == [kept["name"]]
