"""Dashboards in the v1 dialect, through the real application."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.support import Client, Platform, Tenant, created
from tests.domains.support import expect_v1_error, on_sqlite

DASHBOARDS = "/api/v1/dashboards"
LAYOUT = {"widgets": {"b": 1, "a": []}}


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant()


async def make(client: Client, title: str = "Floor", **fields: object) -> Any:
    return await created(client, DASHBOARDS, {"title": title, **fields}, 201)


async def make_customer(tenant: Tenant, title: str = "Customer B") -> str:
    customer = await created(tenant.admin, "/api/v1/customers", {"title": title}, 201)
    return str(customer["id"])


def shown(tenant: Tenant) -> dict[str, Any]:
    return {"customer_id": str(tenant.customer_id), "title": "Customer A", "is_public": False}


async def test_a_dashboard_has_every_field_of_the_contract(tenant: Tenant) -> None:
    external = str(uuid4())
    dashboard = await make(
        tenant.admin,
        image="i",
        mobile_hide=True,
        mobile_order=2,
        configuration=LAYOUT,
        assigned_customers=[str(tenant.customer_id)],
        additional_info={"floor": 3},
        external_id=external,
        unknown=1,
    )

    assert dashboard | {"id": 0, "created_time": 0} == {
        "id": 0,
        "created_time": 0,
        "name": "Floor",
        "title": "Floor",
        "tenant_id": str(tenant.id),
        "customer_id": str(tenant.customer_id),
        "additional_info": {"floor": 3},
        "image": "i",
        "mobile_hide": True,
        "mobile_order": 2,
        "configuration": LAYOUT,
        "assigned_customers": [shown(tenant)],
        "external_id": external,
    }
    for prefix in ("/api/v1", "/api"):
        found = await tenant.admin.get(f"{prefix}/dashboards/{dashboard['id']}")
        assert found.json() == dashboard


async def test_a_name_is_the_title(tenant: Tenant) -> None:
    dashboard = await created(tenant.admin, DASHBOARDS, {"name": "Floor"}, 201)

    assert (dashboard["name"], dashboard["title"]) == ("Floor", "Floor")


async def test_put_changes_what_it_names(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin, configuration=LAYOUT, mobile_order=2)
    path = f"{DASHBOARDS}/{dashboard['id']}"

    renamed = await tenant.admin.put(path, json={"name": "Roof", "id": str(uuid4())})
    emptied = await tenant.admin.put(path, json={"mobile_order": None})

    assert renamed.json() == dashboard | {"name": "Roof", "title": "Roof"}
    assert emptied.json() == renamed.json() | {"mobile_order": None}


async def test_put_assigns_to_exactly_these_customers(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    path, own = f"{DASHBOARDS}/{dashboard['id']}", str(tenant.customer_id)
    other = await make_customer(tenant)

    async def put(**body: object) -> list[str]:
        answer = await tenant.admin.put(path, json=body)
        assert answer.status_code == 200, answer.text
        return [each["title"] for each in answer.json()["assigned_customers"]]

    assert await put(assigned_customers=[own, {"customer_id": other, "title": "x"}]) == [
        "Customer A",
        "Customer B",
    ]
    assert await put(customer_id=own) == ["Customer A"]
    assert await put(title="Roof") == ["Customer A"]
    assert await put(customer_id=None) == []
    assert await put(assigned_customers=[other], title="Cellar") == ["Customer B"]
    assert await put(assigned_customers=None) == []


async def test_customers_are_added_and_removed_one_by_one(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    path = f"{DASHBOARDS}/{dashboard['id']}/customers/{tenant.customer_id}"

    added = await tenant.admin.post(path)
    seen = await tenant.customer_user.get(f"{DASHBOARDS}/{dashboard['id']}")
    removed = await tenant.admin.delete(path)
    hidden = await tenant.customer_user.get(f"{DASHBOARDS}/{dashboard['id']}")

    assert added.json()["assigned_customers"] == [shown(tenant)]
    assert seen.json() == added.json()
    assert (removed.status_code, removed.content) == (204, b"")
    expect_v1_error(hidden, 403)


async def test_lists_are_newest_first_without_configurations(tenant: Tenant) -> None:
    first = await make(tenant.admin, configuration=LAYOUT, customer_id=str(tenant.customer_id))
    second = await make(tenant.admin, "Roof")
    del first["configuration"], second["configuration"]

    async def listed(client: Client, query: str = "") -> Any:
        return (await client.get(f"{DASHBOARDS}{query}")).json()

    assert await listed(tenant.admin) == [second, first]
    assert await listed(tenant.admin, "?limit=1&offset=1") == [first]
    assert await listed(tenant.admin, "?search=oor") == [first]
    assert await listed(tenant.admin, f"?customer_id={tenant.customer_id}") == [first]
    assert await listed(tenant.customer_user) == [first]
    assert (await tenant.admin.get("/api/dashboards")).json() == [second, first]


async def test_a_deleted_dashboard_is_gone(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    path = f"{DASHBOARDS}/{dashboard['id']}"

    answer = await tenant.admin.delete(path)

    assert (answer.status_code, answer.content) == (204, b"")
    for method in ("GET", "PUT", "DELETE"):
        gone = await tenant.admin.request(method, path, json={})
        expect_v1_error(gone, 404, f"Dashboard with id [{dashboard['id']}] is not found")


async def test_a_default_dashboard_is_not_deleted(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    profile = {"name": "meter", "default_dashboard_id": dashboard["id"]}
    await created(tenant.admin, "/api/v1/deviceProfiles", profile, 201)

    answer = await tenant.admin.delete(f"{DASHBOARDS}/{dashboard['id']}")

    expect_v1_error(answer, 409, "is the default one of device profile 'meter'")


async def test_a_customer_that_there_is_not_leaves_nothing_behind(tenant: Tenant) -> None:
    body = {"title": "Floor", "assigned_customers": [str(uuid4())]}

    expect_v1_error(await tenant.admin.post(DASHBOARDS, json=body), 404, "Customer with id")

    assert (await tenant.admin.get(DASHBOARDS)).json() == []


async def test_a_customer_user_changes_nothing(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin, customer_id=str(tenant.customer_id))
    path = f"{DASHBOARDS}/{dashboard['id']}"
    customer = f"{path}/customers/{tenant.customer_id}"

    for method, url in (
        ("POST", DASHBOARDS),
        ("PUT", path),
        ("DELETE", path),
        ("POST", customer),
        ("DELETE", customer),
    ):
        answer = await tenant.customer_user.request(method, url, json={"title": "mine"})
        expect_v1_error(answer, 403)


@on_sqlite
@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, "Dashboard title should be specified!"),
        ({"title": None}, "Dashboard title should be specified!"),
        ({"title": "x" * 256}, "title length must be"),
        ({"title": 5}, "title"),
        ({"title": "a", "mobile_order": 2**31}, "mobile_order"),
        ({"title": "a", "assigned_customers": ["x"]}, "assigned_customers"),
        ({"title": "a", "customer_id": "x"}, "customer_id"),
        ({"title": "a", "additional_info": {"a": "<script>"}}, "additionalInfo is malformed"),
        ({"title": "a", "additional_info": {"a": 2**63}}, "beyond 64 bits"),
    ],
)
async def test_a_bad_body_is_refused(tenant: Tenant, body: Any, detail: str) -> None:
    answer = await tenant.admin.post(DASHBOARDS, json=body)

    assert answer.status_code in {400, 422}, answer.text
    assert detail in answer.json()["detail"]
    assert (await tenant.admin.get(DASHBOARDS)).json() == []


@on_sqlite
@pytest.mark.parametrize("query", ["limit=0", "offset=-1", "customer_id=x", "limit=x"])
async def test_a_bad_query_is_refused(tenant: Tenant, query: str) -> None:
    assert (await tenant.admin.get(f"{DASHBOARDS}?{query}")).status_code in {400, 422}
