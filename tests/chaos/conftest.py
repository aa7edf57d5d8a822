from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.postgresql import PostgreSQL, running
from tests.e2e.server import Server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.chaos)


@pytest.fixture
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL of this test's own."""
    with running() as server:
        yield server


@pytest.fixture
def on_postgresql(postgresql: PostgreSQL, tmp_path: Path) -> Iterator[Server]:
    """A server with the demo logins on a PostgreSQL."""
    yield from _running(Server(tmp_path / "data", **postgresql.settings))


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Server]:
    """A server with the demo logins on its embedded store."""
    yield from _running(Server(tmp_path / "data"))


@pytest.fixture(params=["on_sqlite", "on_postgresql"])
def on_each(request: pytest.FixtureRequest) -> Server:
    """A server with the demo logins, on each store."""
    server: Server = request.getfixturevalue(request.param)
    return server


def _running(server: Server) -> Iterator[Server]:
    server.start()
    yield server
    server.stop()
