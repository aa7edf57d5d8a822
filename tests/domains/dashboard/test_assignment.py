"""Whom dashboards are shown to, through the real application."""

import asyncio
from uuid import UUID, uuid4

import pytest

from fieldline.domains.dashboard.assignment import MAX_CUSTOMERS
from fieldline.domains.entity.access import Known, known
from fieldline.kit.errors import Forbidden
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.security.permissions import Operation
from tests.api.support import Client, Platform, Tenant, created
from tests.domains.dashboard.support import (
    DASHBOARD,
    PAGE,
    assign,
    customers_of,
    make,
    make_customer,
    path_of,
    titles,
)
from tests.domains.support import expect_error

A = "Customer A"


async def test_an_assigned_dashboard_is_seen_by_the_customers_user_and_no_other(
    tenant: Tenant,
) -> None:
    dashboard = await make(tenant.admin, configuration={"a": 1})
    await make(tenant.admin, "hidden")
    user, own = tenant.customer_user, f"/api/customer/{tenant.customer_id}/dashboards?{PAGE}"
    before = await user.get(path_of(dashboard))

    saved = await assign(tenant, dashboard, tenant.customer_id)

    expect_error(before, 403, 20)
    assert saved == dashboard | {
        "version": 2,
        "assignedCustomers": [
            {
                "customerId": {"entityType": "CUSTOMER", "id": str(tenant.customer_id)},
                "title": A,
                "public": False,
            }
        ],
    }
    assert (await user.get(path_of(dashboard))).json() == saved
    assert await titles(user, own) == ["Floor"]
    assert await titles(tenant.admin, own) == ["Floor"]
    ids = f"{dashboard['id']['id']},{uuid4()}"
    assert len((await user.get(f"/api/dashboards/list?dashboardIds={ids}")).json()) == 1


