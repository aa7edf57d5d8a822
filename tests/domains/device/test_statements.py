"""A page of devices with the names of customer and profile is one statement."""

import pytest

from tests.api.support import Platform, created
from tests.domains.support import statements


@pytest.mark.parametrize(
    "path",
    [
        "/api/tenant/deviceInfos?pageSize=100&page=0&sortProperty=createdTime&sortOrder=DESC",
        "/api/v1/devices?limit=100",
    ],
)
async def test_a_page_of_devices_is_one_statement(platform: Platform, path: str) -> None:
    tenant = await platform.tenant()
    body = {"customerId": {"entityType": "CUSTOMER", "id": str(tenant.customer_id)}}
    for number in range(3):
        await created(tenant.admin, "/api/device", {"name": f"device {number}", **body})

    with statements(platform.services.database) as seen:
        answer = await tenant.admin.get(path)

    assert answer.status_code == 200
    assert len(seen) == 1
    assert seen[0].startswith("SELECT")
