"""What is deleted takes with it what belongs to it, and nothing else, over all domains."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select, text

from fieldline.domains.device_profile import service as device_profile_service
from fieldline.domains.rule_chain import metadata as rule_chain_metadata
from tests.api.support import Client, Platform, created, running

OWNED = (
    "tb_user",
    "user_credentials",
    "customer",
    "device",
    "device_credentials",
    "device_profile",
    "rule_chain",
    "rule_node",
    "alarm",
)


@pytest.fixture
async def platform(database_url: str) -> AsyncIterator[Platform]:
    seeders = [device_profile_service.seed, rule_chain_metadata.seed]
    async with running(database_url, seeders=seeders) as platform:
        yield platform


async def rows(platform: Platform) -> dict[str, int]:
    async with platform.services.database.read() as session:
        return {
            name: await session.scalar(select(func.count()).select_from(text(name))) or 0
            for name in OWNED
        }


async def furnish(admin: Client, customer_id: str) -> str:
    """Give a tenant a device of a customer with an alarm; returns the device's id."""
    device = await created(admin, "/api/device", {"name": "D"})
    device_id: str = device["id"]["id"]
    await created(admin, f"/api/customer/{customer_id}/device/{device_id}", {})
    body = {"type": "T", "originator": device["id"], "severity": "MAJOR"}
    await created(admin, "/api/alarm", body)
    return device_id


async def test_a_deleted_tenant_leaves_no_row(platform: Platform) -> None:
    sysadmin = await platform.sysadmin()
    kept = await platform.tenant()
    await furnish(kept.admin, str(kept.customer_id))
    before = await rows(platform)
    gone = await platform.tenant()
    await furnish(gone.admin, str(gone.customer_id))
    assert all(count > before[name] for name, count in (await rows(platform)).items())

    answer = await sysadmin.delete(f"/api/tenant/{gone.id}")

    assert answer.status_code == 200, answer.text
    assert await rows(platform) == before


async def test_a_deleted_customer_leaves_its_devices_unassigned(platform: Platform) -> None:
    tenant = await platform.tenant()
    device_id = await furnish(tenant.admin, str(tenant.customer_id))

    answer = await tenant.admin.delete(f"/api/customer/{tenant.customer_id}")

    assert answer.status_code == 200, answer.text
    device = (await tenant.admin.get(f"/api/v1/devices/{device_id}")).json()
    assert device["customer_id"] is None
    alarms = (await tenant.admin.get("/api/v1/alarms")).json()
    assert [alarm["customer_id"] for alarm in alarms] == [None]


async def test_a_deleted_user_leaves_its_alarms_to_nobody(platform: Platform) -> None:
    tenant = await platform.tenant()
    await furnish(tenant.admin, str(tenant.customer_id))
    alarm_id = (await tenant.admin.get("/api/v1/alarms")).json()[0]["id"]
    user_id = (await tenant.customer_user.get("/api/v1/auth/user")).json()["id"]
    await created(tenant.admin, f"/api/alarm/{alarm_id}/assign/{user_id}", {})

    answer = await tenant.admin.delete(f"/api/user/{user_id}")

    assert answer.status_code == 200, answer.text
    alarm = (await tenant.admin.get(f"/api/v1/alarms/{alarm_id}")).json()
    assert alarm["assignee_id"] is None
