"""Finds packets in a stream of bytes, however it was cut.

Source: OASIS MQTT 5.0 section 2.1 (fixed header).
"""

from fieldline.protocols.mqtt.decoder import decode, decode_publish
from fieldline.protocols.mqtt.errors import RemoteProtocolError
from fieldline.protocols.mqtt.packets import Connect, Packet
from fieldline.protocols.mqtt.reason_codes import ReasonCode
from fieldline.protocols.mqtt.wire import MAX_VARIABLE_INTEGER

_PUBLISH = 3
_CONNECT = 0x10
_INCOMPLETE = -1


class PacketReader:
    """Turns what a socket delivers into packets.

    Never raises for what the peer sent: the packets before a bad one are returned, ``error`` says
    what was wrong, and from then on nothing more is read.

    Args:
        version: the protocol level; 0 on a server, which learns it from the CONNECT.
        max_remaining_length: largest variable header + payload in bytes.
    """

    __slots__ = ("_max_remaining_length", "_needed", "_rest", "error", "version")

    def __init__(self, version: int = 0, max_remaining_length: int = MAX_VARIABLE_INTEGER) -> None:
        self.version = version
        self.error: RemoteProtocolError | None = None
        self._max_remaining_length = max_remaining_length
        self._rest = bytearray()
        self._needed = 0

    @property
    def held_bytes(self) -> int:
        """How many bytes wait for the rest of their packet, or for :meth:`feed` to go on."""
        return len(self._rest)

    def hold(self, data: bytes) -> None:
        """Keep bytes for a later :meth:`feed`, without looking at them."""
        self._rest += data
        self._needed = 0

    def feed(self, data: bytes) -> list[Packet]:
        """Return the packets that are complete now.

        Stops behind a CONNECT, which decides how to go on: feed ``b""`` to read what follows it.
        """
        if self.error is not None:
            return []
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return []
            data = bytes(self._rest)
            self._rest.clear()
        packets: list[Packet] = []
        try:
            position = self._read(data, packets)
        except RemoteProtocolError as error:
            self.error = error
            return packets
        if position < len(data):
            self._rest += data[position:] if position else data
        return packets

    def _read(self, data: bytes, packets: list[Packet]) -> int:
        """Append the complete packets of ``data``; return where the incomplete one begins."""
        end = len(data)
        position = 0
        version = self.version
        self._needed = 0
        if not version and end and data[0] != _CONNECT:
            # Said at the first byte: who speaks another protocol need not wait for a time-out.
            msg = "the first packet is not a CONNECT"
            raise RemoteProtocolError(msg, ReasonCode.PROTOCOL_ERROR)
        while end - position >= 2:
            first = data[position]
            length = data[position + 1]
            body = position + 2
            if length >= 0x80:
                length, body = _long_length(data, position + 1, end)
                if length == _INCOMPLETE:
                    return position
            if length > self._max_remaining_length:
                raise self._too_large(length)
            stop = body + length
            if stop > end:
                self._needed = stop - position
                return position
            if first >> 4 == _PUBLISH:
                packets.append(decode_publish(first, data, body, stop, version))
            else:
                packet = self._decode_other(first, data, body, stop)
                packets.append(packet)
                if type(packet) is Connect:
                    return stop
            position = stop
        return position

    def _decode_other(self, first: int, data: bytes, body: int, stop: int) -> Packet:
        packet = decode(first, data, body, stop, self.version)
        if type(packet) is Connect and not self.version:
            self.version = packet.version
        return packet

    def _too_large(self, length: int) -> RemoteProtocolError:
        msg = f"a packet of {length} bytes; at most {self._max_remaining_length} are taken"
        return RemoteProtocolError(msg, ReasonCode.PACKET_TOO_LARGE)


def _long_length(data: bytes, position: int, end: int) -> tuple[int, int]:
    """Return the remaining length and where the body begins, or _INCOMPLETE."""
    value = 0
    for index, shift in enumerate((0, 7, 14, 21)):
        at = position + index
        if at >= end:
            return _INCOMPLETE, 0
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if not byte:
                raise RemoteProtocolError("a remaining length is longer than needed")
            return value, at + 1
    raise RemoteProtocolError("a remaining length has more than four bytes")
