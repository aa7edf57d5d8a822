"""The PostgreSQL store keeps the contract, and more that is its own."""

from collections.abc import AsyncIterator

import pytest

from fieldline.timeseries.backends.postgresql import PostgresqlStore
from tests.conformance.timeseries import StoreContract
from tests.timeseries.stores import open_postgresql

pytestmark = pytest.mark.postgres


class TestPostgresqlStore(StoreContract):
    @pytest.fixture
    async def store(self, shared_postgres_url: str) -> AsyncIterator[PostgresqlStore]:
        async with open_postgresql(shared_postgres_url) as store:
            yield store
