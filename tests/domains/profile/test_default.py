"""The default profile of a tenant that was made without one."""

import pytest

from tests.api.support import Platform


@pytest.mark.parametrize("kind", ["device", "asset"])
async def test_whoever_asks_first_has_it_made(platform: Platform, kind: str) -> None:
    tenant = await platform.tenant()

    asked = [
        await client.get(f"/api/{kind}ProfileInfo/default")
        for client in (tenant.customer_user, tenant.admin)
    ]

    assert [answer.status_code for answer in asked] == [200, 200], asked[0].text
    first, second = (answer.json() for answer in asked)
    assert first == second
    assert (first["name"], first["tenantId"]["id"]) == ("default", str(tenant.id))
