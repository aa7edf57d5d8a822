"""The short form; `make fuzz` runs the long one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server import Server
from tests.fuzz.actors import actors_of
from tests.fuzz.driver import DIALECTS, fuzz

SECONDS = 20
pytestmark = [pytest.mark.e2e, pytest.mark.long]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data")
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_answers_are_what_the_document_says(server: Server, dialect: str) -> None:
    actors = actors_of(server)
    document = actors[0].session.get(f"{server.url}/openapi.json", timeout=60).json()

    run = fuzz(document, dialect, actors, seconds=SECONDS)

    assert run.failures == {}, f"{run.report()}\n{server.log.read_text()[-10_000:]}"
    assert run.succeeded, run.report()
