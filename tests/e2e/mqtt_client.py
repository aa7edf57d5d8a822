"""A small MQTT 3.1.1 client written from the standard, independent of the server's codec.

It publishes with QoS 1 and remembers which publishes were acknowledged, in order.
"""

import socket
import struct

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 0x20, 0x30, 0x40, 0x90, 0xD0


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack(">H", len(raw)) + raw


def packet(first_byte: int, body: bytes) -> bytes:
    length, encoded = len(body), bytearray()
    while True:
        length, digit = divmod(length, 128)
        encoded.append(digit | (0x80 if length else 0))
        if not length:
            return bytes([first_byte]) + bytes(encoded) + body


def connect(username: str | None, client_id: str = "", *, keep_alive_s: int = 60) -> bytes:
    flags = 0x02 | (0x80 if username is not None else 0)
    body = text("MQTT") + bytes([4, flags]) + struct.pack(">H", keep_alive_s) + text(client_id)
    return packet(0x10, body + (text(username) if username is not None else b""))


def publish(topic: str, payload: bytes, packet_id: int | None = None) -> bytes:
    """QoS 1 with a packet id, else QoS 0."""
    if packet_id is None:
        return packet(PUBLISH, text(topic) + payload)
    return packet(PUBLISH | 0x02, text(topic) + struct.pack(">H", packet_id) + payload)


class Client:
    """One blocking connection."""

    def __init__(self, port: int, username: str | None, client_id: str = "") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._buffer = bytearray()
        try:
            self.socket.sendall(connect(username, client_id))
            kind, body = self.read()
            assert kind == CONNACK
        except BaseException:
            self.socket.close()
            raise
        self.return_code = body[1]
        self.acknowledged: list[int] = []

    def publish(self, topic: str, payload: bytes, packet_id: int) -> None:
        self.socket.sendall(publish(topic, payload, packet_id))

    def read_ack(self) -> int:
        """Wait for the next PUBACK and return its packet id.

        Raises:
            ConnectionError: the server closed the connection.
        """
        while True:
            kind, body = self.read()
            if kind == PUBACK:
                packet_id: int = struct.unpack(">H", body[:2])[0]
                self.acknowledged.append(packet_id)
                return packet_id

    def read(self) -> tuple[int, bytes]:
        """Wait for one packet; returns (type in the high four bits, body)."""
        while True:
            parsed = self._parse()
            if parsed is not None:
                return parsed
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("closed by the server")
            self._buffer += data

    def _parse(self) -> tuple[int, bytes] | None:
        length = shift = 0
        for index, byte in enumerate(self._buffer[1:5], start=1):
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                end = index + 1 + length
                if len(self._buffer) < end:
                    return None
                kind, body = self._buffer[0] & 0xF0, bytes(self._buffer[index + 1 : end])
                del self._buffer[:end]
                return kind, body
        return None

    def close(self) -> None:
        self.socket.close()
