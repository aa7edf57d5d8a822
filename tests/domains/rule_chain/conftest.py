from collections.abc import AsyncIterator

import pytest

from fieldline.database.engine import Database
from fieldline.kit.clock import ManualClock
from tests.domains.rule_chain.platform import Platform, running_platform


@pytest.fixture
async def platform(database: Database, clock: ManualClock) -> AsyncIterator[Platform]:
    async with running_platform(database, clock) as platform:
        yield platform
