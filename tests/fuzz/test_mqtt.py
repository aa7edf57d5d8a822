"""MQTT against damaged streams, short and always the same; `make fuzz` runs the long forms."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server import Server
from tests.fuzz.mqtt_codec import fuzz_codec
from tests.fuzz.mqtt_server import ServerFuzz

CODEC_ROUNDS = 3_000
SERVER_ROUNDS = 12


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data")
    server.start()
    yield server
    server.stop()


def test_damaged_streams_break_neither_the_codec_nor_a_session() -> None:
    found = fuzz_codec(1, rounds=CODEC_ROUNDS)

    assert found.failures == {}, found.report()
    assert found.rounds == CODEC_ROUNDS


@pytest.mark.e2e
def test_damaged_connections_harm_no_good_one(server: Server) -> None:
    found = ServerFuzz(server, 1).run(rounds=SERVER_ROUNDS)

    assert found.failures == {}, found.report()
    assert found.rounds == SERVER_ROUNDS
