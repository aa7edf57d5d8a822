from collections.abc import AsyncIterator

import pytest

from fieldline.timeseries.backends.memory import MemoryStore
from tests.ingest.world import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World(MemoryStore())
    await world.start()
    yield world
    await world.stop()
