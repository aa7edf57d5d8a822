"""Assets and their profiles in the v1 dialect."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.support import Client, Platform, Tenant, created
from tests.domains.support import expect_v1_error

ASSETS = "/api/v1/assets"
PROFILES = "/api/v1/assetProfiles"


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant()


async def make(client: Client, name: str = "hall", **fields: object) -> Any:
    return await created(client, ASSETS, {"name": name, **fields}, 201)


async def make_profile(client: Client, name: str = "tower", **fields: object) -> Any:
    return await created(client, PROFILES, {"name": name, **fields}, 201)


async def test_an_asset_has_every_field_of_the_contract(tenant: Tenant) -> None:
    external = str(uuid4())
    info = {"floor": 3}

    asset = await make(
        tenant.admin,
        type="building",
        label="North",
        external_id=external,
        additional_info=info,
        customer_id=str(tenant.customer_id),
        unknown="ignored",
    )

    assert asset | {"id": 0, "created_time": 0, "asset_profile_id": 0} == {
        "id": 0,
        "created_time": 0,
        "name": "hall",
        "tenant_id": str(tenant.id),
        "customer_id": str(tenant.customer_id),
        "additional_info": info,
        "type": "building",
        "label": "North",
        "external_id": external,
        "search_text": "hall\nnorth",
        "asset_profile_id": 0,
    }
    for prefix in ("/api/v1", "/api"):
        path = f"{prefix}/assets/{asset['id']}"
        assert (await tenant.customer_user.get(path)).json() == asset


async def test_a_put_changes_only_what_it_names(tenant: Tenant) -> None:
    asset = await make(tenant.admin, label="North", type="building")
    path = f"{ASSETS}/{asset['id']}"

    assigned = await tenant.admin.put(path, json={"customer_id": str(tenant.customer_id)})
    renamed = await tenant.admin.put(path, json={"name": "tower"})
    unassigned = await tenant.admin.put(path, json={"customer_id": None})

    assert assigned.json() == asset | {"customer_id": str(tenant.customer_id)}
    assert renamed.json() == assigned.json() | {"name": "tower", "search_text": "tower\nnorth"}
    assert unassigned.json() == renamed.json() | {"customer_id": None}


async def test_a_list_is_newest_first_in_pages(tenant: Tenant) -> None:
    made = [await make(tenant.admin, name) for name in ("a", "b", "c")]

    first = (await tenant.admin.get(f"{ASSETS}?limit=2")).json()
    rest = (await tenant.admin.get("/api/assets?limit=2&offset=2")).json()

    assert [*first, *rest] == made[::-1]


async def test_an_asset_is_deleted(tenant: Tenant) -> None:
    path = f"{ASSETS}/{(await make(tenant.admin))['id']}"

    answer = await tenant.admin.delete(path)

    assert (answer.status_code, answer.content) == (204, b"")
    expect_v1_error(await tenant.admin.get(path), 404, "Asset with id")
    expect_v1_error(await tenant.admin.put(path, json={"name": "x"}), 404)
    expect_v1_error(await tenant.admin.delete(path), 404)


async def test_what_must_not_be_is_refused(platform: Platform, tenant: Tenant) -> None:
    asset = await make(tenant.admin)
    path = f"{ASSETS}/{asset['id']}"
    profile = (await platform.tenant()).admin
    foreign = (await make_profile(profile))["id"]
    await make(tenant.admin, "taken")

    for status, answer in (
        (400, await tenant.admin.post(ASSETS, json={})),
        (400, await tenant.admin.put(path, json={"name": ""})),
        (400, await tenant.admin.put(path, json={"label": "x" * 256})),
        (400, await tenant.admin.put(path, json={"asset_profile_id": foreign})),
        (409, await tenant.admin.post(ASSETS, json={"name": "taken"})),
        (409, await tenant.admin.put(path, json={"name": "taken"})),
        (422, await tenant.admin.put(path, json={"asset_profile_id": "no uuid"})),
        (422, await tenant.admin.post(ASSETS, json={"name": 5})),
        (404, await tenant.admin.put(path, json={"customer_id": str(uuid4())})),
        (403, await tenant.customer_user.post(ASSETS, json={"name": "x"})),
        (403, await tenant.customer_user.get(path)),
        (403, await profile.get(path)),
        (403, await (await platform.sysadmin()).get(ASSETS)),
        (401, await platform.anybody.get(ASSETS)),
    ):
        expect_v1_error(answer, status)


async def test_a_profile_is_made_read_changed_and_deleted(tenant: Tenant) -> None:
    external = str(uuid4())
    profile = await make_profile(
        tenant.admin, description="tall", default_queue_name="Main", external_id=external
    )
    path = f"{PROFILES}/{profile['id']}"

    changed = await tenant.admin.put(path, json={"description": "taller"})
    read = await tenant.admin.get(path)
    listed = (await tenant.admin.get(f"{PROFILES}?search=TOW")).json()
    deleted = await tenant.admin.delete(path)

    assert profile | {"id": 0, "created_time": 0} == {
        "id": 0,
        "created_time": 0,
        "name": "tower",
        "tenant_id": str(tenant.id),
        "customer_id": None,
        "additional_info": {},
        "description": "tall",
        "image": None,
        "is_default": False,
        "default_rule_chain_id": None,
        "default_dashboard_id": None,
        "default_queue_name": "Main",
        "external_id": external,
    }
    assert changed.json() == read.json() == profile | {"description": "taller"}
    assert listed == [read.json()]
    assert deleted.status_code == 204
    expect_v1_error(await tenant.admin.get(path), 404, "Asset profile with id")


async def test_a_profile_becomes_the_default_one(tenant: Tenant) -> None:
    await make(tenant.admin, "of the default")
    profile = await make_profile(tenant.admin, is_default=True)

    asset = await make(tenant.admin)

    assert profile["is_default"] is True
    assert (asset["type"], asset["asset_profile_id"]) == ("tower", profile["id"])


async def test_what_a_profile_must_not_be_is_refused(tenant: Tenant) -> None:
    profile = await make_profile(tenant.admin)
    path = f"{PROFILES}/{profile['id']}"
    await make(tenant.admin, asset_profile_id=profile["id"])

    for status, answer in (
        (400, await tenant.admin.post(PROFILES, json={})),
        (400, await tenant.admin.put(path, json={"default_rule_chain_id": str(uuid4())})),
        (409, await tenant.admin.post(PROFILES, json={"name": "tower"})),
        (409, await tenant.admin.delete(path)),
        (403, await tenant.customer_user.get(path)),
        (403, await tenant.customer_user.get(PROFILES)),
    ):
        expect_v1_error(answer, status)
