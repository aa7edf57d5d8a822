"""The database: an engine, and sessions that are one transaction each.

SQLite has one writer. Whoever writes, an entity's transaction or a batch of readings, first passes
the :class:`WriteGate`, which lets them in one at a time in the order they came; so neither starves
and nobody meets ``database is locked``. PostgreSQL needs no gate.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.pool import AsyncAdaptedQueuePool

from fieldline.kit.errors import Conflict, Invalid, StaleVersion, Unavailable
from fieldline.kit.json import loads
from fieldline.kit.sqlite import DURABLE

log = logging.getLogger(__name__)

BUSY_TIMEOUT_MS = 10_000
POOL_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 5.0
CLOSE_LOOK_S = 0.005
_EVENTS = "fieldline.events"
_LAST = "fieldline.last"
_REACTIONS = "fieldline.reactions"
AWAY = "The database is not available; try again"
BUSY = "The database has too much to do; try again"
_CANNOT_CONNECT = (ConnectionError, TimeoutError, socket.gaierror)
_ROLLED_BACK = frozenset({"40001", "40P01"})
"""PostgreSQL: serialization failure, deadlock detected. The same transaction may work again."""
# PostgreSQL's SQLSTATEs for U+0000 in text and in JSON, which SQLite takes; a search may hold it.
_BAD_TEXT = {"22021", "22P05"}


class WriteGate:
    """First come, first served, one at a time: the way to SQLite's only writer."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        async with self._lock:
            yield


def emit_after_commit(session: AsyncSession, *events: object) -> None:
    """Have events told on the bus once this session's transaction is committed, else never."""
    session.info.setdefault(_EVENTS, []).extend(events)


def emit_last(session: AsyncSession, event: object) -> None:
    """As :func:`emit_after_commit`, after all that is told so."""
    session.info.setdefault(_LAST, []).append(event)


Reaction = Callable[[AsyncSession, Any], Awaitable[None]]
"""Does what an event brings about in other domains, in its transaction; an error undoes both."""


async def announce(session: AsyncSession, event: object) -> None:
    """Tell an event: to the database's reactions now, on the bus once it is committed.

    A deletion is announced before its row goes, so that reactions can read what goes with it.
    """
    for react in session.info.get(_REACTIONS, ()):
        await react(session, event)
    emit_after_commit(session, event)


class Database:
    """The entities' database.

    Args:
        url: an SQLAlchemy URL (``sqlite+aiosqlite:///...`` or ``postgresql+asyncpg://...``).
        emit: told each event of a transaction after its commit, in order.
        reactions: called with each announced event within its transaction, in this order.
        pool_size: connections kept open.
        max_overflow: more of them under load.
        pool_timeout_s: how long a session waits for one of them.

    Attributes:
        absences: what the driver raises and SQLAlchemy does not wrap: while it connects (refused,
            not resolved, starting up, too many clients), or when the server hung up between two
            messages.
    """

    def __init__(
        self,
        url: str | URL,
        *,
        emit: Callable[[object], None] = lambda _event: None,
        reactions: Sequence[Reaction] = (),
        pool_size: int = 20,
        max_overflow: int = 40,
        pool_timeout_s: float = POOL_TIMEOUT_S,
    ) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.gate = WriteGate()
        self._emit = emit
        self._reactions = tuple(reactions)
        self.absences: tuple[type[Exception], ...] = _CANNOT_CONNECT
        # An error's text goes to the log: without what people stored.
        if self.is_sqlite:
            from fieldline.database import sqlite_dialect  # noqa: PLC0415 - not for PostgreSQL

            self.engine: AsyncEngine = create_async_engine(
                self.url.set(drivername=sqlite_dialect.DRIVER),
                pool_size=pool_size,
                max_overflow=max_overflow,
                pool_timeout=pool_timeout_s,
                hide_parameters=True,
            )
            _make_sqlite_safe(self.engine)
            self._read_engine = self.engine
        else:
            import asyncpg  # noqa: PLC0415 - not needed on SQLite

            self.absences += (asyncpg.PostgresError, asyncpg.InternalClientError)
            self.engine = create_async_engine(
                self.url,
                pool_size=pool_size,
                max_overflow=max_overflow,
                pool_timeout=pool_timeout_s,
                hide_parameters=True,
                json_deserializer=loads,
            )
            _leave_out_closed(self.engine)
            self._read_engine = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._write_engine = self.engine.execution_options(fieldline_write=True)

    @property
    def path(self) -> Path | None:
        """The database file, for SQLite."""
        return Path(self.url.database) if self.is_sqlite and self.url.database else None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Open a session for reading, without a transaction: each statement sees what is committed.

        A transaction around it would cost two more trips to the database than the usual one.

        Raises:
            Unavailable: the database is away, or its connections are all in use.
            TypeError: something was to be written.
        """
        async with AsyncSession(
            self._read_engine, sync_session_class=_Reading, expire_on_commit=False, autoflush=False
        ) as session:
            try:
                yield session
            except DBAPIError as error:
                raise _translate(error) from error
            except NoConnectionLeft as error:
                raise Unavailable(BUSY) from error
            except self.absences as error:
                raise Unavailable(AWAY) from error

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Open a session that commits when the block ends, or rolls back when it raises.

        Hold it only for database work: while it is open, SQLite's only writer is taken. Never wait
        inside for the time-series writer, which needs the same gate.

        Raises:
            StaleVersion: somebody changed a row between reading and writing it.
            Conflict: a constraint of the schema refused the change.
            Unavailable: the database is away, or its connections are all in use; nothing was
                written.
        """
        gate: AbstractAsyncContextManager[None] = (
            self.gate.enter() if self.is_sqlite else nullcontext()
        )
        async with gate, AsyncSession(self._write_engine, expire_on_commit=False) as session:
            session.info[_REACTIONS] = self._reactions
            try:
                yield session
                await session.commit()
            except StaleDataError as error:
                msg = "The entity was already changed by someone else; read it again and retry"
                raise StaleVersion(msg) from error
            except DBAPIError as error:
                raise _translate(error) from error
            except NoConnectionLeft as error:
                raise Unavailable(BUSY) from error
            except self.absences as error:
                raise Unavailable(AWAY) from error
        for item in (*session.info.pop(_EVENTS, ()), *session.info.pop(_LAST, ())):
            self._emit(item)

    async def close(self) -> None:
        """Close every connection; those in use are waited for, for a while.

        The engine forgets a connection that is in use: given back later, it would never be closed.
        It forgets one that was cut off, too, whose thread then has a statement to end, and to tell
        the event loop of.
        """
        pool = self.engine.pool
        if isinstance(pool, AsyncAdaptedQueuePool) and not await _comes_true(
            lambda: not pool.checkedout()
        ):
            log.error("%d connections were still in use at the end", pool.checkedout())
        await self.engine.dispose()
        if self.is_sqlite:
            from fieldline.database import sqlite_dialect  # noqa: PLC0415 - not for PostgreSQL

            await _comes_true(lambda: not sqlite_dialect.has_threads(self.engine.sync_engine))


