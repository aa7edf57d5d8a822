"""Connections to the SQLite file, and which of its errors mean that it is away for now."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fieldline.kit.errors import Unavailable
from fieldline.kit.sqlite import DURABLE

BUSY_TIMEOUT_S = 10.0
"""How long a writer of another process (a backup, a migration) is waited for."""
CACHE_KIB = 32 * 1024
"""Page cache of the writing connection; readers have a quarter."""

_AWAY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)
"""Result codes that say nothing about the rows: disk full, locked, unreadable, gone.
A damaged file is one of them: rows wait for its repair instead of being refused one by one."""


def open_writer(path: Path) -> sqlite3.Connection:
    """Open the connection for writing: a commit is on the disk when it returns."""
    connection = _open(path, CACHE_KIB)
    with closed_on_error(connection):
        for pragma in DURABLE:
            connection.execute(f"PRAGMA {pragma}")
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open a connection that refuses to write."""
    connection = _open(path, CACHE_KIB // 4)
    with closed_on_error(connection):
        connection.execute("PRAGMA query_only=ON")
    return connection


def _open(path: Path, cache_kib: int) -> sqlite3.Connection:
    # By URI, so that a path that is missing is not created: the schema comes from the migrations.
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    with closed_on_error(connection):
        connection.execute(f"PRAGMA cache_size=-{cache_kib}")
    return connection


@contextmanager
def closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    """Close a connection that could not be set up."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


def is_away(error: sqlite3.Error) -> bool:
    """Return whether the same statement may work later."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _AWAY


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn the errors of a file that is away into ``Unavailable``."""
    try:
        yield
    except sqlite3.Error as error:
        if not is_away(error):
            raise
        msg = f"The database file {path} cannot be used: {error}"
        raise Unavailable(msg) from error
