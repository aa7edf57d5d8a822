from collections.abc import AsyncIterator

import pytest

from fieldline.kit.clock import ManualClock
from tests.rules.nodes.action.alarm_world import AlarmWorld, make_alarm_world


@pytest.fixture
async def alarm_world(database_url: str, clock: ManualClock) -> AsyncIterator[AlarmWorld]:
    async with make_alarm_world(database_url, clock) as world:
        yield world
