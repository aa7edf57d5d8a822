"""Assets made over HTTP."""

from typing import Any

from tests.api.support import Client, created

Json = dict[str, Any]


async def make(client: Client, name: str = "hall", query: str = "", **fields: object) -> Json:
    """Make an asset; returns it as ThingsBoard's wire has it."""
    asset: Json = await created(client, f"/api/asset{query}", {"name": name, **fields})
    return asset


def path_of(asset: Json) -> str:
    return f"/api/asset/{asset['id']['id']}"


def customer_ref(customer_id: object) -> Json:
    return {"entityType": "CUSTOMER", "id": str(customer_id)}
