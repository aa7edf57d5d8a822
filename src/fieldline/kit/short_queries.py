"""Short SQLite queries on the event loop, where the trip to a thread would cost ten times as much.

Finding a row by its key takes some 10 microseconds; handing that to a thread and its result back
takes a hundred, and under load a turn of the event loop each way. So a query begins here; after
:data:`STEPS_ON_LOOP` of SQLite's virtual machine, twice as many at the most, it is interrupted, and
the caller has a thread begin anew. Readers wait for nobody (WAL).
"""

import sqlite3
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
STEPS_ON_LOOP = 20_000
"""Half a millisecond to a whole one; a page of 100 devices takes some 5,000."""
_LATER = {sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY}


def if_short(connection: sqlite3.Connection, query: Callable[[], T]) -> T | None:
    """Run a query that returns something; None if it takes longer than that, or must wait.

    It may be interrupted anywhere, so it must not begin or end a transaction.

    Args:
        connection: one that nobody uses now, made with ``check_same_thread=False``.
        query: reads through it, and may be run once more.
    """
    connection.set_progress_handler(_Patience(), STEPS_ON_LOOP)
    try:
        return query()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode in _LATER:
            return None
        raise
    finally:
        connection.set_progress_handler(None, 0)


class _Patience:
    """Ends with the second call: SQLite counts the steps of earlier runs of a statement too."""

    __slots__ = ("_is_over",)

    def __init__(self) -> None:
        self._is_over = False

    def __call__(self) -> bool:
        was_over, self._is_over = self._is_over, True
        return was_over
