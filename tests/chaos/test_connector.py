"""What a broker was acknowledged is stored, and what was published is stored in the end."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import form
from tests.chaos.postgresql import PostgreSQL
from tests.e2e.server import Rest, Server
from tests.mosquitto import Mosquitto

START_MS = 1_700_000_000_000
DEVICES = 5
BATCH = 200
PATIENCE_S = 120.0
"""Far more than anything takes: other tests have the machine meanwhile."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path)
    broker.start()
    yield broker
    broker.kill()


class Publisher(threading.Thread):
    """Publishes numbered readings to the broker until told to end; ``published`` is how many."""

    def __init__(self, broker: Mosquitto, qos: int) -> None:
        super().__init__(daemon=True)
        self.published = 0
        self._broker, self._qos = broker, qos
        self._is_over = threading.Event()

    def run(self) -> None:
        while not self._is_over.is_set():
            numbers = range(self.published, self.published + BATCH)
            payloads = [
                f'{{"d": "m{n % DEVICES}", "ts": {START_MS + n}, "n": {n}}}' for n in numbers
            ]
            self._broker.publish("load", *payloads, qos=self._qos)
            self.published += BATCH

    def await_more(self, count: int) -> None:
        target = self.published + count
        deadline = time.monotonic() + PATIENCE_S
        while self.published < target:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def finish(self) -> None:
        self._is_over.set()
        self.join(PATIENCE_S)
        assert not self.is_alive()


def integrate(rest: Rest, broker: Mosquitto, qos: int) -> str:
    body = {
        "name": "load",
        "host": "127.0.0.1",
        "port": broker.port,
        "topic_filters": [{"filter": "load", "qos": qos}],
        "converter": {"device_name": "$.d", "timestamp": "$.ts", "telemetry": {"n": "$.n"}},
    }
    made: dict[str, Any] = rest.post("/api/v1/integrations", body)
    return str(made["id"])


def until_connected(rest: Rest, integration_id: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    path = f"/api/v1/integrations/{integration_id}"
    while rest.get(path)["connection_state"] != "CONNECTED":
        assert time.monotonic() < deadline, rest.get(path)
        time.sleep(0.02)


def stored(rest: Rest) -> dict[int, int]:
    """Return the readings of all devices: number by time."""
    found: dict[int, int] = {}
    for device in rest.get("/api/v1/devices", limit=100, search="m"):
        path = f"/api/plugins/telemetry/DEVICE/{device['id']}/values/timeseries"
        answer = rest.get(path, keys="n", startTs=0, endTs=START_MS * 2, limit=100_000)
        found |= {each["ts"]: int(each["value"]) for each in answer.get("n", [])}
    return found


def check_all_stored(rest: Rest, publisher: Publisher) -> None:
    expected = {START_MS + n: n for n in range(publisher.published)}
    deadline = time.monotonic() + PATIENCE_S
    while (found := stored(rest)) != expected:
        missing = sorted(expected.keys() - found.keys())
        assert time.monotonic() < deadline, f"{len(missing)} are missing, as {missing[:5]}"
        time.sleep(0.2)


@pytest.mark.parametrize("qos", [1, 2])
def test_nothing_is_lost_by_kill_9(on_each: Server, broker: Mosquitto, qos: int) -> None:
    rest = on_each.login()
    until_connected(rest, integrate(rest, broker, qos))
    publisher = Publisher(broker, qos)
    publisher.start()
    for number in range(int(form(3, 30))):
        publisher.await_more(2 * BATCH)
        time.sleep(0.07 * (number % 4))  # different moments of a batch's life
        on_each.kill()
        on_each.start()
    publisher.finish()

    check_all_stored(on_each.login(), publisher)


def test_nothing_is_lost_by_a_broker_that_dies(on_sqlite: Server, broker: Mosquitto) -> None:
    rest = on_sqlite.login()
    integration_id = integrate(rest, broker, 1)
    until_connected(rest, integration_id)
    for _ in range(int(form(2, 10))):
        publisher = Publisher(broker, 1)
        publisher.start()
        publisher.await_more(BATCH)
        publisher.finish()
        check_all_stored(rest, publisher)
        broker.kill()
        broker.start()
        until_connected(rest, integration_id)


def test_a_stopped_postgresql_is_waited_for(
    on_postgresql: Server, postgresql: PostgreSQL, broker: Mosquitto
) -> None:
    rest = on_postgresql.login()
    integration_id = integrate(rest, broker, 1)
    until_connected(rest, integration_id)
    publisher = Publisher(broker, 1)
    publisher.start()
    publisher.await_more(BATCH)

    postgresql.stop()
    publisher.await_more(10 * BATCH)
    before = broker.log().count(f"Received PUBACK from fieldline-{integration_id}")
    time.sleep(form(2, 30))
    during = broker.log().count(f"Received PUBACK from fieldline-{integration_id}")
    postgresql.start()
    publisher.finish()

    check_all_stored(on_postgresql.login(), publisher)
    assert during == before
