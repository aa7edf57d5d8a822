"""An acknowledgement means that the reading survives kill -9."""

import threading
from pathlib import Path

import pytest

from tests.e2e.mqtt_client import Client
from tests.e2e.server import Rest, Server

CONNECTIONS = 4
WINDOW = 20
SOME = 50
"""Acknowledged readings of each connection before the kill."""
START_MS = 1_700_000_000_000


class Sender(threading.Thread):
    """Publishes numbered readings as fast as they are acknowledged, until the server is gone."""

    def __init__(self, port: int, token: str, first: int) -> None:
        super().__init__(daemon=True)
        self.port, self.token, self.next = port, token, first
        self.acknowledged: list[int] = []
        self.sent: list[int] = []

    def run(self) -> None:
        waiting: dict[int, int] = {}
        client = Client(self.port, self.token)
        try:
            while True:
                while len(waiting) < WINDOW:
                    packet_id = self.next % 60_000 + 1
                    body = f'{{"ts":{START_MS + self.next},"values":{{"n":{self.next}}}}}'
                    self.sent.append(self.next)
                    waiting[packet_id] = self.next
                    client.publish("v1/devices/me/telemetry", body.encode(), packet_id)
                    self.next += 1
                self.acknowledged.append(waiting.pop(client.read_ack()))
        except OSError:
            client.close()  # the server was killed: what matters is what it acknowledged before


def _stored(rest: Rest, device_id: str) -> dict[int, int]:
    answer = rest.get(
        f"/api/v1/telemetry/DEVICE/{device_id}/values/timeseries",
        keys="n", startTs=START_MS, endTs=START_MS + 10**9, limit=50_000,
    )  # fmt: skip
    return {point["ts"] - START_MS: point["value"] for point in answer["data"].get("n", [])}


def _cycle(server: Server, senders_first: int, seconds: float) -> None:
    rest = server.login()
    tokens = [f"KILLED_{senders_first}_{number}" for number in range(CONNECTIONS)]
    devices = [rest.create_device(token, token) for token in tokens]
    senders = [Sender(server.mqtt_port, token, 0) for token in tokens]
    for sender in senders:
        sender.start()
    for sender in senders:
        while len(sender.acknowledged) < SOME:
            assert sender.is_alive(), "the connection ended before the kill"
            threading.Event().wait(0.01)
    threading.Event().wait(seconds)

    server.kill()
    for sender in senders:
        sender.join(20)
    server.start()

    rest = server.login()
    for sender, device_id in zip(senders, devices, strict=True):
        stored = _stored(rest, device_id)
        lost = [n for n in sender.acknowledged if stored.get(n) != n]
        assert lost == [], f"acknowledged but lost: {lost[:10]}"
        assert set(stored) <= set(sender.sent), "stored but never sent"


@pytest.mark.e2e
def test_every_acknowledged_reading_survives_kill_9(tmp_path: Path) -> None:
    _kill_again_and_again(tmp_path, cycles=3)


@pytest.mark.e2e
@pytest.mark.long
def test_every_acknowledged_reading_survives_20_kills(tmp_path: Path) -> None:
    _kill_again_and_again(tmp_path, cycles=20)


def _kill_again_and_again(tmp_path: Path, *, cycles: int) -> None:
    server = Server(tmp_path / "data")
    server.start()
    try:
        for number in range(cycles):
            # Different moments of a batch's life
            _cycle(server, number, 0.13 * (number % 5))
    finally:
        server.stop()
