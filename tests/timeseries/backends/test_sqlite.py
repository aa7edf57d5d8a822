"""The SQLite store keeps the contract, takes turns, and waits for a file that is away."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from fieldline.database.engine import Database, WriteGate
from fieldline.kit.errors import Unavailable
from fieldline.timeseries.backends.sqlite import SqliteStore, connection
from fieldline.timeseries.backends.sqlite.keys import KeyIds
from fieldline.timeseries.store import Point, ReadingsWrite, WriteBatch
from tests.conformance.timeseries import StoreContract, all_points, put
from tests.timeseries.stores import open_sqlite, path_of


class TestSqliteStore(StoreContract):
    @pytest.fixture
    async def store(self, sqlite_url: str) -> AsyncIterator[SqliteStore]:
        async with open_sqlite(sqlite_url) as store:
            yield store


async def test_says_that_a_path_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "no such folder" / "fieldline.db"
    store = SqliteStore(path, WriteGate().enter)

    with pytest.raises(Unavailable, match="no such folder"):
        await store.start()
    await store.stop()


async def test_says_that_the_schema_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    store = SqliteStore(path, WriteGate().enter)

    with pytest.raises(Unavailable, match="fieldline migrate"):
        await store.start()
    await store.stop()


async def test_does_not_take_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("this is not a database" * 100)
    store = SqliteStore(path, WriteGate().enter)

    with pytest.raises(Unavailable, match="not a database"):
        await store.start()
    await store.stop()


async def test_a_full_disk_is_waited_for(sqlite_url: str) -> None:
    async with open_sqlite(sqlite_url) as store:
        entity = uuid4()
        await put(store, entity, "k", {1: 1})
        await _pragma(store, "max_page_count=1")  # as small as the file is now

        with pytest.raises(Unavailable, match="full"):
            await put(store, entity, "k", {2: "x" * 1_000_000})
        await _pragma(store, "max_page_count=1000000")
        await put(store, entity, "k", {3: 3})

        result = await store.read(all_points(entity, "k"))
        assert result == {"k": [Point(1, 1), Point(3, 3)]}


async def test_a_locked_file_is_waited_for(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_S", 0.01)
    async with open_sqlite(sqlite_url) as store:
        other = sqlite3.connect(path_of(sqlite_url), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(Unavailable, match="locked"):
            await put(store, uuid4(), "k", {1: 1})
        assert await store.keys(uuid4()) == []  # readers do not mind
        other.close()
        await put(store, uuid4(), "k", {1: 1})


async def test_a_key_of_a_batch_that_failed_is_made_again(sqlite_url: str) -> None:
    entity = uuid4()
    bad = ReadingsWrite(entity, 2**63, {"new": 1})
    async with open_sqlite(sqlite_url) as store:
        with pytest.raises(OverflowError):
            await store.write(WriteBatch([bad]))
        await put(store, entity, "another", {1: 1})
        await put(store, entity, "new", {1: 2})

        assert await store.latest(entity) == {"another": Point(1, 1), "new": Point(1, 2)}


async def test_takes_turns_with_entity_transactions(sqlite_url: str) -> None:
    entity = uuid4()
    database = Database(sqlite_url)
    store = SqliteStore(path_of(sqlite_url), database.gate.enter)
    await store.start()
    async with database.write() as session:
        writing = asyncio.create_task(put(store, entity, "k", {1: 1}))
        await session.execute(text("INSERT INTO key_dictionary (key) VALUES ('theirs')"))
        assert await store.keys(entity) == []  # reading goes on
        assert not writing.done()
    await writing

    assert await store.keys(entity) == ["k"]
    await store.stop()
    await database.close()


def test_remembers_a_limited_number_of_keys() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(
            "CREATE TABLE key_dictionary (key_id INTEGER PRIMARY KEY, key TEXT UNIQUE)"
        )
        keys = KeyIds(limit=3)

        first = keys.resolve(database.cursor(), ["a", "b", "c", "d", "e"])
        keys.committed()
        again = keys.resolve(database.cursor(), ["e", "d", "c", "b", "a"])
        keys.committed()

        assert first == again
        assert len(keys) == 3


async def _pragma(store: SqliteStore, pragma: str) -> None:
    await store._write(partial(_run_pragma, pragma=pragma))


def _run_pragma(cursor: sqlite3.Cursor, pragma: str) -> None:
    cursor.execute(f"PRAGMA {pragma}")
