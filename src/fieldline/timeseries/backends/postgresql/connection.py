"""The pool of connections, and which of PostgreSQL's errors mean that it is away for now."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

from fieldline.kit.errors import Unavailable

CONNECT_TIMEOUT_S = 10.0
COMMAND_TIMEOUT_S = 60.0
"""For one statement; longer than any batch, and the end of a connection that hangs."""

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

# Classes and codes of SQLSTATE that say nothing about the rows. Source: PostgreSQL, appendix A.
_AWAY_CLASSES = frozenset(
    {
        "08",  # connection
        "25",  # transaction state: a standby refuses writes
        "28",  # password refused
        "40",  # deadlock, serialization
        "53",  # disk full, too many connections, out of memory
        "55",  # lock not available, database not accepting commands
        "57",  # shut down, starting up, statement cancelled
        "58",  # input and output
    }
)
_BROKEN = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""A time-out is an OSError."""
_AWAY_CODES = frozenset({"XX001", "XX002"})  # damaged table or index


async def open_pool(dsn: str, size: int) -> asyncpg.Pool:
    """Open the pool with one connection.

    Raises:
        Unavailable: nobody answers, or the answer is no.
    """
    with_driver = "postgresql+asyncpg://"
    if dsn.startswith(with_driver):
        dsn = "postgresql://" + dsn.removeprefix(with_driver)
    try:
        return await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            # Compiling costs more than these short statements take.
            server_settings={"jit": "off", "application_name": "fieldline time series"},
            # No statement here leaves anything in the session, so a connection needs no cleaning,
            # which would be one more round trip for every batch.
            reset=_leave,
        )
    except (asyncpg.PostgresError, *_BROKEN) as error:
        msg = f"PostgreSQL cannot be reached: {error or type(error).__name__}"
        raise Unavailable(msg) from error


async def _leave(_connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Leave the session as it is; the pool has ended a transaction that was still open."""


@asynccontextmanager
async def connected(pool: asyncpg.Pool) -> AsyncIterator[Connection]:
    """Lend a connection.

    Raises:
        Unavailable: PostgreSQL is away; a transaction that was open did nothing, unless the
            connection broke during its commit.
    """
    try:
        async with pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
            try:
                yield connection
            except asyncpg.InternalClientError as error:
                # The driver lost its place, as when the server hangs up between two messages.
                connection.terminate()
                raise _away(error) from error
            except Exception as error:
                # Whatever it says: a connection that is closed says nothing of the rows.
                if connection.is_closed() and not isinstance(error, Unavailable):
                    raise _away(error) from error
                raise
    except asyncpg.PostgresError as error:
        if _is_away(error):
            raise _away(error) from error
        raise
    except asyncpg.DataError:
        raise  # a value that cannot be sent: the row's fault
    except _BROKEN as error:
        raise _away(error) from error


def _is_away(error: asyncpg.PostgresError) -> bool:
    code = error.sqlstate or ""
    return code[:2] in _AWAY_CLASSES or code in _AWAY_CODES


def _away(error: Exception) -> Unavailable:
    return Unavailable(f"PostgreSQL is not available: {error or type(error).__name__}")
