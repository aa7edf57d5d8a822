from collections.abc import AsyncIterator

import pytest

from fieldline.kit.clock import ManualClock
from tests.domains.alarm.platform import Platform, running_platform
from tests.domains.alarm.world import make_world


@pytest.fixture
async def platform(database_url: str, clock: ManualClock) -> AsyncIterator[Platform]:
    async with make_world(database_url, clock) as world, running_platform(world) as platform:
        yield platform
