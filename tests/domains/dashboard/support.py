"""Dashboards over HTTP, for tests."""

from typing import Any

from tests.api.support import Client, Tenant, created

DASHBOARD = "/api/dashboard"
PAGE = "pageSize=10&page=0"


async def make(client: Client, title: str = "Floor", **fields: object) -> Any:
    return await created(client, DASHBOARD, {"title": title, **fields})


def path_of(dashboard: Any, tail: str = "") -> str:
    return f"{DASHBOARD}/{dashboard['id']['id']}{tail}"


async def make_customer(client: Client, title: str) -> str:
    customer = await created(client, "/api/customer", {"title": title})
    return str(customer["id"]["id"])


async def assign(tenant: Tenant, dashboard: Any, customer_id: object) -> Any:
    path = f"/api/customer/{customer_id}/dashboard/{dashboard['id']['id']}"
    return await created(tenant.admin, path, None)


def customers_of(dashboard: Any) -> list[str]:
    return [each["title"] for each in dashboard["assignedCustomers"]]


async def titles(client: Client, path: str) -> list[str]:
    """Return the titles of a page."""
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return [each["title"] for each in answer.json()["data"]]
