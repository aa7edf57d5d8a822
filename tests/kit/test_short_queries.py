import sqlite3
from collections.abc import Iterator

import pytest

from fieldline.kit.short_queries import if_short

COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
COUNT += "SELECT count(*) FROM n"
FEW, MANY = 100, 1_000_000


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    yield connection
    connection.close()


def count(connection: sqlite3.Connection, to: int) -> int | None:
    return if_short(connection, lambda: int(connection.execute(COUNT, (to,)).fetchone()[0]))


def test_a_short_query_is_run(connection: sqlite3.Connection) -> None:
    assert count(connection, FEW) == FEW


def test_a_long_one_is_interrupted_and_left_to_others(connection: sqlite3.Connection) -> None:
    assert count(connection, MANY) is None

    assert connection.execute(COUNT, (MANY,)).fetchone() == (MANY,)


def test_a_short_one_is_never_interrupted_however_often_it_runs(
    connection: sqlite3.Connection,
) -> None:
    assert {count(connection, FEW) for _ in range(1_000)} == {FEW}


def test_an_error_is_an_error(connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        if_short(connection, lambda: connection.execute("SELECT * FROM missing").fetchall())
