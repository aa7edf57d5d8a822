"""Streams of MQTT: good packets, alone and in a row, and damaged ones.

With the same seed the same streams are made. What a packet is damaged by mostly keeps its header
right, so that the damage reaches what reads the body.
"""

from itertools import pairwise
from random import Random

from tests.protocols.mqtt.test_vectors import BOTH_WAYS


def packet_of(first: int, body: bytes) -> bytes:
    """Return a packet with the right length; written here, so as not to need the encoder."""
    length, left = bytearray(), len(body)
    while True:
        left, low = left >> 7, left & 0x7F
        length.append(low | (0x80 if left else 0))
        if not left:
            return bytes([first]) + bytes(length) + body


PACKETS = {
    version: [bytes.fromhex(text) for _, of, text, _ in BOTH_WAYS if of == version]
    for version in (3, 4, 5)
}
"""The standards' packets of each version; MQTT 3.1 has those of 3.1.1 too."""
PACKETS[3] += [each for each in PACKETS[4] if each[0] >> 4 != 1]
CONNECTS = {
    version: [each for each in found if each[0] >> 4 == 1] for version, found in PACKETS.items()
}
CONNECTS[5].append(bytes.fromhex("10 0E 0004 4D515454 05 02 003C 00 0001 63"))
_IDS = range(1, 6)


def _with_ids(kind: int, before: str, behind: str) -> list[bytes]:
    """Return a packet with each of a few ids, so that packets of a stream meet."""
    made = [
        bytes.fromhex(before) + each.to_bytes(2, "big") + bytes.fromhex(behind) for each in _IDS
    ]
    return [packet_of(kind, body) for body in made]


def _conversation(version: int, *kinds: int) -> list[bytes]:
    """Return packets of some types, those with ids more often."""
    properties = "00" if version == 5 else ""
    found = [each for each in PACKETS[version] if each[0] >> 4 in kinds]
    for kind in (0x32, 0x34, 0x3C):
        found += _with_ids(kind, "0001 61", properties)
    for kind in (4, 6):
        found += _with_ids(kind << 4 | (2 if kind == 6 else 0), "", "") if kind in kinds else []
    if version == 5:
        aliases = ("0001 61 03 23 0001", "0000 03 23 0001", "0001 62 03 23 0002", "0000 03 23 0002")
        found += [packet_of(0x30, bytes.fromhex(each)) for each in aliases]
    return found


FROM_CLIENT = {version: _conversation(version, 3, 4, 6, 8, 10, 12) for version in PACKETS}
"""What a client may say when it is connected, but for its good-bye."""
FROM_SERVER = {version: _conversation(version, 3, 6, 11, 13) for version in PACKETS}
"""What a server may say to a client that only subscribes, but for its good-bye."""
EDGES = (0x00, 0x01, 0x02, 0x7F, 0x80, 0xFF, ord("+"), ord("#"), ord("/"), ord("$"))
MAX_DAMAGES = 4


class Streams:
    """Makes streams; ``random`` may be used by whoever needs more of the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - it is to be the same again

    def stream(self, packets: list[bytes], most: int = 4) -> bytes:
        """Return some packets in a row, few of them damaged, or most."""
        chosen = self.random.choices(packets, k=self.random.randint(1, most))
        harm = self.random.choice((0.0, 0.1, 0.3, 1.0))
        damaged = (
            self.perhaps_damaged(each) if self.random.random() < harm else each for each in chosen
        )
        stream = b"".join(damaged)
        return self.damaged(stream) if self.random.random() < harm * 0.2 else stream

    def perhaps_damaged(self, packet: bytes) -> bytes:
        """Return a packet, or what is left of it; mostly with the right length."""
        choice = self.random.random()
        if choice < 0.4:
            return packet
        if choice < 0.5:
            return self.damaged(packet)
        first, body = packet[0], self.damaged(body_of(packet))
        if choice < 0.6:
            first ^= 1 << self.random.randrange(8)
        return packet_of(first, body)

    def damaged(self, data: bytes) -> bytes:
        """Return bytes with up to some damages."""
        changed = bytearray(data)
        for _ in range(self.random.randint(1, MAX_DAMAGES)):
            self._damage(changed)
        return bytes(changed)

    def _damage(self, data: bytearray) -> None:
        random = self.random
        at = random.randint(0, len(data))
        end = min(len(data), at + random.randint(1, 4))
        what = random.randrange(7)
        if what == 0 and at < len(data):
            data[at] ^= 1 << random.randrange(8)
        elif what == 1 and at < len(data):
            data[at] = random.choice(EDGES)
        elif what == 2:
            data[at:at] = random.randbytes(random.randint(1, 4))
        elif what == 3:
            del data[at:end]
        elif what == 4:
            data[at:at] = data[at:end] * random.choice((1, 2, 50))
        elif what == 5:
            other = random.choice(PACKETS[random.choice((3, 4, 5))])
            data[at:end] = other[random.randrange(len(other)) :]
        elif random.random() < 0.3:
            del data[at:]

    def pieces(self, stream: bytes) -> list[bytes]:
        """Cut a stream: not at all, here and there, or behind every byte."""
        return [stream[start:end] for start, end in pairwise([0, *self.cuts(stream), len(stream)])]

    def cuts(self, stream: bytes) -> list[int]:
        """Return where a stream is cut."""
        choice = self.random.random()
        if choice < 0.4:
            return []
        if choice < 0.5 and len(stream) < 500:
            return list(range(len(stream)))
        return sorted(self.random.choices(range(len(stream) + 1), k=self.random.randint(1, 6)))


def body_of(packet: bytes) -> bytes:
    """Return what stands behind a good packet's fixed header."""
    at = 1
    while packet[at] & 0x80:
        at += 1
    return packet[at + 1 :]
