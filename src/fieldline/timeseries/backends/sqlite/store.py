"""The SQLite backend: a writer thread and a few reader threads, each with a connection of its own.

One more connection serves short queries on the event loop (``kit/short_queries.py``). Writers pass
the gate that entity transactions pass too, so that both take turns at SQLite's only writer. Readers
see the last commit and never wait for a writer (WAL).
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, closing, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from fieldline.kit.errors import Unavailable
from fieldline.kit.short_queries import if_short
from fieldline.kit.values import Value
from fieldline.timeseries.backends.sqlite import deleting, reading
from fieldline.timeseries.backends.sqlite.connection import open_reader, open_writer, translated
from fieldline.timeseries.backends.sqlite.keys import KeyIds, find_keys
from fieldline.timeseries.backends.sqlite.writing import write_batch
from fieldline.timeseries.intervals import Span, span_of
from fieldline.timeseries.store import (
    Attribute,
    Deletion,
    Point,
    RangeQuery,
    Scope,
    WriteBatch,
    WriteResult,
)

T = TypeVar("T")
Gate = Callable[[], AbstractAsyncContextManager[None]]
READERS = 4


class SqliteStore:
    """Readings and attributes in the SQLite file ``path``, whose schema is there already.

    Args:
        path: the database file.
        gate: lets writers in one at a time (``Database.gate.enter``).
        readers: threads for reading.
    """

    def __init__(self, path: Path, gate: Gate, *, readers: int = READERS) -> None:
        self._path = path
        self._gate = gate
        self._writer = ThreadPoolExecutor(1, "timeseries-writer")
        self._readers = ThreadPoolExecutor(readers, "timeseries-reader")
        self._write_connection: sqlite3.Connection | None = None
        self._local = threading.local()
        self._read_connections: list[sqlite3.Connection] = []
        self._loop_connection: sqlite3.Connection | None = None
        self._keys = KeyIds()
        self._is_stopped = False

    async def start(self) -> None:
        """Check that the file can be written and has the schema.

        Raises:
            Unavailable: it cannot be opened or written, or the tables are missing.
        """
        await self._write(_check_schema)

    async def stop(self) -> None:
        """Finish the statement that runs and close all connections."""
        self._is_stopped = True
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.shutdown(cancel_futures=True)
        self._readers.shutdown(cancel_futures=True)
        self._drop_write_connection()
        while self._read_connections:
            self._read_connections.pop().close()
        if self._loop_connection is not None:
            self._loop_connection.close()

    async def write(self, batch: WriteBatch) -> WriteResult:
        written = await self._write(partial(write_batch, batch=batch, keys=self._keys))
        return WriteResult(written)

    async def latest(
        self, entity_id: UUID, keys: tuple[str, ...] | None = None
    ) -> dict[str, Point]:
        return await self._read_soon(partial(reading.read_latest, entity_id=entity_id, keys=keys))

    async def keys(self, *entity_ids: UUID) -> list[str]:
        return await self._read(partial(reading.read_keys, entity_ids=entity_ids))

    async def attribute_keys(self, *entity_ids: UUID) -> list[str]:
        return await self._read(partial(reading.read_attribute_keys, entity_ids=entity_ids))

    async def read(self, query: RangeQuery) -> dict[str, list[Point]]:
        return await self._read(partial(reading.read_points, query=query))

    async def delete(self, deletion: Deletion) -> None:
        """Delete readings, long histories in several transactions; repeat it when it failed."""
        span = span_of(deletion.start_ms, deletion.end_ms)
        key_ids = await self._read(partial(find_keys, keys=deletion.keys))
        for key_id in key_ids.values():
            await self._delete_series(deletion.entity_id, key_id, span)
            if deletion.latest:
                await self._write(
                    partial(
                        deleting.delete_latest,
                        entity_id=deletion.entity_id,
                        key_id=key_id,
                        span=span,
                        rewrite=deletion.rewrite_latest,
                    )
                )

    async def _delete_series(self, entity_id: UUID, key_id: int, span: Span) -> None:
        step = partial(deleting.delete_history_step, entity_id=entity_id, key_id=key_id, span=span)
        while await self._write(step):
            pass

    async def attributes(
        self, entity_id: UUID, scope: Scope, keys: tuple[str, ...] | None = None
    ) -> list[Attribute]:
        return await self._read_soon(
            partial(reading.read_attributes, entity_id=entity_id, scope=scope, keys=keys)
        )

    async def delete_attributes(
        self, entity_id: UUID, scope: Scope, keys: tuple[str, ...]
    ) -> list[str]:
        key_ids = await self._read(partial(find_keys, keys=keys))
        return await self._write(
            partial(deleting.delete_attributes, entity_id=entity_id, scope=scope, key_ids=key_ids)
        )

    async def entities_with(self, scope: Scope, key: str, value: Value) -> list[UUID]:
        return await self._read(partial(reading.find_entities, scope=scope, key=key, value=value))

    async def purge(self, entity_id: UUID) -> None:
        await self._write(partial(deleting.delete_state, entity_id=entity_id))
        key_ids = await self._read(partial(deleting.series_of, entity_id=entity_id))
        for key_id in key_ids:
            await self._delete_series(entity_id, key_id, span_of(None, None))

    async def expire(self, before_ms: int, *, limit: int) -> int:
        points = await self._read(partial(deleting.find_expired, before_ms=before_ms, limit=limit))
        if not points:
            return 0
        return await self._write(partial(deleting.delete_points, points=points))

    async def _write(self, work: Callable[[sqlite3.Cursor], T]) -> T:
        """Run ``work`` as one transaction in the writer's thread, when it is our turn."""
        async with self._gate():
            return await self._run(self._writer, self._in_transaction, work)

    async def _run(
        self,
        threads: ThreadPoolExecutor,
        run: Callable[[Callable[[sqlite3.Cursor], T]], T],
        work: Callable[[sqlite3.Cursor], T],
    ) -> T:
        if self._is_stopped:
            msg = "The time-series store is stopped"
            raise Unavailable(msg)
        return await asyncio.get_running_loop().run_in_executor(threads, run, work)

    def _in_transaction(self, work: Callable[[sqlite3.Cursor], T]) -> T:
        with translated(self._path):
            if self._write_connection is None:
                self._write_connection = open_writer(self._path)
            try:
                with closing(self._write_connection.cursor()) as cursor:
                    cursor.execute("BEGIN IMMEDIATE")
                    result = work(cursor)
                    cursor.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
        self._keys.committed()
        return result

    def _roll_back(self) -> None:
        """Undo; a connection that cannot even do that is replaced."""
        self._keys.rolled_back()
        connection = self._write_connection
        if connection is None or not connection.in_transaction:
            return
        try:
            connection.rollback()
        except sqlite3.Error:
            self._drop_write_connection()

    def _drop_write_connection(self) -> None:
        connection, self._write_connection = self._write_connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    async def _read_soon(self, work: Callable[[sqlite3.Cursor], T]) -> T:
        """Run ``work``, which is usually short, on the event loop, or else as :meth:`_read` does.

        What it returns is not None.
        """
        if not self._is_stopped:
            with translated(self._path):
                if self._loop_connection is None:
                    self._loop_connection = open_reader(self._path)
                connection = self._loop_connection
                result = _in_snapshot(
                    connection, lambda cursor: if_short(connection, lambda: work(cursor))
                )
            if result is not None:
                return result
        return await self._read(work)

    async def _read(self, work: Callable[[sqlite3.Cursor], T]) -> T:
        """Run ``work`` on one snapshot in a reader's thread."""
        return await self._run(self._readers, self._in_reader, work)

    def _in_reader(self, work: Callable[[sqlite3.Cursor], T]) -> T:
        with translated(self._path):
            connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
            if connection is None:
                connection = self._local.connection = open_reader(self._path)
                self._read_connections.append(connection)
            return _in_snapshot(connection, work)


def _in_snapshot(connection: sqlite3.Connection, work: Callable[[sqlite3.Cursor], T]) -> T:
    with closing(connection.cursor()) as cursor:
        cursor.execute("BEGIN")
        try:
            return work(cursor)
        finally:
            if connection.in_transaction:
                cursor.execute("ROLLBACK")


def _check_schema(cursor: sqlite3.Cursor) -> None:
    found = cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'ts_kv'").fetchone()
    if found is None:
        msg = "The database has no tables for time series; run `fieldline migrate`"
        raise Unavailable(msg)
