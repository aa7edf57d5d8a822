"""Replays a recording as its device would: MQTT, QoS 1, a window of publishes in flight.

Rows are sent in order; a row counts as delivered when its PUBACK is there. A lost connection is
made again and everything that was not acknowledged is sent again, which stores each row once, since
a row's time is its own.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from fieldline.demo.dataset import Recording, Row
from fieldline.kit.errors import Unavailable
from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.packets import (
    Connack,
    Connect,
    Disconnect,
    Packet,
    Puback,
    Publish,
)
from fieldline.protocols.mqtt.reader import PacketReader

VERSION = 4
TOPIC = "v1/devices/me/telemetry"
WINDOW = 100
"""Publishes in flight; the server's own limit per connection is higher."""
PACKET_IDS = 65_535
ATTEMPTS = 4
"""Connections that may fail one after another before the replay gives up."""
READ_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Target:
    """Where a recording is sent, and as whom."""

    host: str
    port: int
    access_token: str


class Replay:
    """One recording on its way.

    Args:
        recording: what to send.
        target: where to.
        speed: how many times as fast as it was recorded; None for as fast as it is acknowledged.
        on_progress: called with the number of rows acknowledged so far.
    """

    def __init__(
        self,
        recording: Recording,
        target: Target,
        *,
        speed: float | None,
        on_progress: Callable[[int], None],
    ) -> None:
        self._recording = recording
        self._target = target
        self._speed = speed
        self._on_progress = on_progress
        self.acknowledged = 0

    async def run(self) -> None:
        """Send every row.

        Raises:
            Unavailable: the server could not be reached, or closed every connection.
        """
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        failures = 0
        while self.acknowledged < len(self._recording.rows):
            before = self.acknowledged
            try:
                await self._connection(begin_s)
            except OSError as error:
                failures = failures + 1 if self.acknowledged == before else 0
                if failures >= ATTEMPTS:
                    target = self._target
                    msg = (
                        f"{target.host}:{target.port} does not take the readings of "
                        f"'{self._recording.name}' ({error}); is the MQTT transport running?"
                    )
                    raise Unavailable(msg) from error
                await asyncio.sleep(0.2 * (failures + 1))

    async def _connection(self, begin_s: float) -> None:
        reader, writer = await asyncio.open_connection(self._target.host, self._target.port)
        try:
            packets = _Incoming(reader)
            connect = Connect(
                client_id="", version=VERSION, clean_start=True, keep_alive_s=60,
                username=self._target.access_token,
            )  # fmt: skip
            writer.write(encode(connect, VERSION))
            connack = await packets.next()
            if not isinstance(connack, Connack) or connack.code != 0:
                msg = f"the connection was refused ({connack})"
                raise ConnectionError(msg)
            await self._send(packets, writer, begin_s)
            writer.write(encode(Disconnect(), VERSION))
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _send(
        self, packets: "_Incoming", writer: asyncio.StreamWriter, begin_s: float
    ) -> None:
        rows = self._rows_left()
        waiting: deque[int] = deque()
        row = next(rows, None)
        while row is not None or waiting:
            while row is not None and len(waiting) < WINDOW and self._is_due(row, begin_s):
                packet_id = (self.acknowledged + len(waiting)) % PACKET_IDS + 1
                waiting.append(packet_id)
                publish = Publish(topic=TOPIC, payload=row.payload(), qos=1, packet_id=packet_id)
                writer.write(encode(publish, VERSION))
                row = next(rows, None)
            await writer.drain()
            if waiting:
                self._take(await packets.next(), waiting)
            elif row is not None:
                await asyncio.sleep(max(self._due_s(row, begin_s) - _now_s(), 0))

    def _take(self, packet: Packet, waiting: deque[int]) -> None:
        """Count an acknowledgement; they come in the order of the publishes."""
        if isinstance(packet, Puback) and waiting and packet.packet_id == waiting[0]:
            waiting.popleft()
            self.acknowledged += 1
            self._on_progress(self.acknowledged)

    def _rows_left(self) -> Iterator[Row]:
        return iter(self._recording.rows[self.acknowledged :])

    def _is_due(self, row: Row, begin_s: float) -> bool:
        return self._speed is None or self._due_s(row, begin_s) <= _now_s()

    def _due_s(self, row: Row, begin_s: float) -> float:
        recorded_s = (row.ts_ms - self._recording.rows[0].ts_ms) / 1000
        return begin_s + recorded_s / (self._speed or 1.0)


class _Incoming:
    """The packets that the server sends, one at a time."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._packets: deque[Packet] = deque()
        self._decoder = PacketReader(VERSION)

    async def next(self) -> Packet:
        while not self._packets:
            data = await self._reader.read(READ_BYTES)
            if not data:
                msg = "the server closed the connection"
                raise ConnectionError(msg)
            self._packets.extend(self._decoder.feed(data))
        return self._packets.popleft()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
