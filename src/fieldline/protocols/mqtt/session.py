"""One connection as an MQTT server sees it: what may come when, and what is answered.

No input or output: bytes go in by :meth:`ServerSession.receive`, bytes to write come out of
:meth:`ServerSession.data_to_send`, the time is a parameter. Nothing is stored between connections.
Source: OASIS MQTT 5.0 sections 3.1, 4.8 to 4.13; OASIS MQTT 3.1.1 section 3.1, 4.8.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any

from fieldline.protocols.mqtt.encoder import PINGRESP, encode, encode_pubacks
from fieldline.protocols.mqtt.errors import RemoteProtocolError, UnsupportedVersionError
from fieldline.protocols.mqtt.handshake import (
    SessionLimits,
    check_connect,
    connack_properties,
    refusal,
    refusal_of_version,
)
from fieldline.protocols.mqtt.packets import (
    MQTT_5,
    Auth,
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
    Pubrel,
    Suback,
    Subscribe,
    Unsuback,
)
from fieldline.protocols.mqtt.properties import Properties
from fieldline.protocols.mqtt.reader import PacketReader
from fieldline.protocols.mqtt.reason_codes import DISCONNECT_CODES, ReasonCode

OnAcknowledged = Callable[[], None]


class State(Enum):
    """How far the connection is."""

    AWAITING_CONNECT = "awaiting CONNECT"
    AUTHENTICATING = "authenticating"
    CONNECTED = "connected"
    CLOSED = "closed"


class ServerSession:
    """The server's half of one connection.

    ``error`` is set when the peer broke the protocol; the caller then finishes what it owes for the
    packets before and calls :meth:`close` with it. ``deadline_ms`` is when :meth:`expire` has to be
    asked next.
    """

    __slots__ = (
        "_aliases",
        "_limits",
        "_next_packet_id",
        "_once",
        "_out",
        "_peer_max_packet",
        "_queued",
        "_queued_bytes",
        "_reader",
        "_silence_ms",
        "_unacknowledged",
        "_unanswered",
        "_window",
        "connect",
        "deadline_ms",
        "error",
        "state",
        "version",
    )

    def __init__(self, limits: SessionLimits, now_ms: int) -> None:
        self.state = State.AWAITING_CONNECT
        self.version = 0
        self.connect: Connect | None = None
        self.error: RemoteProtocolError | None = None
        self.deadline_ms = now_ms + limits.connect_timeout_ms
        self._limits = limits
        self._reader = PacketReader(0, limits.max_remaining_length)
        self._silence_ms = limits.idle_timeout_ms
        self._out = bytearray()
        self._aliases: dict[int, str] = {}
        self._unanswered = 0
        self._once: dict[int, bool] = {}
        """Packet ids of QoS 2 messages until their PUBREL; whether the PUBREC is out."""
        self._next_packet_id = 1
        self._unacknowledged: dict[int, OnAcknowledged | None] = {}
        self._queued: deque[tuple[str, bytes, OnAcknowledged | None]] = deque()
        self._queued_bytes = 0
        self._window = limits.max_unacknowledged
        self._peer_max_packet: int | None = None

    # -- in -------------------------------------------------------------------------------------

    def receive(self, data: bytes, now_ms: int) -> list[Packet]:
        """Take bytes from the peer and return the packets that are the caller's business.

        The first packet is always a CONNECT; what follows it is held until :meth:`accept`, and
        comes with the next call. Never raises for what the peer did: see ``error``.
        """
        if self.error is not None:
            return []
        if self.state is State.CONNECTED:
            self.deadline_ms = now_ms + self._silence_ms
            return self._admit(self._reader.feed(data))
        if self.state is State.AWAITING_CONNECT:
            return self._await_connect(data, now_ms)
        if self.state is State.AUTHENTICATING:
            self._reader.hold(data)
            if self._reader.held_bytes > self._limits.max_held_bytes:
                msg = "too much was sent before the connection was accepted"
                self.error = RemoteProtocolError(msg, ReasonCode.QUOTA_EXCEEDED)
        return []

    def hold(self, data: bytes) -> None:
        """Keep bytes of a connected peer, unread, for the next :meth:`receive`."""
        self._reader.hold(data)

    def _await_connect(self, data: bytes, now_ms: int) -> list[Packet]:
        packets = self._reader.feed(data)
        self.error = self._reader.error
        if not packets:
            return []
        connect = packets[0]
        assert isinstance(connect, Connect)  # noqa: S101 - the reader lets nothing else be first
        self.connect = connect
        self.version = connect.version
        self.state = State.AUTHENTICATING
        self.deadline_ms = now_ms + self._limits.authentication_timeout_ms
        self._peer_max_packet = connect.properties.get("maximum_packet_size")
        try:
            check_connect(connect)
        except RemoteProtocolError as error:
            self.error = error
            return []
        return packets

    def _admit(self, packets: list[Packet]) -> list[Packet]:
        handlers = _HANDLERS_5 if self.version == MQTT_5 else _HANDLERS_3
        for index, packet in enumerate(packets):
            handler = handlers.get(type(packet))
            if handler is None:
                continue
            try:
                handler(self, packet)
            except RemoteProtocolError as error:
                self.error = error
                return packets[:index]
            if self.state is State.CLOSED:
                return packets[: index + 1]
        self.error = self._reader.error
        return packets

    def _on_publish_5(self, packet: Publish) -> None:
        if packet.qos:
            self._unanswered += 1
            if self._unanswered > self._limits.receive_maximum:
                msg = "more unacknowledged publishes than the Receive Maximum"
                raise RemoteProtocolError(msg, ReasonCode.RECEIVE_MAXIMUM_EXCEEDED)
        if packet.retain:
            msg = "retained messages are not supported"
            raise RemoteProtocolError(msg, ReasonCode.RETAIN_NOT_SUPPORTED)
        if packet.properties:
            self._use_publish_properties(packet)

    def _use_publish_properties(self, packet: Publish) -> None:
        if "subscription_identifiers" in packet.properties:
            msg = "a client's PUBLISH has no subscription identifier"
            raise RemoteProtocolError(msg, ReasonCode.PROTOCOL_ERROR)
        alias = packet.properties.get("topic_alias")
        if alias is None:
            return
        if alias > self._limits.topic_alias_maximum:
            msg = f"topic alias {alias} is over {self._limits.topic_alias_maximum}"
            raise RemoteProtocolError(msg, ReasonCode.TOPIC_ALIAS_INVALID)
        if packet.topic:
            self._aliases[alias] = packet.topic
        elif alias in self._aliases:
            packet.topic = self._aliases[alias]
        else:
            msg = f"topic alias {alias} was never set"
            raise RemoteProtocolError(msg, ReasonCode.PROTOCOL_ERROR)

    def _on_puback(self, packet: Puback) -> None:
        on_acknowledged = self._unacknowledged.pop(packet.packet_id, None)
        while self._queued and len(self._unacknowledged) < self._window:
            topic, waiting, then = self._queued.popleft()
            self._queued_bytes -= len(waiting)
            self._send_qos_1(topic, waiting, then)
        if on_acknowledged is not None:
            on_acknowledged()

    def begin_once(self, packet_id: int) -> bool:
        """Take in a PUBLISH of QoS 2; False: it is known, and there is nothing to do.

        The caller says so before it hands the message on, and later :meth:`received`. The id
        is in use until the PUBREL, so there are 65,535 at the most.
        """
        is_recorded = self._once.get(packet_id)
        if is_recorded is None:
            self._once[packet_id] = False
            return True
        self._unanswered -= 1
        if is_recorded:
            self._send(Pubrec(packet_id))
        return False

    def _on_pubrel(self, packet: Pubrel) -> None:
        is_recorded = self._once.pop(packet.packet_id, None)
        code = ReasonCode.SUCCESS
        if is_recorded:
            self._unanswered -= 1
        elif is_recorded is not None:
            raise RemoteProtocolError("PUBREL came before PUBREC", ReasonCode.PROTOCOL_ERROR)
        elif self.version == MQTT_5:
            code = ReasonCode.PACKET_IDENTIFIER_NOT_FOUND
        self._send(Pubcomp(packet.packet_id, code))

    def _on_subscribe(self, packet: Subscribe) -> None:
        if "subscription_identifiers" in packet.properties:
            raise RemoteProtocolError(
                "subscription identifiers are not supported",
                ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
            )

    def _on_pingreq(self, _packet: Pingreq) -> None:
        self._out += PINGRESP

    def _on_disconnect(self, packet: Disconnect) -> None:
        assert self.connect is not None  # noqa: S101 - connected sessions have one
        expiry = packet.properties.get("session_expiry_interval", 0)
        if expiry and not self.connect.properties.get("session_expiry_interval", 0):
            msg = "DISCONNECT asks for a session that CONNECT did not have"
            raise RemoteProtocolError(msg, ReasonCode.PROTOCOL_ERROR)
        self.state = State.CLOSED

    def _on_wrong_packet(self, packet: Packet) -> None:
        msg = f"{type(packet).__name__.upper()} may not come from a client now"
        raise RemoteProtocolError(msg, ReasonCode.PROTOCOL_ERROR)

    def heard(self, now_ms: int) -> None:
        """Begin the keep-alive anew: the caller did not read for a while, so nothing is overdue."""
        if self.state is State.CONNECTED:
            self.deadline_ms = now_ms + self._silence_ms

    def expire(self, now_ms: int) -> RemoteProtocolError | None:
        """Return why the connection has to be closed now, or None when it is in time."""
        if now_ms < self.deadline_ms or self.state is State.CLOSED:
            return None
        if self.state is State.AWAITING_CONNECT:
            return RemoteProtocolError("no CONNECT came in time", ReasonCode.PROTOCOL_ERROR)
        if self.state is State.AUTHENTICATING:
            msg = "authentication took too long"
            return RemoteProtocolError(msg, ReasonCode.SERVER_UNAVAILABLE)
        msg = f"nothing was heard for {self._silence_ms / 1000:g} s"
        return RemoteProtocolError(msg, ReasonCode.KEEP_ALIVE_TIMEOUT)

    # -- out ------------------------------------------------------------------------------------

    @property
    def has_data_to_send(self) -> bool:
        """Whether there are bytes to write."""
        return bool(self._out)

    def data_to_send(self) -> bytes:
        """Return, and forget, the bytes that have to be written now."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def accept(self, assigned_client_id: str, now_ms: int) -> bool:
        """Answer the CONNECT with success; False, and ``error``, if that is more than it takes.

        Args:
            assigned_client_id: the id that an MQTT 5 client without one is told.
            now_ms: when the keep-alive begins.
        """
        connect = self.connect
        assert connect is not None  # noqa: S101 - the caller got it from receive()
        if connect.keep_alive_s:
            self._silence_ms = connect.keep_alive_s * 1500
        properties = Properties()
        if self.version == MQTT_5:
            self._window = min(
                self._window, connect.properties.get("receive_maximum", self._window)
            )
            properties = connack_properties(connect, self._limits, assigned_client_id)
        if not self._answer(Connack(properties=properties)):
            return False
        self.state = State.CONNECTED
        self.deadline_ms = now_ms + self._silence_ms
        return True

    def close(self, code: ReasonCode, message: str = "") -> None:
        """End the session: tell the peer why, as far as its version and state have words for it."""
        if self.state is State.AUTHENTICATING:
            self._out_within_limit(
                refusal(self.version, code, message), refusal(self.version, code)
            )
        elif self.state is State.CONNECTED and self.version == MQTT_5:
            properties = Properties(reason_string=message) if message else Properties()
            # Some codes belong to a CONNACK: 0x84 of a second CONNECT, of another level.
            known = code if code in DISCONNECT_CODES else ReasonCode.PROTOCOL_ERROR
            self._out_within_limit(
                encode(Disconnect(known, properties), MQTT_5), encode(Disconnect(known), MQTT_5)
            )
        elif self.state is State.AWAITING_CONNECT and isinstance(
            self.error, UnsupportedVersionError
        ):
            self._out += refusal_of_version(self.error.level)
        self.state = State.CLOSED

    def acknowledge(self, packet_ids: list[int]) -> None:
        """Send one successful PUBACK each (QoS 1), in that order."""
        self._unanswered -= len(packet_ids)
        self._out += encode_pubacks(packet_ids)

    def acknowledge_failed(self, packet_id: int, code: ReasonCode) -> None:
        """Send a PUBACK that says what went wrong; MQTT 3 has no word for it: a plain one."""
        self._unanswered -= 1
        self._send(Puback(packet_id, code if self.version == MQTT_5 else 0))

    def received(self, packet_id: int, code: ReasonCode) -> None:
        """Send a PUBREC (QoS 2); one that says what went wrong, in MQTT 5, is the last answer."""
        if self.version == MQTT_5 and code >= ReasonCode.UNSPECIFIED_ERROR:
            self._unanswered -= 1
            self._once.pop(packet_id, None)
            self._send(Pubrec(packet_id, code))
        else:
            self._once[packet_id] = True
            self._send(Pubrec(packet_id))

    def answer_subscribe(self, packet_id: int, codes: list[int]) -> None:
        """Send a SUBACK, one code per filter."""
        self._answer(Suback(packet_id, codes))

    def answer_unsubscribe(self, packet_id: int, codes: list[int]) -> None:
        """Send an UNSUBACK; MQTT 3 drops the codes."""
        self._answer(Unsuback(packet_id, codes if self.version == MQTT_5 else []))

    def publish(
        self, topic: str, payload: bytes, qos: int, on_acknowledged: OnAcknowledged | None = None
    ) -> None:
        """Send a message to the client, or queue it until the client's window has room.

        ``on_acknowledged`` is called when the PUBACK of a QoS 1 message comes in. A message over
        the client's Maximum Packet Size is left out, as the standard wants it (MQTT 5 section
        3.1.2.11.4).

        Raises:
            RemoteProtocolError: the client does not acknowledge, and the queue is full.
        """
        if qos == 0:
            self._out_within_limit(encode(Publish(topic, payload), self.version))
        elif len(self._unacknowledged) < self._window:
            self._send_qos_1(topic, payload, on_acknowledged)
        elif (
            len(self._queued) < self._limits.max_queued
            and self._queued_bytes + len(payload) <= self._limits.max_queued_bytes
        ):
            self._queued_bytes += len(payload)
            self._queued.append((topic, payload, on_acknowledged))
        else:
            msg = f"{len(self._queued)} messages wait for the client's acknowledgements"
            raise RemoteProtocolError(msg, ReasonCode.QUOTA_EXCEEDED)

    def may_send(self, topic: str, payload: bytes) -> bool:
        """Tell whether the client takes a message of that size."""
        limit = self._peer_max_packet
        # Beside these: fixed header, topic's length, packet id, length of the properties.
        return limit is None or len(topic.encode()) + len(payload) + 10 <= limit

    def _send_qos_1(
        self, topic: str, payload: bytes, on_acknowledged: OnAcknowledged | None
    ) -> None:
        packet_id = self._next_packet_id
        while packet_id in self._unacknowledged:
            packet_id = packet_id % 0xFFFF + 1
        self._next_packet_id = packet_id % 0xFFFF + 1
        packet = Publish(topic, payload, 1, packet_id)
        if self._out_within_limit(encode(packet, self.version)):
            self._unacknowledged[packet_id] = on_acknowledged

    def _send(self, packet: Packet) -> None:
        """Send what is never over the client's limit: it is shorter than the CONNACK was."""
        self._out += encode(packet, self.version)

    def _answer(self, packet: Packet) -> bool:
        """Send what the client waits for; if that is more than it takes, the session is over."""
        data = encode(packet, self.version)
        if self._out_within_limit(data):
            return True
        msg = f"the answer has {len(data)} bytes, over the client's Maximum Packet Size"
        self.error = RemoteProtocolError(msg, ReasonCode.PACKET_TOO_LARGE)
        return False

    def _out_within_limit(self, *choices: bytes) -> bool:
        """Send the first of some packets that the client takes; False when it takes none."""
        for data in choices:
            if self._peer_max_packet is None or len(data) <= self._peer_max_packet:
                self._out += data
                return True
        return False


_Handler = Callable[[ServerSession, Any], None]
_HANDLERS_3: dict[type, _Handler] = {
    Puback: ServerSession._on_puback,  # noqa: SLF001 - the table of this class
    Pubrel: ServerSession._on_pubrel,  # noqa: SLF001
    Pingreq: ServerSession._on_pingreq,  # noqa: SLF001
    Disconnect: ServerSession._on_disconnect,  # noqa: SLF001
    **dict.fromkeys(
        (Connect, Connack, Pubrec, Pubcomp, Suback, Unsuback, Pingresp, Auth),
        ServerSession._on_wrong_packet,  # noqa: SLF001
    ),
}
_HANDLERS_5: dict[type, _Handler] = {
    **_HANDLERS_3,
    Publish: ServerSession._on_publish_5,  # noqa: SLF001
    Subscribe: ServerSession._on_subscribe,  # noqa: SLF001
}
