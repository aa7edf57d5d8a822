"""What holds of the codec for any bytes whatever; checked by properties here and by the fuzzer."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.errors import RemoteProtocolError
from fieldline.protocols.mqtt.packets import Connect, Packet
from fieldline.protocols.mqtt.reader import PacketReader

LIMIT = 1_000
"""Largest remaining length that is taken; what is longer must be refused by its header."""
LONGEST_HEADER = 5


@dataclass
class Reading:
    """What a reader made of a stream; ``most_held`` is the most that it kept between two reads."""

    packets: list[Packet] = field(default_factory=list)
    error: RemoteProtocolError | None = None
    version: int = 0
    most_held: int = 0

    def told(self) -> tuple[object, ...]:
        """Return all that must not depend on how the stream was cut."""
        error = self.error
        return self.packets, error and (type(error), str(error), error.reason_code), self.version


def read(stream: bytes, version: int, cuts: Iterable[int] = ()) -> Reading:
    """Read a stream that comes in pieces; version 0 is a server's, which learns it."""
    reader, reading = PacketReader(version, LIMIT), Reading()
    for start, end in pairwise([0, *sorted(cuts), len(stream)]):
        found = reader.feed(stream[start:end])
        while found:
            reading.packets += found
            found = reader.feed(b"")  # behind a CONNECT it goes on only when it is told to
        if reader.error is None:
            reading.most_held = max(reading.most_held, reader.held_bytes)
    reading.error, reading.version = reader.error, reader.version
    return reading


def check(stream: bytes, version: int, cuts: Iterable[int]) -> Reading:
    """Read a stream in pieces and assert everything that must hold; returns what was read.

    Nothing but the codec's own errors is raised, and none of those out of the reader; no more is
    kept than one packet; the pieces make no difference; and what was taken can be sent on.
    """
    in_pieces, at_once = read(stream, version, cuts), read(stream, version)

    assert in_pieces.told() == at_once.told()
    assert in_pieces.most_held < LIMIT + LONGEST_HEADER
    for packet in in_pieces.packets:
        check_stable(packet, packet.version if isinstance(packet, Connect) else in_pieces.version)
    return in_pieces


def check_stable(packet: Packet, version: int) -> None:
    """Assert that a packet that was read is written and read again as the same one."""
    written = encode(packet, version)
    again = PacketReader(0 if isinstance(packet, Connect) else version).feed(written)

    assert again == [packet]
    assert encode(again[0], version) == written
