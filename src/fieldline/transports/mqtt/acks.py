"""Acknowledgements of one connection's publishes: they leave in the order of the publishes.

[MQTT-4.6.0-2] asks for that order; a message that is done early waits for the ones before it.
"""

from collections import deque
from collections.abc import Callable
from contextlib import suppress

from fieldline.messaging.receipt import Receipt
from fieldline.protocols.mqtt.reason_codes import ReasonCode
from fieldline.protocols.mqtt.session import ServerSession


class Ack(Receipt):
    """The receipt of one QoS 1 publish; ``code`` is what its PUBACK says."""

    __slots__ = ("code", "packet_id")
    qos = 1

    def __init__(self, packet_id: int, on_done: Callable[[Receipt], None]) -> None:
        self._open = 1
        self._on_done = on_done
        self.meter = None
        self.weight = 0
        self.packet_id = packet_id
        self.code = ReasonCode.SUCCESS


class OnceAck(Ack):
    """The receipt of one QoS 2 publish; ``code`` is what its PUBREC says."""

    __slots__ = ()
    qos = 2


class Acks:
    """The publishes of a connection that are not acknowledged yet.

    Args:
        on_ready: called when the oldest one is done: :meth:`send` then has something to send.
    """

    __slots__ = ("_on_done", "_on_ready", "_pending")

    def __init__(self, on_ready: Callable[[], None]) -> None:
        self._pending: deque[Ack] = deque()
        self._on_ready = on_ready
        self._on_done = self._done

    def __len__(self) -> int:
        return len(self._pending)

    def open(self, packet_id: int, kind: type[Ack] = Ack) -> Ack:
        """Note a publish; the caller releases the receipt when it has handed it on."""
        ack = kind(packet_id, self._on_done)
        self._pending.append(ack)
        return ack

    def withdraw(self, ack: Ack) -> None:
        """Forget a publish, often the newest: it is answered by closing the connection."""
        with suppress(ValueError):  # the connection is lost, and all are forgotten
            self._pending.remove(ack)

    def clear(self) -> None:
        """Forget all: there is nobody left to tell."""
        self._pending.clear()

    def send(self, session: ServerSession) -> int:
        """Give the session the acknowledgements whose turn has come; return how many."""
        pending = self._pending
        before = len(pending)
        packet_ids: list[int] = []
        while pending and pending[0].is_done:
            ack = pending.popleft()
            if ack.code is ReasonCode.SUCCESS and ack.qos == 1:
                packet_ids.append(ack.packet_id)
                continue
            if packet_ids:
                session.acknowledge(packet_ids)
                packet_ids = []
            if ack.qos == 1:
                session.acknowledge_failed(ack.packet_id, ack.code)
            else:
                session.received(ack.packet_id, ack.code)
        if packet_ids:
            session.acknowledge(packet_ids)
        return before - len(pending)

    def _done(self, ack: Receipt) -> None:
        if self._pending and self._pending[0] is ack:
            self._on_ready()
