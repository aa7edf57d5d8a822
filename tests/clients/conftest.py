"""One server for the tests of a module; each test has a device of its own."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.clients.device import Device
from tests.clients.paho_client import PahoClient
from tests.e2e.server import Rest, Server

_NUMBERS = count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(folder(tmp_path_factory) / "data")
    server.start()
    yield server
    server.stop()


def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clients")


@pytest.fixture(scope="module")
def rest(server: Server) -> Rest:
    """The tenant administrator, logged in once: each login costs a bcrypt."""
    return server.login()


@pytest.fixture
def make_device(rest: Rest) -> Callable[[], Device]:
    return lambda: Device.make(rest, next(_NUMBERS))


@pytest.fixture
def device(make_device: Callable[[], Device]) -> Device:
    return make_device()


Open = Callable[..., PahoClient]


@pytest.fixture
def paho(server: Server) -> Iterator[Open]:
    """Make paho clients that are gone with the test."""
    made: list[PahoClient] = []

    def make(version: int, client_id: str = "", **options: object) -> PahoClient:
        client = PahoClient(server, version, client_id, **options)
        made.append(client)
        return client

    yield make
    for client in made:
        client.end()