async def _comes_true(condition: Callable[[], bool]) -> bool:
    """Wait for what tells nobody, for a while."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            while not condition():  # noqa: ASYNC110 - there is no event
                await asyncio.sleep(CLOSE_LOOK_S)
    return condition()


class _Reading(Session):
    """A session that writes nothing."""


@event.listens_for(_Reading, "before_flush")
def _refuse_to_write(*_what: object) -> None:
    msg = "This session reads; open one with Database.write() to change something"
    raise TypeError(msg)


def _translate(error: DBAPIError) -> Exception:
    """Turn the driver's error into a kind; what is neither a clash nor an absence stays a bug."""
    if isinstance(error, IntegrityError):
        return Conflict(f"The database refused the change: {_constraint(error)}")
    if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
        return Unavailable(AWAY)
    if getattr(error.orig, "sqlstate", None) in _ROLLED_BACK:
        return Unavailable("Another change was in the way; try again")
    if getattr(error.orig, "sqlstate", None) in _BAD_TEXT:
        return Invalid("Text cannot hold the character U+0000")
    return error


def _constraint(error: IntegrityError) -> str:
    """Name what was violated without showing values (PostgreSQL's text holds them)."""
    cause = getattr(error.orig, "__cause__", None)
    name = getattr(cause, "constraint_name", None)
    if name:
        return f"constraint {name}"
    return str(error.orig).split("\n", 1)[0] if error.orig is not None else "a constraint"


def _make_sqlite_safe(engine: AsyncEngine) -> None:
    """Durable commits (WAL, synchronous=FULL), foreign keys, and BEGIN sent by us.

    Only a transaction that will write begins, and IMMEDIATE: a deferred one that read first and is
    then overtaken by another writer fails with SQLITE_BUSY_SNAPSHOT, however long it waits.
    """

    @event.listens_for(engine.sync_engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:  # noqa: ANN401 - the driver's types
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            *DURABLE,
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _on_begin(connection: Connection) -> None:
        # Without it every statement is a transaction of its own.
        if connection.get_execution_options().get("fieldline_write", False):
            connection.exec_driver_sql("BEGIN IMMEDIATE")


def _leave_out_closed(engine: AsyncEngine) -> None:
    """Take no connection out of the pool that the server has closed; asking it costs a trip."""

    @event.listens_for(engine.sync_engine, "checkout")
    def _on_checkout(connection: Any, _record: Any, _proxy: Any) -> None:  # noqa: ANN401
        if connection.driver_connection.is_closed():
            raise DisconnectionError
