from collections.abc import AsyncIterator

import pytest

from fieldline.domains.asset_profile import service as profile_service
from fieldline.domains.device_profile import service as device_profile_service
from tests.api.support import Platform, Tenant, running


@pytest.fixture
async def platform(database_url: str) -> AsyncIterator[Platform]:
    seeders = [device_profile_service.seed, profile_service.seed]
    async with running(database_url, seeders=seeders) as platform:
        yield platform


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant()
