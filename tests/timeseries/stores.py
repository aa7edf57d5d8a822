"""Opens the real stores on the databases of the test fixtures."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fieldline.database.engine import WriteGate
from fieldline.kit.clock import ManualClock
from fieldline.timeseries.backends.postgresql import PostgresqlStore
from fieldline.timeseries.backends.sqlite import SqliteStore


def path_of(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite+aiosqlite:///"))


@asynccontextmanager
async def open_sqlite(url: str) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path_of(url), WriteGate().enter)
    await store.start()
    yield store
    await store.stop()


@asynccontextmanager
async def open_postgresql(url: str) -> AsyncIterator[PostgresqlStore]:
    # A clock in 2030: the contract's points lie in the default partition.
    store = PostgresqlStore(url, ManualClock(1_900_000_000_000), pool_size=4)
    await store.start()
    yield store
    await store.stop()
