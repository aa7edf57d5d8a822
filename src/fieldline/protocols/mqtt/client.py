"""One connection as an MQTT client sees it that only subscribes.

No input or output: bytes go in by :meth:`ClientSession.receive`, bytes to write come out of
:meth:`ClientSession.data_to_send`, the time is a parameter. What outlives a connection is the
:class:`~fieldline.protocols.mqtt.inbox.Inbox`.
Source: OASIS MQTT 5.0 sections 3.1 to 3.14 and 4; OASIS MQTT 3.1.1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from fieldline.protocols.mqtt.encoder import encode, encode_pubacks
from fieldline.protocols.mqtt.errors import RemoteProtocolError
from fieldline.protocols.mqtt.inbox import Inbox, Incoming
from fieldline.protocols.mqtt.packets import (
    MQTT_5,
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
)
from fieldline.protocols.mqtt.properties import Properties
from fieldline.protocols.mqtt.reader import PacketReader
from fieldline.protocols.mqtt.reason_codes import ConnectReturnCode, ReasonCode

_SUBSCRIBE_ID = 1
_UNSUBSCRIBE_ID = 2
_FAILURE = 0x80


class ClientState(Enum):
    """How far the connection is."""

    AWAITING_CONNACK = "awaiting CONNACK"
    SUBSCRIBING = "subscribing"
    READY = "ready"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """What a connection is to be.

    Attributes:
        connect: the CONNECT to send. Its receive maximum is not enforced: Mosquitto 2.0 sends more
            when a session is resumed. Who must not get more stops reading.
        subscriptions: what to subscribe to, at least one.
        former: filters that the session may hold from before and is to lose.
        answer_timeout_ms: how long the server may take for CONNACK, SUBACK and PINGRESP.
        max_packet_bytes: the largest packet that is read.
    """

    connect: Connect
    subscriptions: tuple[Subscription, ...]
    former: tuple[str, ...] = ()
    answer_timeout_ms: int = 10_000
    max_packet_bytes: int = 16 * 1024 * 1024


class ClientSession:
    """The client's half of one connection.

    ``error`` is set when the server refused or broke something; the caller then closes the socket.
    ``refused`` names the filters that the server does not grant, with its reason.
    """

    def __init__(self, options: ClientOptions, inbox: Inbox, now_ms: int) -> None:
        self.state = ClientState.AWAITING_CONNACK
        self.error: RemoteProtocolError | None = None
        self.refused: dict[str, str] = {}
        self.session_present = False
        self._options = options
        self._inbox = inbox
        self._version = options.connect.version
        self._reader = PacketReader(self._version, options.max_packet_bytes)
        self._keep_alive_ms = options.connect.keep_alive_s * 1000
        self._out = bytearray(encode(options.connect, self._version))
        self._sent_ms = now_ms
        self._answer_by_ms = now_ms + options.answer_timeout_ms
        self._is_ping_out = False

    # -- in -------------------------------------------------------------------------------------

    def receive(self, data: bytes, now_ms: int) -> list[tuple[Publish, Incoming | None]]:
        """Take bytes from the server and return the new messages; QoS 0 has nothing to answer.

        Never raises for what the server did: see ``error``.
        """
        if self.error is not None or self.state is ClientState.CLOSED:
            return []
        messages: list[tuple[Publish, Incoming | None]] = []
        try:
            for packet in self._reader.feed(data):
                if type(packet) is Publish:
                    self._on_publish(packet, messages)
                else:
                    self._on_other(packet, now_ms)
        except RemoteProtocolError as error:
            self.error = error
        if self.error is None:
            self.error = self._reader.error
        return messages

    def _on_publish(self, packet: Publish, messages: list[tuple[Publish, Incoming | None]]) -> None:
        if self.state is ClientState.AWAITING_CONNACK:
            raise _unexpected(packet)
        if "topic_alias" in packet.properties:
            msg = "the broker uses topic aliases, of which it was allowed none"
            raise RemoteProtocolError(msg, ReasonCode.TOPIC_ALIAS_INVALID)
        if not packet.qos:
            messages.append((packet, None))
            return
        incoming = self._inbox.take(packet.packet_id, packet.qos, dup=packet.dup)
        if incoming is not None:
            messages.append((packet, incoming))

    def _on_other(self, packet: Packet, now_ms: int) -> None:
        handler = _HANDLERS.get(type(packet))
        if handler is None or (
            self.state is ClientState.AWAITING_CONNACK
            and not isinstance(packet, Connack | Disconnect)
        ):
            raise _unexpected(packet)
        handler(self, packet, now_ms)

    def _on_connack(self, packet: Connack, now_ms: int) -> None:
        if self.state is not ClientState.AWAITING_CONNACK:
            raise _unexpected(packet)
        if packet.code:
            said = packet.properties.get("reason_string")
            msg = f"the broker refused the connection: {self._connack_reason(packet.code)}"
            raise RemoteProtocolError(f"{msg} ({said})" if said else msg)
        self.session_present = packet.session_present
        self._inbox.connected(session_present=packet.session_present)
        keep_alive_s = packet.properties.get("server_keep_alive")
        if keep_alive_s is not None:
            self._keep_alive_ms = keep_alive_s * 1000
        options = self._options
        if packet.session_present and options.former:
            self._send(Unsubscribe(_UNSUBSCRIBE_ID, list(options.former)), now_ms)
        self._send(Subscribe(_SUBSCRIBE_ID, list(options.subscriptions)), now_ms)
        self.state = ClientState.SUBSCRIBING
        self._answer_by_ms = now_ms + options.answer_timeout_ms

    def _connack_reason(self, code: int) -> str:
        kind = ReasonCode if self._version == MQTT_5 else ConnectReturnCode
        return _words(kind(code).name)

    def _on_suback(self, packet: Suback, _now_ms: int) -> None:
        filters = [each.topic_filter for each in self._options.subscriptions]
        if packet.packet_id != _SUBSCRIBE_ID or len(packet.codes) != len(filters):
            raise _unexpected(packet)
        self.refused = {
            name: _words(ReasonCode(code).name)
            for name, code in zip(filters, packet.codes, strict=True)
            if code >= _FAILURE
        }
        if len(self.refused) == len(filters):
            name, reason = next(iter(self.refused.items()))
            msg = f"the broker refused every topic filter, '{name}' with: {reason}"
            raise RemoteProtocolError(msg)
        self.state = ClientState.READY

    def _on_unsuback(self, _packet: Unsuback, _now_ms: int) -> None:
        """A filter that is not left is told of by messages that none of ours takes in."""

    def _on_pubrel(self, packet: Pubrel, now_ms: int) -> None:
        is_known = self._inbox.release(packet.packet_id)
        code = 0 if is_known or self._version != MQTT_5 else ReasonCode.PACKET_IDENTIFIER_NOT_FOUND
        self._send(Pubcomp(packet.packet_id, code), now_ms)

    def _on_pingresp(self, _packet: Pingresp, _now_ms: int) -> None:
        self._is_ping_out = False

    def _on_disconnect(self, packet: Disconnect, _now_ms: int) -> None:
        said = packet.properties.get("reason_string")
        msg = f"the broker closed the connection: {_words(ReasonCode(packet.code).name)}"
        raise RemoteProtocolError(f"{msg} ({said})" if said else msg)

    # -- out ------------------------------------------------------------------------------------

    def data_to_send(self) -> bytes:
        """Return, once, what is to be written."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def answer(self, now_ms: int) -> int:
        """Queue the answers to messages whose turn has come; returns how many."""
        if self.state not in (ClientState.SUBSCRIBING, ClientState.READY):
            return 0
        answers = self._inbox.answers()
        pubacks: list[int] = []
        for message in answers:
            if message.qos == 1:
                pubacks.append(message.packet_id)
                continue
            self._out += encode_pubacks(pubacks)
            pubacks = []
            self._send(Pubrec(message.packet_id), now_ms)
        self._out += encode_pubacks(pubacks)
        self._sent_ms = now_ms
        return len(answers)

    def expire(self, now_ms: int, *, is_reading: bool = True) -> None:
        """Keep the connection alive; sets ``error`` when an answer is overdue.

        Args:
            now_ms: the time; to be asked about every second.
            is_reading: whether the socket is read; else an answer may lie in it.
        """
        if self.error is not None or self.state is ClientState.CLOSED:
            return
        is_waiting = self.state is not ClientState.READY or self._is_ping_out
        if is_waiting and not is_reading:
            self._answer_by_ms = now_ms + self._options.answer_timeout_ms
        elif is_waiting and now_ms >= self._answer_by_ms:
            what = "a ping" if self._is_ping_out else "CONNECT or SUBSCRIBE"
            seconds = self._options.answer_timeout_ms // 1000
            msg = f"the broker did not answer {what} within {seconds} s"
            self.error = RemoteProtocolError(msg, ReasonCode.KEEP_ALIVE_TIMEOUT)
            return
        # In time for a server that waits for one and a half times as long.
        if self._keep_alive_ms and now_ms - self._sent_ms >= self._keep_alive_ms:
            if not self._is_ping_out:
                self._answer_by_ms = now_ms + self._options.answer_timeout_ms
            self._is_ping_out = self.state is not ClientState.AWAITING_CONNACK
            if self._is_ping_out:
                self._send(Pingreq(), now_ms)

    def disconnect(self, now_ms: int, *, forget: bool = False) -> None:
        """Queue the good-bye; ``forget``: the server is to keep nothing for this client."""
        if self.state in (ClientState.SUBSCRIBING, ClientState.READY):
            properties = Properties()
            if forget:
                filters = [each.topic_filter for each in self._options.subscriptions]
                self._send(Unsubscribe(_UNSUBSCRIBE_ID, filters), now_ms)
                if self._version == MQTT_5:
                    properties["session_expiry_interval"] = 0
            self._send(Disconnect(properties=properties), now_ms)
        self.state = ClientState.CLOSED

    def _send(self, packet: Packet, now_ms: int) -> None:
        self._out += encode(packet, self._version)
        self._sent_ms = now_ms


def _unexpected(packet: Packet) -> RemoteProtocolError:
    name = type(packet).__name__.upper()
    msg = f"the broker sent {name} where it does not belong"
    return RemoteProtocolError(msg, ReasonCode.PROTOCOL_ERROR)


def _words(name: str) -> str:
    return name.lower().replace("_", " ")


_HANDLERS: dict[type, Callable[[ClientSession, Any, int], None]] = {
    Connack: ClientSession._on_connack,  # noqa: SLF001 - the table of this class
    Suback: ClientSession._on_suback,  # noqa: SLF001
    Unsuback: ClientSession._on_unsuback,  # noqa: SLF001
    Pubrel: ClientSession._on_pubrel,  # noqa: SLF001
    Pingresp: ClientSession._on_pingresp,  # noqa: SLF001
    Disconnect: ClientSession._on_disconnect,  # noqa: SLF001
}
