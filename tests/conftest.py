"""Fixtures that every test may use: databases on both engines, and a clock that is held."""

import asyncio
import gc
import importlib.util
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, settings

from fieldline.app.reactions import REACTIONS
from fieldline.database.engine import Database
from fieldline.database.migrate import upgrade
from fieldline.kit.clock import ManualClock
from tests.dialects import share_compiled_statements
from tests.models import import_models
from tests.postgres import Databases, running_server

BACKENDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
MEMORY = Path("/dev/shm")  # noqa: S108 - what the kernel calls it
ROOM_BYTES = 2 << 30
# A busy machine is slow, which says nothing of what is tested.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_configure() -> None:
    """Keep the tests' files in memory; what is written survives a killed process there too."""
    share_compiled_statements()
    folder = _memory()
    if folder is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))
    if importlib.util.find_spec("sniffio") is None:
        # httpx looks for it with each request; to know that it is missing is a tenth of that.
        cast("Any", sys.modules)["sniffio"] = None


def pytest_collection_finish() -> None:
    """Spare the collector what lives as long as the process: modules, routes, the tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


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
def postgres_server() -> Iterator[str]:
    """An embedded PostgreSQL server of this test process; gives a URL to its `postgres`."""
    with running_server(_memory()) as uri:
        yield uri


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: str) -> Databases:
    """Databases with the whole schema on that server."""
    databases = Databases(postgres_server)
    asyncio.run(databases.make_template())
    return databases


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """URL of a fresh SQLite database with the schema."""
    path = tmp_path / "fieldline.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
async def postgres_url(postgres_databases: Databases) -> AsyncIterator[str]:
    """URL of an empty PostgreSQL database with the schema."""
    url = await postgres_databases.take()
    yield url
    await postgres_databases.give_back(url)


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a fresh database with the schema, once per engine."""
    import_models()
    url: str = request.getfixturevalue(
        f"{'postgres' if request.param != 'sqlite' else 'sqlite'}_url"
    )
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh database with the schema, once per engine."""
    database = Database(database_url, reactions=REACTIONS, pool_size=5, max_overflow=5)
    yield database
    await database.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def _memory() -> Path | None:
    """Return a folder in memory, where a commit waits for no disk, if there is one with room."""
    is_roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM_BYTES
    return MEMORY if is_roomy else None
