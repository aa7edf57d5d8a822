import pytest

from tests.api.support import Platform, Tenant


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant()


@pytest.fixture
async def stranger(platform: Platform, tenant: Tenant) -> Tenant:
    return await platform.tenant()
