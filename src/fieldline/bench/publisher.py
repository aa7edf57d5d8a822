"""A simulated device: a connection that keeps W publishes of QoS 1 in flight.

What it publishes is its own: :class:`fieldline.bench.meter.Device`, for one.
"""

import asyncio
from abc import ABC, abstractmethod
from array import array
from collections import deque
from time import perf_counter
from typing import cast

from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.packets import MQTT_311, Connect, Disconnect

_MAX_PACKET_ID = 0xFFFF


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


class Publisher(asyncio.Protocol, ABC):
    """A device; ``acknowledged`` counts PUBACKs, which must come in the order of the publishes.

    Args:
        token: the device's access token.
        window: publishes in flight.
        pace: shared by all.
    """

    def __init__(self, token: str, window: int, pace: Pace) -> None:
        self.acknowledged = 0
        self.sent = 0
        self.is_connected = asyncio.Event()
        self.is_done = asyncio.Event()
        self.failure: str | None = None
        self._token = token
        self._window = window
        self._pace = pace
        self._rest = b""
        self._sent_at: deque[tuple[int, float]] = deque()
        self._transport: asyncio.Transport | None = None

    @abstractmethod
    def packet(self, number: int) -> bytes:
        """Return the PUBLISH of that number, counted from 0; its packet id follows from it."""

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
        packet_id = self.packet_id(self.acknowledged)
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
        pieces = [self.packet(number) for number in range(self.sent, self.sent + count)]
        self.sent += count
        self._sent_at.append((count, due_s))
        self._transport.write(b"".join(pieces))

    @staticmethod
    def packet_id(number: int) -> int:
        """Return the packet id of a message."""
        return number % _MAX_PACKET_ID + 1

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
