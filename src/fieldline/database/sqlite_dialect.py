"""SQLAlchemy's dialect for aiosqlite, with at most one trip to the connection's thread a statement.

The original makes four: to open a cursor, to execute, to fetch and to close. Each trip back waits
for its turn on the event loop, which under a full load of devices takes tens of milliseconds; a
transaction meanwhile holds SQLite's only writer.

A SELECT makes none if it is short, as most are (``kit/short_queries.py``).
"""

import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from threading import Thread
from typing import Any
from weakref import WeakSet

from sqlalchemy import Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
    SQLiteDialect_aiosqlite,
)
from sqlalchemy.util.concurrency import await_

from fieldline.kit.short_queries import if_short

DRIVER = "sqlite+fieldline"
"""Of the URL that names it."""
_READING = ("SELECT ", "SELECT\n")
Rows = Sequence[Any]


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    """Holds the whole result of one statement; the driver's cursor is closed by then."""

    __slots__ = ("_description", "_lastrowid", "_rowcount", "arraysize")

    def __init__(self, adapt_connection: AsyncAdapt_aiosqlite_connection) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection  # noqa: SLF001 - as the base class does
        self._rows = deque()
        self._description: Any = None
        self._rowcount = -1
        self._lastrowid: int | None = None
        self.arraysize = 1

    @property
    def description(self) -> Any:  # noqa: ANN401 - DB-API
        return self._description

    @property
    def rowcount(self) -> int:
        return self._rowcount

    @property
    def lastrowid(self) -> Any:  # noqa: ANN401 - DB-API
        return self._lastrowid

    async def _execute_async(self, operation: Any, parameters: Any) -> None:  # noqa: ANN401
        await self._run(operation, lambda cursor: cursor.execute(operation, parameters or ()))

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> None:  # noqa: ANN401
        await self._run(operation, lambda cursor: cursor.executemany(operation, seq_of_parameters))

    async def _run(self, operation: str, execute: Callable[[sqlite3.Cursor], object]) -> None:
        connection: Any = self._connection

        def run() -> Rows:
            cursor = connection._conn.cursor()  # noqa: SLF001 - in the thread that owns it
            try:
                execute(cursor)
                self._description = cursor.description
                rows: Rows = cursor.fetchall() if cursor.description else ()
                # Of an INSERT ... RETURNING it is known once the rows are fetched.
                self._rowcount, self._lastrowid = cursor.rowcount, cursor.lastrowid
            finally:
                cursor.close()
            return rows

        async with self._adapt_connection._execute_mutex:  # noqa: SLF001 - as the base class does
            is_reading = operation.startswith(_READING)
            rows = if_short(connection._conn, run) if is_reading else None  # noqa: SLF001
            if rows is None:
                rows = await connection._execute(run)  # noqa: SLF001 - it has no public one
            self._rows = deque(rows)

    async def _async_soft_close(self) -> None:
        """Nothing is open."""

    def close(self) -> None:
        self._rows.clear()


class _Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ()

    _cursor_cls = _Cursor  # type: ignore[assignment]

    def rollback(self) -> None:
        # Nothing to take back, nowhere to go: so it is after every reading.
        if self._connection.in_transaction:
            super().rollback()


class _Dbapi(AsyncAdapt_aiosqlite_dbapi):
    def __init__(self, aiosqlite: Any, sqlite: Any) -> None:  # noqa: ANN401 - modules
        super().__init__(aiosqlite, sqlite)
        self.threads: WeakSet[Thread] = WeakSet()

    def connect(self, *arg: Any, **kw: Any) -> _Connection:  # noqa: ANN401 - the driver's
        # Its thread and the event loop's use it, never at the same time (``_execute_mutex``).
        connection = self.aiosqlite.connect(*arg, **{**kw, "check_same_thread": False})
        connection._thread.daemon = True  # noqa: SLF001 - as the original does
        self.threads.add(connection._thread)  # noqa: SLF001
        return _Connection(self, await_(connection))


class SqliteDialect(SQLiteDialect_aiosqlite):
    """See the module's text."""

    driver = "fieldline"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> _Dbapi:
        return _Dbapi(__import__("aiosqlite"), __import__("sqlite3"))


def has_threads(engine: Engine) -> bool:
    """Whether a connection's thread still runs; one that was cut off ends with its statement."""
    dbapi: Any = engine.dialect.dbapi
    return any(thread.is_alive() for thread in dbapi.threads)


registry.register(DRIVER.replace("+", "."), __name__, "SqliteDialect")
