"""The data types of the wire: integers, text, binary data, variable byte integers.

Source: OASIS MQTT 5.0 section 1.5.
"""

from fieldline.protocols.mqtt.errors import LocalProtocolError, RemoteProtocolError
from fieldline.protocols.mqtt.reason_codes import ReasonCode

MAX_VARIABLE_INTEGER = 268_435_455
MAX_STRING_BYTES = 65_535


class Cursor:
    """Reads one packet's body from front to back; every read checks what is left."""

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes, position: int, end: int) -> None:
        self._data = data
        self._position = position
        self._end = end

    @property
    def position(self) -> int:
        return self._position

    @property
    def is_at_end(self) -> bool:
        return self._position == self._end

    def take(self, count: int) -> bytes:
        start = self._position
        end = start + count
        if end > self._end:
            raise RemoteProtocolError("a field reaches beyond the end of its packet")
        self._position = end
        return self._data[start:end]

    def rest(self) -> bytes:
        return self.take(self._end - self._position)

    def byte(self) -> int:
        return self.take(1)[0]

    def uint16(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def uint32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def packet_id(self) -> int:
        value = self.uint16()
        if value == 0:
            raise RemoteProtocolError("packet id 0 is not allowed", ReasonCode.PROTOCOL_ERROR)
        return value

    def variable_integer(self) -> int:
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if byte == 0 and shift:
                    raise RemoteProtocolError("a variable byte integer is longer than needed")
                return value
        raise RemoteProtocolError("a variable byte integer has more than four bytes")

    def binary(self) -> bytes:
        return self.take(self.uint16())

    def text(self) -> str:
        return decode_text(self.binary())

    def split(self, length: int) -> "Cursor":
        """Return a cursor over the next ``length`` bytes and step over them."""
        start = self._position
        self.take(length)
        return Cursor(self._data, start, start + length)


def decode_text(raw: bytes) -> str:
    """Decode an MQTT string's bytes: well-formed UTF-8 without U+0000."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise RemoteProtocolError("a string is not well-formed UTF-8") from error
    if "\0" in text:
        raise RemoteProtocolError("a string holds U+0000")
    return text


def uint16(value: int) -> bytes:
    """Encode two bytes."""
    if not 0 <= value <= 0xFFFF:
        msg = f"{value} does not fit in two bytes"
        raise LocalProtocolError(msg)
    return value.to_bytes(2, "big")


def uint32(value: int) -> bytes:
    """Encode four bytes."""
    if not 0 <= value <= 0xFFFF_FFFF:
        msg = f"{value} does not fit in four bytes"
        raise LocalProtocolError(msg)
    return value.to_bytes(4, "big")


def byte(value: int) -> bytes:
    """Encode one byte."""
    if not 0 <= value <= 0xFF:
        msg = f"{value} does not fit in one byte"
        raise LocalProtocolError(msg)
    return value.to_bytes(1, "big")


def variable_integer(value: int) -> bytes:
    """Encode one to four bytes, seven bits each, lowest first."""
    if not 0 <= value <= MAX_VARIABLE_INTEGER:
        msg = f"{value} does not fit in a variable byte integer (at most {MAX_VARIABLE_INTEGER})"
        raise LocalProtocolError(msg)
    encoded = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        if not value:
            encoded.append(low)
            return bytes(encoded)
        encoded.append(low | 0x80)


def binary(value: bytes) -> bytes:
    """Encode bytes behind their length."""
    if len(value) > MAX_STRING_BYTES:
        msg = f"{len(value)} bytes do not fit in a field of at most {MAX_STRING_BYTES}"
        raise LocalProtocolError(msg)
    return len(value).to_bytes(2, "big") + value


def text(value: str) -> bytes:
    """Encode a string behind its length."""
    if "\0" in value:
        raise LocalProtocolError("a string may not hold U+0000")
    try:
        return binary(value.encode())
    except UnicodeEncodeError as error:
        raise LocalProtocolError("a string holds a lone surrogate") from error
