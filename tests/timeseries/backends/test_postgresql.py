"""The PostgreSQL store keeps the contract, makes months ahead, and survives a server that goes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import uuid4

import asyncpg
import pytest

from fieldline.kit.clock import ManualClock
from fieldline.kit.errors import Unavailable
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.timeseries.backends.postgresql import PostgresqlStore, connection
from fieldline.timeseries.backends.postgresql.readings import UPSERTS_AFTER_A_REPEAT
from fieldline.timeseries.store import Point
from fieldline.timeseries.writer import TimeseriesWriter, WriterLimits
from tests.conformance.timeseries import StoreContract, all_points, put
from tests.timeseries.stores import open_postgresql

pytestmark = pytest.mark.postgres

Admin: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
NOVEMBER_2023 = 1_700_000_000_000


def at(year: int, month: int, day: int = 1) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 1000


class TestPostgresqlStore(StoreContract):
    @pytest.fixture
    async def store(self, shared_postgres_url: str) -> AsyncIterator[PostgresqlStore]:
        async with open_postgresql(shared_postgres_url) as store:
            yield store


@pytest.fixture
async def admin(postgres_url: str) -> AsyncIterator[Admin]:
    """A connection of its own, to look behind the store."""
    connection = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    yield connection
    await connection.close()


async def partition_of(admin: Admin, ts_ms: int) -> str | None:
    name = await admin.fetchval("SELECT tableoid::regclass::text FROM ts_kv WHERE ts = $1", ts_ms)
    return None if name is None else str(name)


async def test_this_month_and_the_next_have_partitions(postgres_url: str, admin: Admin) -> None:
    clock = ManualClock(at(2026, 12, 31))
    times = [at(2026, 12) - 1, at(2026, 12), at(2027, 1), at(2027, 2) - 1, at(2027, 2), -1]
    store = PostgresqlStore(postgres_url, clock)
    await store.start()

    await put(store, uuid4(), "k", dict.fromkeys(times, 1))
    await store.stop()

    assert [await partition_of(admin, ts_ms) for ts_ms in times] == [
        "ts_kv_default",
        "ts_kv_2026_12",
        "ts_kv_2027_01",
        "ts_kv_2027_01",
        "ts_kv_default",
        "ts_kv_default",
    ]


async def test_points_of_a_month_made_later_move_into_it(postgres_url: str, admin: Admin) -> None:
    clock = ManualClock(at(2026, 10, 5))
    entity = uuid4()
    store = PostgresqlStore(postgres_url, clock)
    await store.start()
    await put(store, entity, "k", {at(2026, 12, 5): 5, at(2026, 10, 5): 3, at(2027, 5): 9})

    clock.advance(at(2026, 11, 5) - clock.now_ms())
    await store.maintain()
    await store.maintain()

    points = (await store.read(all_points(entity, "k")))["k"]
    await store.stop()
    assert [point.value for point in points] == [3, 5, 9]
    assert await partition_of(admin, at(2026, 12, 5)) == "ts_kv_2026_12"
    assert await partition_of(admin, at(2027, 5)) == "ts_kv_default"


async def test_processes_that_start_together_make_months_once(postgres_url: str) -> None:
    stores = [PostgresqlStore(postgres_url, ManualClock(at(2026, 11))) for _ in range(4)]

    await asyncio.gather(*(store.start() for store in stores))

    await put(stores[3], uuid4(), "k", {at(2026, 11, 3): 1})
    await asyncio.gather(*(store.stop() for store in stores))


async def test_expiring_drops_months_that_are_wholly_older(postgres_url: str, admin: Admin) -> None:
    entity = uuid4()
    clock = ManualClock(at(2026, 10, 5))
    store = PostgresqlStore(postgres_url, clock)
    await store.start()
    days = [at(2026, 9, 30), at(2026, 10, 2), at(2026, 11, 2), at(2026, 11, 20)]
    await put(store, entity, "k", {day: n for n, day in enumerate(days)})
    await admin.execute("ANALYZE ts_kv")

    dropped = await store.expire(at(2026, 11, 10), limit=10)

    points = (await store.read(all_points(entity, "k")))["k"]
    tables = await admin.fetch("SELECT inhrelid::regclass::text FROM pg_inherits ORDER BY 1")
    await store.stop()
    assert dropped == 2  # one in a month of its own, one in the default partition
    assert points == [Point(days[2], 2), Point(days[3], 3)]
    names = [row[0] for row in tables]
    assert "ts_kv_2026_10" not in names
    assert "ts_kv_2026_11" in names


@pytest.mark.parametrize(
    "dsn", ["postgresql://nobody@127.0.0.1:1/none", "postgresql+asyncpg://x@/y?host=/nowhere"]
)
async def test_says_that_nobody_answers(dsn: str, clock: ManualClock) -> None:
    with pytest.raises(Unavailable, match="PostgreSQL cannot be reached"):
        await PostgresqlStore(dsn, clock).start()


async def test_says_that_the_database_is_missing(postgres_server: str, clock: ManualClock) -> None:
    dsn = postgres_server.replace("/postgres?", "/missing?")

    with pytest.raises(Unavailable, match='"missing" does not exist'):
        await PostgresqlStore(dsn, clock).start()


async def test_says_that_the_schema_is_missing(postgres_server: str, clock: ManualClock) -> None:
    with pytest.raises(Unavailable, match="fieldline migrate"):
        await PostgresqlStore(postgres_server, clock).start()


async def test_is_unavailable_when_it_is_stopped(clock: ManualClock) -> None:
    with pytest.raises(Unavailable):
        await PostgresqlStore("postgresql://nobody@nowhere/none", clock).keys(uuid4())


async def test_nothing_is_lost_when_the_server_closes_connections(
    postgres_url: str, admin: Admin, clock: ManualClock
) -> None:
    device = EntityRef(EntityType.DEVICE, uuid4())
    outcomes: list[Exception | None] = []
    store = PostgresqlStore(postgres_url, clock)
    await store.start()
    writer = TimeseriesWriter(
        store,
        clock,
        on_readings=lambda *_told: None,
        on_attributes=lambda *_told: None,
        limits=WriterLimits(max_batch_rows=10, retry_delays_s=(0.0,)),
    )
    writer.start()

    for n in range(200):
        writer.save_readings(uuid4(), device, NOVEMBER_2023 + n, {"k": n}, outcomes.append)
        if n % 50 == 25:
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    await writer.stop()

    points = (await store.read(all_points(device.id, "k")))["k"]
    await store.stop()
    assert [point.value for point in points] == list(range(200))
    assert outcomes == [None] * 200


async def test_new_points_beside_a_repeated_one_are_stored(shared_postgres_url: str) -> None:
    entity = uuid4()
    async with open_postgresql(shared_postgres_url) as store:
        await put(store, entity, "k", {1: 1, 2: 2})
        await put(store, entity, "k", {2: 20, 3: 3})
        for ts_ms in range(4, 4 + 2 * UPSERTS_AFTER_A_REPEAT):
            await put(store, entity, "k", {ts_ms: ts_ms, ts_ms % 7: -1})

        points = (await store.read(all_points(entity, "k")))["k"]

    expected = {ts_ms: ts_ms for ts_ms in range(4, 4 + 2 * UPSERTS_AFTER_A_REPEAT)}
    expected |= dict.fromkeys(range(7), -1)
    assert {point.ts_ms: point.value for point in points} == expected


async def test_a_value_that_cannot_be_sent_is_not_an_absence(shared_postgres_url: str) -> None:
    async with open_postgresql(shared_postgres_url) as store:
        with pytest.raises(asyncpg.DataError):
            await put(store, uuid4(), "k", {2**63: 1})


@asynccontextmanager
async def pool_of(url: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await connection.open_pool(url, 2)
    yield pool
    await pool.close()


class Cut(Exception):
    """What a driver may raise, of whatever type, over a connection that is no more."""


async def break_off(pool: asyncpg.Pool, error: Exception, *, is_closed: bool) -> None:
    async with connection.connected(pool) as lent:
        if is_closed:
            lent.terminate()
        raise error


@pytest.mark.parametrize(
    ("error", "is_closed"), [(asyncpg.InternalClientError("lost"), False), (Cut(), True)]
)
async def test_a_broken_connection_says_nothing_of_the_rows(
    postgres_url: str, error: Exception, *, is_closed: bool
) -> None:
    async with pool_of(postgres_url) as pool:
        with pytest.raises(Unavailable):
            await break_off(pool, error, is_closed=is_closed)
        async with connection.connected(pool) as lent:
            assert await lent.fetchval("SELECT 1") == 1


async def test_an_error_of_the_rows_is_theirs(postgres_url: str) -> None:
    async with pool_of(postgres_url) as pool:
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with connection.connected(pool) as lent:
                await lent.execute("SELECT 1 / 0")
