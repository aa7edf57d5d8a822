from collections.abc import AsyncIterator

import pytest

from tests.api.support import Platform, running


@pytest.fixture
async def platform(database_url: str) -> AsyncIterator[Platform]:
    """A platform behind the real HTTP application, once per database."""
    async with running(database_url) as platform:
        yield platform
