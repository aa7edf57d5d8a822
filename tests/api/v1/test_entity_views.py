"""Entity views in the v1 dialect."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.support import Client, Platform, Tenant, created
from tests.domains.support import expect_v1_error, on_sqlite

VIEWS = "/api/v1/entityViews"
NO_KEYS = {"timeseries": [], "attributes": {"cs": [], "ss": [], "sh": []}}


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant()


async def device_of(client: Client, name: str = "meter") -> str:
    device = await created(client, "/api/v1/devices", {"name": name}, 201)
    return str(device["id"])


async def make(client: Client, name: str = "view", **fields: Any) -> Any:
    target = await device_of(client, f"device of {name}")
    body = {"name": name, "type": "part", "entity_type": "DEVICE", "entity_id": target}
    return await created(client, VIEWS, body | fields, 201)


async def test_a_view_has_every_field_of_the_contract(tenant: Tenant) -> None:
    given: dict[str, Any] = {
        "keys": {"timeseries": ["t"], "attributes": {"cs": [], "ss": ["a"], "sh": []}},
        "start_ts": 5,
        "end_ts": 9,
        "external_id": str(uuid4()),
        "additional_info": {"floor": 3},
        "customer_id": str(tenant.customer_id),
    }

    view = await make(tenant.admin, unknown=1, tenant_id=str(uuid4()), **given)

    assert view == given | {
        "id": view["id"],
        "created_time": view["created_time"],
        "name": "view",
        "type": "part",
        "tenant_id": str(tenant.id),
        "entity_type": "DEVICE",
        "entity_id": view["entity_id"],
    }
    for prefix in ("/api/v1", "/api"):
        for client in (tenant.admin, tenant.customer_user):
            found = await client.get(f"{prefix}/entityViews/{view['id']}")
            assert found.json() == view


async def test_what_is_not_given_takes_its_default(tenant: Tenant) -> None:
    view = await make(tenant.admin)

    assert view["keys"] == NO_KEYS
    assert (view["start_ts"], view["end_ts"], view["additional_info"]) == (0, 0, {})
    assert (view["customer_id"], view["external_id"]) == (None, None)


async def test_put_changes_what_it_names_and_assigns(tenant: Tenant) -> None:
    view = await make(tenant.admin, start_ts=5)
    path = f"{VIEWS}/{view['id']}"
    other = await device_of(tenant.admin, "other")

    renamed = await tenant.admin.put(path, json={"name": "renamed"})
    assigned = await tenant.admin.put(path, json={"customer_id": str(tenant.customer_id)})
    seen = await tenant.customer_user.get(VIEWS)
    moved = await tenant.admin.put(path, json={"entity_type": "DEVICE", "entity_id": other})
    unassigned = await tenant.admin.put(path, json={"customer_id": None})

    assert renamed.json() == view | {"name": "renamed"}
    assert assigned.json() == renamed.json() | {"customer_id": str(tenant.customer_id)}
    assert seen.json() == [assigned.json()]
    assert moved.json() == assigned.json() | {"entity_id": other}
    assert unassigned.json() == moved.json() | {"customer_id": None}


async def test_lists_are_newest_first_and_filtered(tenant: Tenant) -> None:
    for name in ("first", "second", "third"):
        await make(tenant.admin, name, type="odd" if name == "second" else "part")
    customer_id = str(tenant.customer_id)
    await make(tenant.admin, "theirs", customer_id=customer_id)

    async def names(query: str) -> list[str]:
        answer = await tenant.admin.get(f"{VIEWS}{query}")
        assert answer.status_code == 200, answer.text
        return [view["name"] for view in answer.json()]

    assert await names("") == ["theirs", "third", "second", "first"]
    assert await names("?limit=2&offset=1") == ["third", "second"]
    assert await names("?search=IR") == ["theirs", "third", "first"]
    assert await names("?type=odd") == ["second"]
    assert await names(f"?customer_id={customer_id}") == ["theirs"]


async def test_one_path_serves_both_dialects(tenant: Tenant) -> None:
    view = await make(tenant.admin)

    v1 = (await tenant.admin.get("/api/entityViews")).json()
    thingsboard = (await tenant.admin.get(f"/api/entityViews?entityViewIds={view['id']}")).json()

    assert v1 == [view]
    assert thingsboard[0]["id"] == {"entityType": "ENTITY_VIEW", "id": view["id"]}


async def test_a_deleted_view_is_not_found(tenant: Tenant) -> None:
    view = await make(tenant.admin)
    path = f"{VIEWS}/{view['id']}"

    deleted = await tenant.admin.delete(path)

    assert (deleted.status_code, deleted.content) == (204, b"")
    for answer in (
        await tenant.admin.get(path),
        await tenant.admin.put(path, json={"name": "x"}),
        await tenant.admin.delete(path),
    ):
        expect_v1_error(answer, 404, "is not found")


async def test_a_taken_name_is_a_conflict(tenant: Tenant) -> None:
    view = await make(tenant.admin)
    body = {"name": "view", "type": "part", "entity_type": "DEVICE"}

    answer = await tenant.admin.post(VIEWS, json=body | {"entity_id": view["entity_id"]})

    expect_v1_error(answer, 409, "Entity view with such name already exists!")


async def test_a_customer_user_does_not_widen_its_view(tenant: Tenant) -> None:
    view = await make(tenant.admin, customer_id=str(tenant.customer_id), end_ts=9)
    path = f"{VIEWS}/{view['id']}"

    for change in ({"end_ts": 0}, {"keys": {"timeseries": ["t"]}}, {"customer_id": None}):
        expect_v1_error(await tenant.customer_user.put(path, json=change), 403)
    expect_v1_error(await tenant.customer_user.delete(path), 403)
    expect_v1_error(await tenant.customer_user.post(VIEWS, json={}), 403)
    renamed = await tenant.customer_user.put(path, json={"name": "mine"})

    assert renamed.json() == view | {"name": "mine"}


@on_sqlite
@pytest.mark.parametrize(
    ("change", "status", "detail"),
    [
        ({"name": None}, 400, "Entity view name should be specified!"),
        ({"name": 5}, 422, "name"),
        ({"name": "x" * 256}, 400, "equal or less than 255"),
        ({"type": None}, 400, "Entity view type should be specified!"),
        ({"entity_id": None}, 400, "entity_type and entity_id go together"),
        ({"entity_type": "ENTITY_VIEW"}, 400, "cannot show a ENTITY_VIEW"),
        ({"entity_type": "METER"}, 422, "entity_type"),
        ({"entity_id": "none"}, 422, "entity_id"),
        ({"entity_id": str(uuid4())}, 404, "not found"),
        ({"customer_id": str(uuid4())}, 404, "is not found"),
        ({"start_ts": 9, "end_ts": 5}, 400, "is after its end"),
        ({"start_ts": -1}, 422, "start_ts"),
        ({"end_ts": "soon"}, 422, "end_ts"),
        ({"keys": {"attributes": []}}, 422, "keys"),
    ],
)
async def test_what_is_wrong_is_said(tenant: Tenant, change: Any, status: int, detail: str) -> None:
    body = {
        "name": "view",
        "type": "part",
        "entity_type": "DEVICE",
        "entity_id": await device_of(tenant.admin),
    }

    answer = await tenant.admin.post(VIEWS, json=body | change)

    expect_v1_error(answer, status, detail)
    assert (await tenant.admin.get(VIEWS)).json() == []
