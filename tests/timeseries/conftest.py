"""A PostgreSQL database for a whole module (making one takes longer than tests), and a writer."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from fieldline.kit.clock import ManualClock
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.timeseries.writer import TimeseriesWriter, WriterLimits
from tests.postgres import Databases
from tests.timeseries.faults import FaultyStore, Told
from tests.timeseries.stores import open_sqlite

LIMITS = WriterLimits(max_pending_rows=100, max_batch_rows=10, retry_delays_s=(0.0,))


@pytest.fixture(scope="module")
def shared_postgres_url(postgres_databases: Databases) -> Iterator[str]:
    """URL of a database with the schema; tests in it must not mind what others left."""
    url = asyncio.run(postgres_databases.take())
    yield url
    asyncio.run(postgres_databases.give_back(url))


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[FaultyStore]:
    async with open_sqlite(sqlite_url) as store:
        yield FaultyStore(store)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def writer(
    store: FaultyStore, clock: ManualClock, told: Told
) -> AsyncIterator[TimeseriesWriter]:
    writer = TimeseriesWriter(
        store,
        clock,
        on_readings=told.on_readings,
        on_attributes=told.on_attributes,
        limits=LIMITS,
    )
    writer.start()
    yield writer
    store.open.set()
    await writer.stop()


@pytest.fixture
def device() -> EntityRef:
    return EntityRef(EntityType.DEVICE, uuid4())
