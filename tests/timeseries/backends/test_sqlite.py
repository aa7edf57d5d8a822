"""The SQLite store keeps the contract, and more that is its own."""

from collections.abc import AsyncIterator

import pytest

from fieldline.timeseries.backends.sqlite import SqliteStore
from tests.conformance.timeseries import StoreContract
from tests.timeseries.stores import open_sqlite


class TestSqliteStore(StoreContract):
    @pytest.fixture
    async def store(self, sqlite_url: str) -> AsyncIterator[SqliteStore]:
        async with open_sqlite(sqlite_url) as store:
            yield store
