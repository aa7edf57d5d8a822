import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from fieldline.database.engine import Database, emit_after_commit
from fieldline.database.sqlite_dialect import has_threads
from fieldline.domains.customer.models import Customer
from fieldline.kit.errors import Conflict, Unavailable
from tests.waiting import TIMEOUT_S


async def test_write_commits_and_read_sees_it(database: Database) -> None:
    async with database.write() as session:
        await session.execute(text("CREATE TABLE thing (id INTEGER PRIMARY KEY)"))
        await session.execute(text("INSERT INTO thing VALUES (1)"))

    async with database.read() as session:
        assert await session.scalar(text("SELECT count(*) FROM thing")) == 1


async def test_a_raise_rolls_back_and_emits_nothing(database_url: str) -> None:
    told: list[object] = []
    database = Database(database_url, emit=told.append)
    async with database.write() as session:
        await session.execute(text("CREATE TABLE thing (id INTEGER PRIMARY KEY)"))

    async def fail_half_way() -> None:
        async with database.write() as session:
            await session.execute(text("INSERT INTO thing VALUES (1)"))
            emit_after_commit(session, "never")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_half_way()

    async with database.read() as session:
        assert await session.scalar(text("SELECT count(*) FROM thing")) == 0
    assert told == []
    await database.close()


async def test_a_violated_constraint_is_a_conflict(database: Database) -> None:
    async with database.write() as session:
        await session.execute(text("CREATE TABLE thing (id INTEGER PRIMARY KEY)"))
        await session.execute(text("INSERT INTO thing VALUES (1)"))

    with pytest.raises(Conflict):
        async with database.write() as session:
            await session.execute(text("INSERT INTO thing VALUES (1)"))


async def test_many_writers_at_once_all_commit(database: Database) -> None:
    async with database.write() as session:
        await session.execute(text("CREATE TABLE thing (id INTEGER PRIMARY KEY)"))

    async def add(number: int) -> None:
        async with database.write() as session:
            await session.execute(text("SELECT count(*) FROM thing"))
            await session.execute(text("INSERT INTO thing VALUES (:n)"), {"n": number})

    await asyncio.gather(*(add(n) for n in range(40)))

    async with database.read() as session:
        assert await session.scalar(text("SELECT count(*) FROM thing")) == 40


async def test_a_session_for_reading_refuses_to_write(database: Database) -> None:
    async with database.read() as session:
        session.add(Customer(tenant_id=uuid4(), title="new"))
        with pytest.raises(TypeError, match=r"write\(\)"):
            await session.flush()


async def test_a_long_query_is_answered_too(database: Database) -> None:
    counting = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
        "SELECT count(*) FROM n"
    )
    async with database.read() as session:
        assert await session.scalar(text(f"SELECT ({counting})")) == 300_000
        assert await session.scalar(text("SELECT 1")) == 1


@pytest.mark.postgres
async def test_connections_that_the_server_closed_are_replaced(postgres_url: str) -> None:
    database, other = Database(postgres_url), Database(postgres_url)
    ending = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    for _ in range(3):
        async with database.read() as session:
            assert await session.scalar(text("SELECT 1")) == 1
            raw = await (await session.connection()).get_raw_connection()
            in_use: Any = raw.driver_connection
        async with other.read() as session:
            assert await session.scalar(ending) >= 1
        async with asyncio.timeout(TIMEOUT_S):
            while not in_use.is_closed():  # noqa: ASYNC110 - there is no event
                await asyncio.sleep(0.001)

    await database.close()
    await other.close()


@pytest.mark.postgres
async def test_closing_leaves_no_connection_that_was_in_use(postgres_url: str) -> None:
    database = Database(postgres_url)
    is_open, may_end = asyncio.Event(), asyncio.Event()

    async def use() -> None:
        async with database.read() as session:
            await session.execute(text("SELECT 1"))
            is_open.set()
            await may_end.wait()

    using = asyncio.create_task(use())
    await is_open.wait()
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    may_end.set()
    await asyncio.gather(using, closing)

    watching = Database(postgres_url)
    others = text("SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database()")

    async with asyncio.timeout(TIMEOUT_S), watching.read() as session:
        # The server takes a moment to see that one is gone.
        while await session.scalar(others):  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.001)
    await watching.close()


async def test_the_loser_of_a_deadlock_may_try_again(postgres_url: str) -> None:
    database = Database(postgres_url)
    async with database.write() as session:
        await session.execute(text("CREATE TABLE thing (id INTEGER PRIMARY KEY, n INTEGER)"))
        await session.execute(text("INSERT INTO thing VALUES (1, 0), (2, 0)"))
    both_hold_one = asyncio.Barrier(2)

    async def add(first: int, second: int) -> None:
        async with database.write() as session:
            await session.execute(text("UPDATE thing SET n = n + 1 WHERE id = :i"), {"i": first})
            await both_hold_one.wait()
            await session.execute(text("UPDATE thing SET n = n + 1 WHERE id = :i"), {"i": second})

    results = await asyncio.gather(add(1, 2), add(2, 1), return_exceptions=True)
    await database.close()

    assert [type(result) for result in results if result is not None] == [Unavailable]


async def test_what_the_log_shows_of_an_error_holds_no_values(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with database.engine.connect() as connection:
            await connection.execute(text("SELECT :value FROM nothing"), {"value": "a secret"})

    assert "nothing" in str(caught.value)
    assert "a secret" not in str(caught.value)


async def test_closing_waits_for_what_was_cut_off(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    query = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000000)"
        " SELECT max(i) FROM n"
    )

    async def ask() -> None:
        async with database.read() as session:
            await session.execute(query)

    async with database.read() as session:
        await session.execute(text("SELECT 1"))  # a connection that is being made is none yet
    asking = asyncio.create_task(ask())
    await asyncio.sleep(0.05)
    for _ in range(2):  # the second while the first waits for the statement
        asking.cancel()
        await asyncio.sleep(0.01)
    await asyncio.gather(asking, return_exceptions=True)
    await database.close()

    assert not has_threads(database.engine.sync_engine)


@pytest.mark.parametrize("opening", ["read", "write"])
async def test_who_finds_all_connections_in_use_is_told_so(database_url: str, opening: str) -> None:
    database = Database(database_url, pool_size=1, max_overflow=0, pool_timeout_s=0.1)

    async with database.read() as session:
        await session.execute(text("SELECT 1"))
        with pytest.raises(Unavailable, match="too much to do"):
            async with getattr(database, opening)() as second:
                await second.execute(text("SELECT 1"))
        await session.close()
    async with getattr(database, opening)() as third:
        assert await third.scalar(text("SELECT 1")) == 1
    await database.close()
