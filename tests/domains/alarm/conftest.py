from collections.abc import AsyncIterator

import pytest

from fieldline.kit.clock import ManualClock
from tests.domains.alarm.platform import Platform, running_platform
from tests.domains.alarm.world import World, make_world


@pytest.fixture
async def world(database_url: str, clock: ManualClock) -> AsyncIterator[World]:
    async with make_world(database_url, clock) as world:
        yield world


@pytest.fixture
async def platform(world: World) -> AsyncIterator[Platform]:
    async with running_platform(world) as platform:
        yield platform
