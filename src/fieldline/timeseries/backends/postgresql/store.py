"""The PostgreSQL backend: a pool of its own, one statement for a batch of readings."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import asyncpg

from fieldline.kit.clock import Clock, SystemClock
from fieldline.kit.errors import Unavailable
from fieldline.kit.values import Value
from fieldline.timeseries.backends.postgresql import (
    attributes,
    deleting,
    partitions,
    reading,
    readings,
)
from fieldline.timeseries.backends.postgresql.connection import Connection, connected, open_pool
from fieldline.timeseries.backends.postgresql.keys import KeyIds
from fieldline.timeseries.store import (
    Attribute,
    Deletion,
    Point,
    RangeQuery,
    Scope,
    WriteBatch,
    WriteResult,
)

log = logging.getLogger(__name__)

RESERVED_CONNECTIONS = 2
"""Connections that readers leave to writers, so that slow queries cannot hold up readings."""
READ_TIMEOUT_S = 10.0
"""How long a reader waits for its turn."""
MAINTENANCE_INTERVAL_S = 6 * 3600.0
"""How often the coming months are looked after; a month is made a whole month ahead."""


class PostgresqlStore:
    """Readings and attributes in PostgreSQL, whose schema is there already.

    Args:
        dsn: ``postgresql://`` URL; SQLAlchemy's ``postgresql+asyncpg://`` is understood too.
        clock: tells which months to make ahead; the machine's by default.
        pool_size: most connections, for reading and writing together; at least 3.
    """

    def __init__(self, dsn: str, clock: Clock | None = None, *, pool_size: int = 10) -> None:
        self._dsn = dsn
        self._clock = clock or SystemClock()
        self._pool_size = max(pool_size, RESERVED_CONNECTIONS + 1)
        self._readers = asyncio.Semaphore(self._pool_size - RESERVED_CONNECTIONS)
        self._open_pool: asyncpg.Pool | None = None
        self._maintenance: asyncio.Task[None] | None = None
        self._keys = KeyIds()
        self._readings = readings.ReadingsWriter()

    async def start(self) -> None:
        """Connect, check the schema and make the partitions of this month and the next.

        Raises:
            Unavailable: PostgreSQL cannot be reached, or the tables are missing.
        """
        self._open_pool = await open_pool(self._dsn, self._pool_size)
        try:
            await self._check_schema()
        except BaseException:
            await self.stop()
            raise
        await self._try_to_maintain()
        self._maintenance = asyncio.create_task(self._keep_maintaining())

    async def stop(self) -> None:
        if self._maintenance is not None:
            self._maintenance.cancel()
            with suppress(asyncio.CancelledError):
                await self._maintenance
            self._maintenance = None
        pool, self._open_pool = self._open_pool, None
        if pool is not None:
            await pool.close()

    async def maintain(self) -> None:
        """Make the partitions of this month and the next one."""
        async with self._connection() as connection:
            await partitions.make_ahead(connection, self._clock.now_ms())

    async def write(self, batch: WriteBatch) -> WriteResult:
        async with self._connection() as connection:
            ids = await self._keys.resolve(connection, batch.keys())
            if not batch.attributes and readings.is_one_statement(batch.readings):
                await self._readings.write_alone(connection, batch.readings, ids)
                return WriteResult([])
            async with connection.transaction():
                await readings.write_readings(connection, batch.readings, ids)
                written = await attributes.write_attributes(connection, batch.attributes, ids)
            return WriteResult(written)

    async def latest(
        self, entity_id: UUID, keys: tuple[str, ...] | None = None
    ) -> dict[str, Point]:
        async with self._read_connection() as connection:
            return await reading.read_latest(connection, entity_id, keys)

    async def keys(self, *entity_ids: UUID) -> list[str]:
        async with self._read_connection() as connection:
            return await reading.read_keys(connection, "ts_kv_latest", entity_ids)

    async def attribute_keys(self, *entity_ids: UUID) -> list[str]:
        async with self._read_connection() as connection:
            return await reading.read_keys(connection, "attribute_kv", entity_ids)

    async def read(self, query: RangeQuery) -> dict[str, list[Point]]:
        async with self._read_connection() as connection:
            return await reading.read_points(connection, query)

    async def delete(self, deletion: Deletion) -> None:
        async with self._transaction() as connection:
            await deleting.delete_readings(connection, deletion)

    async def attributes(
        self, entity_id: UUID, scope: Scope, keys: tuple[str, ...] | None = None
    ) -> list[Attribute]:
        async with self._read_connection() as connection:
            return await attributes.read_attributes(connection, entity_id, scope, keys)

    async def delete_attributes(
        self, entity_id: UUID, scope: Scope, keys: tuple[str, ...]
    ) -> list[str]:
        async with self._connection() as connection:
            return await attributes.delete_attributes(connection, entity_id, scope, keys)

    async def entities_with(self, scope: Scope, key: str, value: Value) -> list[UUID]:
        async with self._read_connection() as connection:
            return await attributes.find_entities(connection, scope, key, value)

    async def purge(self, entity_id: UUID) -> None:
        async with self._transaction() as connection:
            await deleting.purge(connection, entity_id)

    async def expire(self, before_ms: int, *, limit: int) -> int:
        """Drop months that are wholly older, and delete old points of the default partition.

        Points of a month that is not over stay until it is. A dropped month counts as the
        database estimates it.
        """
        async with self._connection() as connection:
            dropped = await partitions.drop_older(connection, before_ms)
            return dropped + await partitions.delete_older(connection, before_ms, limit)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        if self._open_pool is None:
            msg = "The time-series store is stopped"
            raise Unavailable(msg)
        async with connected(self._open_pool) as connection:
            yield connection

    @asynccontextmanager
    async def _read_connection(self) -> AsyncIterator[Connection]:
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                await self._readers.acquire()
        except TimeoutError as error:
            msg = "Too many queries for time series are running; try again"
            raise Unavailable(msg) from error
        try:
            async with self._connection() as connection:
                yield connection
        finally:
            self._readers.release()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        async with self._connection() as connection, connection.transaction():
            yield connection

    async def _check_schema(self) -> None:
        async with self._connection() as connection:
            if await connection.fetchval("SELECT to_regclass('ts_kv')") is None:
                msg = "The database has no tables for time series; run `fieldline migrate`"
                raise Unavailable(msg)

    async def _keep_maintaining(self) -> None:
        while True:
            await asyncio.sleep(MAINTENANCE_INTERVAL_S)
            await self._try_to_maintain()

    async def _try_to_maintain(self) -> None:
        """Make the coming months; until that works, the default partition takes their points."""
        try:
            await self.maintain()
        except Exception:
            log.exception("The coming months' partitions could not be made; tried again later")
