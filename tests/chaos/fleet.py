"""Meters that go on whatever happens, and remember what was sent and what was acknowledged."""

import threading
import time
from collections import OrderedDict

from tests.e2e.mqtt_client import Client
from tests.e2e.server import Rest, Server

START_MS = 1_700_000_000_000
WINDOW = 20
PAGE = 10_000
PATIENCE_S = 120.0
"""Far more than anything takes: other tests have the machine meanwhile."""
TOPIC = "v1/devices/me/telemetry"


class Meter(threading.Thread):
    """Publishes numbered readings with QoS 1; connects again and sends again what it must.

    ``sent`` is how many there are: reading n has the time ``START_MS + n`` and the value n.
    """

    def __init__(self, port: int, token: str, device_id: str, *, rate: float) -> None:
        super().__init__(daemon=True, name=token)
        self.device_id = device_id
        self.sent = 0
        self.acknowledged: set[int] = set()
        self.connections = 0
        self._port, self._token = port, token
        self._pause_s = 1 / rate
        self._waiting: OrderedDict[int, int] = OrderedDict()
        self._is_over = threading.Event()
        self._gives_up = threading.Event()

    def run(self) -> None:
        while not self._gives_up.is_set() and not (self._is_over.is_set() and not self._waiting):
            try:
                client = Client(self._port, self._token)
            except (OSError, AssertionError):
                time.sleep(0.02)
                continue
            self.connections += 1
            try:
                self._serve(client)
            except OSError:
                continue  # what it was not acknowledged is sent again
            finally:
                client.close()

    def finish(self) -> None:
        """Send nothing new; go on until all is acknowledged."""
        self._is_over.set()

    def give_up(self) -> None:
        """End with the connection: the server does not come back."""
        self._gives_up.set()

    def _serve(self, client: Client) -> None:
        client.socket.settimeout(PATIENCE_S)
        again, self._waiting = list(self._waiting.values()), OrderedDict()
        for number in again:
            self._publish(client, number)
        due_s = time.monotonic()
        while not self._is_over.is_set() or self._waiting:
            while len(self._waiting) < WINDOW and not self._is_over.is_set():
                now_s = time.monotonic()
                if self._waiting and due_s > now_s:
                    break
                time.sleep(max(0.0, due_s - now_s))
                due_s = max(due_s + self._pause_s, now_s)
                number, self.sent = self.sent, self.sent + 1
                self._publish(client, number)
            if self._waiting:
                self.acknowledged.add(self._waiting.pop(client.read_ack()))

    def _publish(self, client: Client, number: int) -> None:
        packet_id = number % 60_000 + 1
        self._waiting[packet_id] = number
        body = f'{{"ts":{START_MS + number},"values":{{"n":{number}}}}}'
        client.publish(TOPIC, body.encode(), packet_id)


class Fleet:
    """Some meters of one tenant."""

    def __init__(
        self, server: Server, rest: Rest, name: str = "METER", *, size: int = 4, rate: float = 200
    ) -> None:
        self.meters = [
            Meter(
                server.mqtt_port,
                f"{name}_{number}",
                rest.create_device(f"{name}_{number}", f"{name}_{number}"),
                rate=rate,
            )
            for number in range(size)
        ]
        for meter in self.meters:
            meter.start()

    @property
    def acknowledged(self) -> int:
        return sum(len(meter.acknowledged) for meter in self.meters)

    def await_more(self, count: int = 50) -> None:
        """Wait until every meter has that many more acknowledgements."""
        wanted = [len(meter.acknowledged) + count for meter in self.meters]
        end_s = time.monotonic() + PATIENCE_S
        for meter, least in zip(self.meters, wanted, strict=True):
            while len(meter.acknowledged) < least:
                assert meter.is_alive(), f"{meter.name} ended"
                assert time.monotonic() < end_s, f"{meter.name}: no more acknowledgements"
                time.sleep(0.01)

    def finish(self) -> None:
        """Stop sending; everything that was sent is acknowledged in the end."""
        for meter in self.meters:
            meter.finish()
        for meter in self.meters:
            meter.join(PATIENCE_S)
            assert not meter.is_alive(), f"{meter.name} still waits for acknowledgements"

    def give_up(self) -> None:
        for meter in self.meters:
            meter.give_up()
        for meter in self.meters:
            meter.join(PATIENCE_S)

    def check(self, rest: Rest, *, is_equal: bool = False) -> None:
        """Hold what is stored against what was sent and acknowledged."""
        for meter in self.meters:
            stored = _stored(rest, meter)
            wrong = {n: value for n, value in stored.items() if value != n}
            lost = sorted(meter.acknowledged - stored.keys())
            invented = sorted(n for n in stored if not 0 <= n < meter.sent)
            assert not wrong, f"{meter.name}: stored with another value: {wrong}"
            assert not lost, f"{meter.name}: acknowledged and lost: {lost[:10]}"
            assert not invented, f"{meter.name}: stored and never sent: {invented[:10]}"
            if is_equal:
                more = sorted(stored.keys() - meter.acknowledged)
                assert not more, f"{meter.name}: stored and not acknowledged: {more[:10]}"


def _stored(rest: Rest, meter: Meter) -> dict[int, int]:
    found: dict[int, int] = {}
    path = f"/api/v1/telemetry/DEVICE/{meter.device_id}/values/timeseries"
    for first in range(0, meter.sent + PAGE, PAGE):
        start_ms = START_MS + first
        answer = rest.get(path, keys="n", startTs=start_ms, endTs=start_ms + PAGE, limit=PAGE)
        points = answer["data"].get("n", [])
        found |= {point["ts"] - START_MS: point["value"] for point in points}
    return found
