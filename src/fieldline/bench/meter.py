"""One simulated smart meter: a connection that keeps W publishes of QoS 1 in flight.

Packets are encoded once; only the packet id, the digits of the time and of the battery level are
patched per message, so that the generator costs little beside the server on the same machine.
"""

import asyncio
from array import array
from collections import deque
from time import perf_counter
from typing import cast

from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.packets import MQTT_311, Connect, Disconnect, Publish

TOPIC = "v1/devices/me/telemetry"
POINTS = 3
LOW_BATTERY = 20
"""The alarm rule raises below this level, and clears from it on."""
_LOW_EVERY, _LOW_FOR = 1_000, 10
"""Of 1,000 messages of a meter 10 in a row tell of a low battery: one alarm, raised and cleared."""
_TIME_DIGITS = 13
_PAYLOAD = (
    b'{"ts": %013d, "values": {"pulseCounter": 1234567, "leakage": false, "batteryLevel": 81}}'
)
_MAX_PACKET_ID = 0xFFFF


def payload(ts_ms: int) -> bytes:
    """Return the reading of that time, as every message is."""
    return _PAYLOAD % ts_ms


class Pace:
    """What all devices share: whether to go on, and the latencies while it is measured.

    ``is_paced``: messages are sent when they are due, not when an acknowledgement comes.
    """

    def __init__(self) -> None:
        self.is_sending = True
        self.is_paced = False
        self.is_measuring = False
        self.acknowledged_measured = 0
        self.latencies_s = array("d")


class Device(asyncio.Protocol):
    """A meter; ``acknowledged`` counts PUBACKs, which must come in the order of the publishes.

    Args:
        token: the device's access token.
        window: publishes in flight.
        first_ms: time of the first reading; each next one is 1 ms later.
        pace: shared by all.
        phase: where in the life of its battery the meter begins, so that not all are low together.
    """

    def __init__(
        self, token: str, window: int, first_ms: int, pace: Pace, *, phase: int = 0
    ) -> None:
        self.acknowledged = 0
        self.sent = 0
        self.first_ms = first_ms
        self.is_connected = asyncio.Event()
        self.is_done = asyncio.Event()
        self.failure: str | None = None
        self._token = token
        self._window = window
        self._pace = pace
        self._phase = phase
        self._rest = b""
        self._sent_at: deque[tuple[int, float]] = deque()
        self._transport: asyncio.Transport | None = None
        self._packet = bytearray(encode(Publish(TOPIC, payload(first_ms), 1, 1), MQTT_311))
        self._id_at = self._packet.index(TOPIC.encode()) + len(TOPIC)
        self._ts_at = self._packet.index(b"%013d" % first_ms)
        self._battery_at = self._packet.rindex(b"81")  # the time may hold it too

    @property
    def last_ms(self) -> int:
        """Time of the newest reading that was sent."""
        return self.first_ms + self.sent - 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        connect = Connect(f"bench-{self._token}", MQTT_311, username=self._token, keep_alive_s=600)
        self._transport.write(encode(connect, MQTT_311))

    def begin(self) -> None:
        """Fill the window; from then on every acknowledgement sends the next."""
        self._send(self._window, perf_counter())

    def publish(self, due_s: float) -> None:
        """Send one message that was due at that time (``perf_counter``); latency counts from it."""
        self._send(1, due_s)

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        if not self.is_connected.is_set():
            data = self._take_connack(data)
        whole = len(data) & ~3
        self._rest = data[whole:]
        count = whole >> 2
        if not count:
            return
        if not self._are_expected(data, count):
            self._fail("an acknowledgement is out of order")
            return
        self._note(count)
        if self._pace.is_sending and not self._pace.is_paced:
            self._send(count, perf_counter())
        elif not self._pace.is_sending and self.acknowledged == self.sent:
            self.is_done.set()

    def _take_connack(self, data: bytes) -> bytes:
        if len(data) < 4:
            return data
        if data[3]:
            self._fail(f"the server refused the connection (code {data[3]})")
        self.is_connected.set()
        return data[4:]

    def _are_expected(self, data: bytes, count: int) -> bool:
        packet_id = self.acknowledged % _MAX_PACKET_ID + 1
        expected = bytearray()
        for _ in range(count):
            expected += b"\x40\x02"
            expected += packet_id.to_bytes(2, "big")
            packet_id = packet_id % _MAX_PACKET_ID + 1
        return data[: count * 4] == expected

    def _note(self, count: int) -> None:
        self.acknowledged += count
        pace = self._pace
        now = perf_counter()
        if pace.is_measuring:
            pace.acknowledged_measured += count
        while count:
            batch, sent_at = self._sent_at[0]
            taken = min(batch, count)
            if pace.is_measuring:
                pace.latencies_s.extend([now - sent_at] * taken)
            count -= taken
            if taken == batch:
                self._sent_at.popleft()
            else:
                self._sent_at[0] = (batch - taken, sent_at)

    def _send(self, count: int, due_s: float) -> None:
        if self._transport is None or self.failure is not None:
            return
        packet, id_at, ts_at = self._packet, self._id_at, self._ts_at
        battery_at, phase = self._battery_at, self._phase
        pieces = []
        for number in range(self.sent, self.sent + count):
            packet_id = number % _MAX_PACKET_ID + 1
            packet[id_at : id_at + 2] = packet_id.to_bytes(2, "big")
            packet[ts_at : ts_at + _TIME_DIGITS] = b"%013d" % (self.first_ms + number)
            is_low = (number + phase) % _LOW_EVERY < _LOW_FOR
            packet[battery_at : battery_at + 2] = b"12" if is_low else b"81"
            pieces.append(bytes(packet))
        self.sent += count
        self._sent_at.append((count, due_s))
        self._transport.write(b"".join(pieces))

    def _fail(self, why: str) -> None:
        if self.failure is None:
            self.failure = why
        self.is_connected.set()
        self.is_done.set()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.is_done.is_set():
            self._fail(f"the connection was lost ({exc or 'closed by the server'})")

    def close(self) -> None:
        """Say good-bye."""
        self.is_done.set()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode(Disconnect(), MQTT_311))
            self._transport.close()
