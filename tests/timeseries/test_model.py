"""SQLite and PostgreSQL do what the plain store in memory does, whatever comes in what order."""

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings

from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.timeseries.store import TimeseriesStore
from tests.timeseries.operations import OPERATIONS, Operation, everything
from tests.timeseries.stores import open_postgresql, open_sqlite

thorough = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@thorough
@given(operations=OPERATIONS)
async def test_sqlite_agrees_with_memory(sqlite_url: str, operations: list[Operation]) -> None:
    async with open_sqlite(sqlite_url) as store:
        await _compare(store, operations)


@pytest.mark.postgres
@thorough
@given(operations=OPERATIONS)
async def test_postgresql_agrees_with_memory(
    shared_postgres_url: str, operations: list[Operation]
) -> None:
    async with open_postgresql(shared_postgres_url) as store:
        await _compare(store, operations)


async def _compare(store: TimeseriesStore, operations: list[Operation]) -> None:
    model = MemoryStore()
    entities = [uuid4(), uuid4()]

    for operation in operations:
        assert repr(await operation(store, entities)) == repr(await operation(model, entities))

    assert await everything(store, entities) == await everything(model, entities)
