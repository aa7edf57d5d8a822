"""A platform for WebSocket tests: what they show does not depend on the database."""

from collections.abc import AsyncIterator

import pytest

from fieldline.database.engine import Database
from fieldline.kit.clock import ManualClock
from tests.domains.telemetry.platform import Platform, running_platform


@pytest.fixture
async def sqlite_database(sqlite_url: str) -> AsyncIterator[Database]:
    database = Database(sqlite_url)
    yield database
    await database.close()


@pytest.fixture
async def platform(sqlite_database: Database, clock: ManualClock) -> AsyncIterator[Platform]:
    async with running_platform(sqlite_database, clock) as platform:
        yield platform
