"""A page of dashboards with their customers is two statements; neither reads a configuration."""

import pytest

from tests.api.support import Platform
from tests.domains.dashboard.support import assign, make
from tests.domains.support import statements


@pytest.mark.parametrize(
    "path", ["/api/tenant/dashboards?pageSize=100&page=0", "/api/v1/dashboards?limit=100"]
)
async def test_a_page_of_dashboards_is_two_statements(platform: Platform, path: str) -> None:
    tenant = await platform.tenant()
    for number in range(3):
        dashboard = await make(tenant.admin, f"d{number}", configuration={"large": "x" * 1000})
        await assign(tenant, dashboard, tenant.customer_id)

    with statements(platform.services.database) as seen:
        answer = await tenant.admin.get(path)

    assert answer.status_code == 200
    assert len(seen) == 2
    assert [statement for statement in seen if "configuration" in statement] == []
