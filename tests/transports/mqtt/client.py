"""A small MQTT client over the codec: counts acknowledgements, remembers what it was told."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, cast

from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.packets import (
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
)
from fieldline.protocols.mqtt.reader import PacketReader
from tests.waiting import TIMEOUT_S

CONNECT_TIMEOUT_S = 10.0
MAX_PACKET_ID = 0xFFFF
_FIRST_FAILURE = 0x80

OnMessage = Callable[[Publish], None]


class ConnectionRefused(ConnectionError):
    """The server's CONNACK was not success; ``code`` says why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the server refused the connection with code 0x{code:02X}")
        self.code = code


class MqttClient(asyncio.Protocol):
    """One connection to a server; make it by :meth:`open`.

    ``acknowledged`` counts PUBACKs, ``refused`` those with a failure; ``disconnect_code`` is what
    an MQTT 5 server said when it closed.

    Args:
        connect: the CONNECT to send.
        window: publishes that may be unacknowledged before :meth:`publish` waits.
        on_message: gets what the server publishes.
    """

    def __init__(
        self, connect: Connect, *, window: int = 100, on_message: OnMessage | None = None
    ) -> None:
        self.connack: Connack | None = None
        self.acknowledged = 0
        self.pongs = 0
        self.reads = 0
        self.acknowledges = True
        self.puback_count = 0
        self.acknowledged_ids: list[int] = []
        self.answers_of_qos_2: list[Pubrec | Pubcomp] = []
        self.refused = 0
        self.last_refusal = 0
        self.disconnect_code: int | None = None
        self._connect = connect
        self._window = window
        self._on_message = on_message
        self._reader = PacketReader(connect.version)
        self._transport: asyncio.Transport | None = None
        self._is_lost = False
        self._in_flight: set[int] = set()
        self._next_packet_id = 1
        self._answers: dict[int, asyncio.Future[list[int]]] = {}
        self._changed = asyncio.Event()

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        connect: Connect,
        *,
        window: int = 100,
        on_message: OnMessage | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> "MqttClient":
        """Connect and sign on.

        Raises:
            ConnectionRefused: the server did not accept.
            OSError: there is no server, or it closed the connection.
        """
        client = cls(connect, window=window, on_message=on_message)
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: client, host, port, ssl=tls)
        await client._until(lambda: client.connack is not None, CONNECT_TIMEOUT_S)
        assert client.connack is not None
        if client.connack.code:
            raise ConnectionRefused(client.connack.code)
        return client

    @property
    def in_flight(self) -> int:
        """Publishes that wait for their PUBACK."""
        return len(self._in_flight)

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._is_lost

    async def publish(self, topic: str, payload: bytes, *, qos: int = 1) -> None:
        """Send a message; with QoS 1, wait while the window is full.

        Raises:
            ConnectionError: the connection is lost; what is in flight was not acknowledged.
        """
        if qos == 0:
            self._send(Publish(topic, payload))
            return
        if len(self._in_flight) >= self._window:
            await self._until(lambda: len(self._in_flight) < self._window)
        packet_id = self._take_packet_id()
        self._send(Publish(topic, payload, 1, packet_id))
        self._in_flight.add(packet_id)

    async def drain(self) -> None:
        """Wait until everything that was published is acknowledged.

        Raises:
            ConnectionError: the connection was lost before.
        """
        await self._until(lambda: not self._in_flight)

    async def subscribe(self, *topic_filters: str, qos: int = 1) -> list[int]:
        """Subscribe and return the codes of the SUBACK."""
        subscriptions = [Subscription(topic_filter, qos) for topic_filter in topic_filters]
        return await self._ask(lambda packet_id: Subscribe(packet_id, subscriptions))

    async def unsubscribe(self, *topic_filters: str) -> list[int]:
        """Unsubscribe and return the codes of the UNSUBACK (none before MQTT 5)."""
        return await self._ask(lambda packet_id: Unsubscribe(packet_id, list(topic_filters)))

    async def ping(self) -> None:
        """Send a PINGREQ."""
        self._send(Pingreq())

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are, packets or not."""
        assert self._transport is not None
        self._transport.write(data)

    def pause_reading(self) -> None:
        """Leave what the server sends in the socket."""
        assert self._transport is not None
        self._transport.pause_reading()

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """Say good-bye and close; what is in flight stays unacknowledged."""
        if self.is_open and self._transport is not None:
            self._send(Disconnect())
            self._transport.close()
        await self.wait_closed()

    async def wait_closed(self) -> None:
        """Wait until the connection is gone, whoever closed it.

        Raises:
            TimeoutError: it stays.
        """
        async with asyncio.timeout(TIMEOUT_S):
            while not self._is_lost:
                self._changed.clear()
                await self._changed.wait()

    async def _ask(self, make: Callable[[int], Packet]) -> list[int]:
        packet_id = self._take_packet_id()
        answer: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._answers[packet_id] = answer
        self._send(make(packet_id))
        return await answer

    async def _until(self, is_so: Callable[[], bool], timeout_s: float | None = None) -> None:
        async with asyncio.timeout(timeout_s):
            while not is_so():
                if self._is_lost:
                    raise ConnectionError("the MQTT connection was closed")
                self._changed.clear()
                await self._changed.wait()

    def _take_packet_id(self) -> int:
        packet_id = self._next_packet_id
        while packet_id in self._in_flight or packet_id in self._answers:
            packet_id = packet_id % MAX_PACKET_ID + 1
        self._next_packet_id = packet_id % MAX_PACKET_ID + 1
        return packet_id

    def _send(self, packet: Packet) -> None:
        if self._transport is None or self._is_lost:
            raise ConnectionError("the MQTT connection is closed")
        self._transport.write(encode(packet, self._connect.version))

    # -- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send(self._connect)

    def data_received(self, data: bytes) -> None:
        self.reads += 1
        for packet in self._reader.feed(data):
            handler = _HANDLERS.get(type(packet))
            if handler is not None:
                handler(self, packet)
        self._changed.set()
        if self._reader.error is not None and self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self._changed.set()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the MQTT connection was closed"))

    def _on_connack(self, packet: Connack) -> None:
        self.connack = packet

    def _on_puback(self, packet: Puback) -> None:
        self.puback_count += 1
        self.acknowledged_ids.append(packet.packet_id)
        if packet.packet_id not in self._in_flight:
            return
        self._in_flight.discard(packet.packet_id)
        self.acknowledged += 1
        if packet.code >= _FIRST_FAILURE:
            self.refused += 1
            self.last_refusal = packet.code

    def _on_answer_of_qos_2(self, packet: Pubrec | Pubcomp) -> None:
        self.answers_of_qos_2.append(packet)

    def _on_answer(self, packet: Suback | Unsuback) -> None:
        answer = self._answers.pop(packet.packet_id, None)
        if answer is not None and not answer.done():
            answer.set_result(packet.codes)

    def _on_publish(self, packet: Publish) -> None:
        if packet.qos and self.acknowledges:
            self._send(Puback(packet.packet_id))
        if self._on_message is not None:
            self._on_message(packet)

    def _on_pingresp(self, _packet: Pingresp) -> None:
        self.pongs += 1

    def _on_disconnect(self, packet: Disconnect) -> None:
        self.disconnect_code = packet.code


_HANDLERS: dict[type, Callable[[MqttClient, Any], None]] = {
    Connack: MqttClient._on_connack,
    Puback: MqttClient._on_puback,
    Pubrec: MqttClient._on_answer_of_qos_2,
    Pubcomp: MqttClient._on_answer_of_qos_2,
    Suback: MqttClient._on_answer,
    Unsuback: MqttClient._on_answer,
    Pingresp: MqttClient._on_pingresp,
    Publish: MqttClient._on_publish,
    Disconnect: MqttClient._on_disconnect,
}
