"""Several change one thing at a time: without a version all succeed, on both databases."""

import asyncio

import pytest

from tests.api.support import Client, Platform, created

CHANGES = 8


async def _put_all(client: Client, path: str, bodies: list[dict[str, str]]) -> set[int]:
    answers = await asyncio.gather(*(client.put(path, json=body) for body in bodies))
    return {answer.status_code for answer in answers}


@pytest.mark.parametrize("resource", ["tenants", "customers"])
async def test_changes_of_names_without_a_version_all_succeed(
    platform: Platform, resource: str
) -> None:
    tenant = await platform.tenant()
    client, path = tenant.admin, f"/api/v1/customers/{tenant.customer_id}"
    if resource == "tenants":
        client, path = await platform.sysadmin(), f"/api/v1/tenants/{tenant.id}"

    statuses = await _put_all(client, path, [{"name": f"name {n}"} for n in range(CHANGES)])

    assert statuses == {200}


async def test_changes_of_a_tenant_profile_all_succeed(platform: Platform) -> None:
    sysadmin = await platform.sysadmin()
    profile = await created(sysadmin, "/api/tenantProfile", {"name": "small"})

    answers = await asyncio.gather(
        *(
            sysadmin.post("/api/tenantProfile", json={**profile, "description": f"change {n}"})
            for n in range(CHANGES)
        )
    )

    assert {answer.status_code for answer in answers} == {200}
