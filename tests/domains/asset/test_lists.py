"""Any combination of a list's filters finds what a plain look at all assets finds."""

from itertools import product
from typing import Any

from tests.api.support import Platform, Tenant, created

ASSETS = "/api/v1/assets"
NAMES = ("Alpha", "beta_1", "betaX1", "100%", "Überdach")


async def test_every_combination_of_filters(platform: Platform, tenant: Tenant) -> None:
    stored = []
    for number, name in enumerate(NAMES):
        body = {
            "name": name,
            "type": ("hall", "tower")[number % 2],
            "label": ("North", None, "süd")[number % 3],
            "customer_id": str(tenant.customer_id) if number % 2 else None,
        }
        stored.append(await created(tenant.admin, ASSETS, body, 201))
    await created((await platform.tenant()).admin, ASSETS, {"name": "Alpha foreign"}, 201)
    profiles = {asset["type"]: asset["asset_profile_id"] for asset in stored}
    wanted: dict[str, tuple[Any, ...]] = {
        "search": (None, "BETA_", "üb", "SÜD", "tower", "%", "nothing"),
        "type": (None, "hall", "none"),
        "customer_id": (None, str(tenant.customer_id)),
        "asset_profile_id": (None, profiles["tower"]),
    }

    for values in product(*wanted.values()):
        query = {name: value for name, value in zip(wanted, values, strict=True) if value}
        found = (await tenant.admin.get(ASSETS, params=query)).json()

        expected = [asset for asset in reversed(stored) if fits(asset, query)]
        assert found == expected, query


def fits(asset: dict[str, Any], query: dict[str, str]) -> bool:
    text = f"{asset['name']}\n{asset['label'] or ''}\n{asset['type']}".lower()
    exact = ("type", "customer_id", "asset_profile_id")
    return query.get("search", "").lower() in text and all(
        asset[name] == query[name] for name in exact if name in query
    )
