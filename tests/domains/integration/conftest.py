from collections.abc import AsyncIterator
from typing import Any

import pytest

from fieldline.rest.services import Limits
from tests.api.support import Platform, Tenant, running

LIMIT = 5


@pytest.fixture
async def platform(database_url: str) -> AsyncIterator[Platform]:
    """A platform behind the real HTTP application, where no integration runs."""

    def prepare(app: Any) -> None:
        app.state.live_integrations = lambda _integration_id: None

    limits = Limits(tenant_integrations=LIMIT)
    async with running(database_url, limits=limits, prepare=prepare) as platform:
        yield platform


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant()
