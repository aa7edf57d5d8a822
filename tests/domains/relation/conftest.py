from collections.abc import AsyncIterator

import pytest

from tests.domains.relation.world import World, make_world


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with make_world(database_url) as world:
        yield world