async def test_assigning_again_changes_nothing(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    first = await assign(tenant, dashboard, tenant.customer_id)

    assert await assign(tenant, dashboard, tenant.customer_id) == first


async def test_a_customer_user_changes_nothing(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    await assign(tenant, dashboard, tenant.customer_id)

    for method, path, body in (
        ("POST", DASHBOARD, dashboard | {"title": "mine"}),
        ("POST", DASHBOARD, {"title": "mine"}),
        ("DELETE", path_of(dashboard), None),
        ("POST", path_of(dashboard, "/customers"), []),
    ):
        answer = await tenant.customer_user.request(method, path, json=body)
        expect_error(answer, 403, 20)


async def test_unassigning_hides_it_again(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    await assign(tenant, dashboard, tenant.customer_id)
    path = f"/api/customer/{tenant.customer_id}/dashboard/{dashboard['id']['id']}"

    answer = await tenant.admin.delete(path)

    assert answer.json()["assignedCustomers"] == []
    expect_error(await tenant.customer_user.get(path_of(dashboard)), 403, 20)
    assert (await tenant.admin.delete(path)).json() == answer.json()


async def test_customers_are_set_added_and_removed(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    a = str(tenant.customer_id)
    b, c = [await make_customer(tenant.admin, f"Customer {name}") for name in "BC"]

    async def change(tail: str, ids: list[str] | None) -> list[str]:
        return customers_of(await created(tenant.admin, path_of(dashboard, tail), ids))

    assert await change("/customers", [c, a]) == [A, "Customer C"]
    assert await change("/customers", [b, a]) == [A, "Customer B"]
    assert await change("/customers/add", [b, c]) == [A, "Customer B", "Customer C"]
    assert await change("/customers/remove", [a, c]) == ["Customer B"]
    assert await change("/customers", None) == []


async def test_a_missing_or_foreign_customer_is_refused_and_nothing_is_assigned(
    tenant: Tenant, stranger: Tenant
) -> None:
    dashboard = await make(tenant.admin)
    own = str(tenant.customer_id)

    for other in (str(uuid4()), str(stranger.customer_id)):
        for tail in ("/customers", "/customers/add", "/customers/remove"):
            answer = await tenant.admin.post(path_of(dashboard, tail), json=[own, other])
            expect_error(answer, 404, 32, f"Customer with id [{other}] is not found")
        single = f"/api/customer/{other}/dashboard/{dashboard['id']['id']}"
        for method in ("POST", "DELETE"):
            expect_error(await tenant.admin.request(method, single), 404, 32)

    assert (await tenant.admin.get(path_of(dashboard))).json() == dashboard


async def test_a_bad_list_of_customers_is_refused(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)

    for body in (["no uuid"], {"a": 1}, "text", [None]):
        for tail in ("/customers", "/customers/add", "/customers/remove"):
            answer = await tenant.admin.post(path_of(dashboard, tail), json=body)
            expect_error(answer, 400, 31)
    for tail in ("/customers/add", "/customers/remove"):
        expect_error(await tenant.admin.post(path_of(dashboard, tail)), 400, 31)


async def test_too_many_customers_are_refused(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    ids = [str(uuid4()) for _ in range(MAX_CUSTOMERS + 1)]

    answer = await tenant.admin.post(path_of(dashboard, "/customers/add"), json=ids)

    expect_error(answer, 400, 31, f"at most {MAX_CUSTOMERS} customers")


async def test_everybody_sees_a_public_dashboard(platform: Platform, tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    path = f"/api/customer/public/dashboard/{dashboard['id']['id']}"

    saved = await created(tenant.admin, path, None)
    anonymous = await _public_user(platform, saved["assignedCustomers"][0]["customerId"]["id"])
    seen = await anonymous.get(path_of(dashboard))
    hidden = await tenant.admin.delete(path)

    assert [each["public"] for each in saved["assignedCustomers"]] == [True]
    assert customers_of(saved) == ["Public"]
    assert seen.status_code == 200
    assert hidden.json()["assignedCustomers"] == []
    expect_error(await anonymous.get(path_of(dashboard)), 403, 20)


async def test_who_sees_it_by_one_customer_is_not_told_of_the_others(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    other = await make_customer(tenant.admin, "Customer B")
    await created(tenant.admin, path_of(dashboard, "/customers"), [other, str(tenant.customer_id)])

    shown = (await tenant.customer_user.get(path_of(dashboard))).json()

    assert customers_of(shown) == [A]


async def test_a_renamed_customer_is_shown_by_its_new_title(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    await assign(tenant, dashboard, tenant.customer_id)
    customer = {"id": {"id": str(tenant.customer_id)}, "title": "Barn"}

    await created(tenant.admin, "/api/customer", customer)

    assert customers_of((await tenant.admin.get(path_of(dashboard))).json()) == ["Barn"]


async def test_a_dashboard_outlives_its_customer(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    await assign(tenant, dashboard, tenant.customer_id)

    deleted = await tenant.admin.delete(f"/api/customer/{tenant.customer_id}")

    assert deleted.status_code == 200
    assert (await tenant.admin.get(path_of(dashboard))).json()["assignedCustomers"] == []


async def test_saving_keeps_the_customers(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    await assign(tenant, dashboard, tenant.customer_id)

    saved = await created(
        tenant.admin,
        DASHBOARD,
        {"id": dashboard["id"], "title": "Roof", "assignedCustomers": []},
    )

    assert customers_of(saved) == [A]


async def test_customers_added_at_once_are_all_there(tenant: Tenant) -> None:
    dashboard = await make(tenant.admin)
    ids = [await make_customer(tenant.admin, f"Customer {number}") for number in range(6)]

    await asyncio.gather(*(assign(tenant, dashboard, each) for each in ids))

    found = (await tenant.admin.get(path_of(dashboard))).json()
    assert len(found["assignedCustomers"]) == len(ids)
    assert found["version"] == 1 + len(ids)


async def test_a_customer_of_another_list_is_refused_to_customer_users(tenant: Tenant) -> None:
    other = await make_customer(tenant.admin, "Customer B")

    answer = await tenant.customer_user.get(f"/api/customer/{other}/dashboards?{PAGE}")

    expect_error(answer, 403, 20)


async def _public_user(platform: Platform, public_id: str) -> Client:
    body = {"publicId": public_id}
    tokens = await created(platform.anybody, "/api/auth/login/public", body)
    return platform.client(tokens["token"])


async def test_customer_users_read_and_do_not_write_attributes_of_their_dashboards(
    platform: Platform, tenant: Tenant
) -> None:
    services, token = platform.services, tenant.customer_user.token or ""
    caller = services.tokens.verify_access(token)
    dashboard = await make(tenant.admin)
    ref = EntityRef(EntityType.DASHBOARD, UUID(dashboard["id"]["id"]))

    async with services.database.read() as session:
        with pytest.raises(Forbidden):
            await known(session, caller, Operation.READ_ATTRIBUTES, ref)
    await assign(tenant, dashboard, tenant.customer_id)
    async with services.database.read() as session:
        found = await known(session, caller, Operation.READ_ATTRIBUTES, ref)
        with pytest.raises(Forbidden):
            await known(session, caller, Operation.WRITE_ATTRIBUTES, ref)

    assert found == Known(tenant.id, "Floor", customer_id=tenant.customer_id)
