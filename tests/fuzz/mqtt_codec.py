"""The codec and both sessions against damaged streams, in one process, without a socket."""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from fieldline.protocols.mqtt import packets as p
from fieldline.protocols.mqtt.client import ClientOptions, ClientSession
from fieldline.protocols.mqtt.errors import RemoteProtocolError
from fieldline.protocols.mqtt.handshake import SessionLimits
from fieldline.protocols.mqtt.inbox import Inbox
from fieldline.protocols.mqtt.reader import PacketReader
from fieldline.protocols.mqtt.reason_codes import ReasonCode
from fieldline.protocols.mqtt.session import ServerSession, State
from tests.fuzz.mqtt_streams import CONNECTS, FROM_CLIENT, FROM_SERVER, PACKETS, Streams
from tests.protocols.mqtt.invariants import check

LIMITS = SessionLimits(
    max_remaining_length=1_000,
    receive_maximum=5,
    topic_alias_maximum=3,
    max_unacknowledged=3,
    max_queued=4,
    max_queued_bytes=200,
    max_held_bytes=500,
)
STEPS = 12
"""What one session goes through at the most: pieces of the peer, answers, time."""


@dataclass
class Found:
    """What a run found: each kind of failure once, with the streams that lead to it."""

    rounds: int = 0
    failures: dict[str, str] = field(default_factory=dict)

    def report(self) -> str:
        """Say what was done and found."""
        lines = [f"{self.rounds} rounds, {len(self.failures)} kinds of failures"]
        return "\n".join([*lines, *self.failures.values()])


def fuzz_codec(seed: int, *, rounds: int = 0, seconds: float = 0) -> Found:
    """Fuzz for a number of rounds, or for some seconds."""
    found, streams, until = Found(), Streams(seed), time.monotonic() + seconds
    while found.rounds < rounds or time.monotonic() < until:
        found.rounds += 1
        for target in TARGETS:
            said: list[str] = []
            try:
                target(streams, said)
            except Exception as error:  # noqa: BLE001 - this is what is looked for
                frame = traceback.extract_tb(error.__traceback__)[-1]
                kind = f"{target.__name__} {type(error).__name__} {frame.filename}:{frame.lineno}"
                steps = "\n".join(said)
                trace = "".join(traceback.format_exception(error))
                found.failures.setdefault(
                    kind, f"round {found.rounds} of seed {seed}:\n{steps}\n{trace}"
                )
    return found


def _reader(streams: Streams, said: list[str]) -> None:
    version = streams.random.choice((0, 3, 4, 5))
    of = version or streams.random.choice((3, 4, 5))
    stream = streams.stream(PACKETS[of])
    if not version:
        stream = streams.perhaps_damaged(streams.random.choice(CONNECTS[of])) + stream
    cuts = streams.cuts(stream)
    said.append(f"version {version}, cut at {cuts}: {stream.hex()}")

    check(stream, version, cuts)


def _server(streams: Streams, said: list[str]) -> None:
    """A client that says anything, and a platform that answers as it should, or late."""
    version = streams.random.choice((3, 4, 5))
    connect = streams.random.choice(CONNECTS[version])
    if streams.random.random() < 0.3:
        connect = streams.perhaps_damaged(connect)
    said_then = FROM_CLIENT if streams.random.random() < 0.8 else PACKETS
    pieces = streams.pieces(connect + streams.stream(said_then[version], 20))
    talk = ServerTalk(streams)
    for piece in pieces[:STEPS]:
        said.append(piece.hex())
        talk.hears(piece)
        talk.goes_on()
        talk.holds()
        if talk.session.state is State.CLOSED:
            break
    talk.ends()


class ServerTalk:
    """A server's session with its caller; asserts what must hold after each step."""

    def __init__(self, streams: Streams) -> None:
        self.random = streams.random
        self.now_ms = 0
        self.session = ServerSession(LIMITS, 0)
        self.owed: list[p.Publish] = []
        self.peer: PacketReader | None = None
        self.told = 0

    def hears(self, piece: bytes) -> None:
        for packet in self.session.receive(piece, self.now_ms):
            self.takes(packet)

    def takes(self, packet: p.Packet) -> None:
        session = self.session
        if isinstance(packet, p.Connect):
            assert session.state is State.AUTHENTICATING
        elif isinstance(packet, p.Publish) and packet.qos:
            if packet.qos == 1 or session.begin_once(packet.packet_id):
                self.owed.append(packet)
        elif isinstance(packet, p.Subscribe):
            session.answer_subscribe(packet.packet_id, [0x80] * len(packet.subscriptions))
        elif isinstance(packet, p.Unsubscribe):
            session.answer_unsubscribe(packet.packet_id, [0x11] * len(packet.topic_filters))

    def goes_on(self) -> None:
        """Do what a platform may do now."""
        session, random = self.session, self.random
        is_asked = session.state is State.AUTHENTICATING and session.error is None
        if is_asked and random.random() < 0.8 and session.accept("assigned", self.now_ms):
            self.hears(b"")
        while self.owed and random.random() < 0.7 and session.state is State.CONNECTED:
            self.answers(self.owed.pop(0))
        if session.state is State.CONNECTED and session.error is None and random.random() < 0.5:
            self.publishes(random.choice((0, 50, 120)), random.randrange(2))
        self.now_ms += random.choice((0, 0, 0, 1_000, 20_000))
        late = session.expire(self.now_ms)
        if late is not None:
            session.close(late.reason_code, str(late))

    def publishes(self, size: int, qos: int) -> None:
        session = self.session
        try:
            session.publish("t", b"x" * size, qos, self.tell)
        except RemoteProtocolError as error:
            if error.reason_code is not ReasonCode.QUOTA_EXCEEDED:
                raise
            session.close(error.reason_code, str(error))

    def answers(self, packet: p.Publish) -> None:
        is_failure = self.random.random() < 0.3
        code = ReasonCode.PAYLOAD_FORMAT_INVALID if is_failure else ReasonCode.SUCCESS
        if packet.qos == 2:
            self.session.received(packet.packet_id, code)
        elif is_failure:
            self.session.acknowledge_failed(packet.packet_id, code)
        else:
            self.session.acknowledge([packet.packet_id])

    def tell(self) -> None:
        self.told += 1

    def holds(self) -> None:
        """Assert that what is kept is bounded, and that the peer can read what it hears."""
        session = self.session
        assert len(session._queued) <= LIMITS.max_queued
        assert session._queued_bytes <= LIMITS.max_queued_bytes
        assert len(session._unacknowledged) <= LIMITS.max_unacknowledged
        assert len(session._aliases) <= LIMITS.topic_alias_maximum
        assert session.version != p.MQTT_5 or len(session._once) <= LIMITS.receive_maximum
        room = max(LIMITS.max_remaining_length + 5, LIMITS.max_held_bytes)
        assert session.error is not None or session._reader.held_bytes <= room
        self.is_understood(session.data_to_send())

    def is_understood(self, data: bytes) -> None:
        if not data or not self.session.version:
            return  # a CONNACK that only says which versions there are
        if self.peer is None:
            self.peer = PacketReader(self.session.version)
        for packet in self.peer.feed(data):
            assert isinstance(packet, p.Connack) or self.session.connect is not None
        assert self.peer.error is None, self.peer.error
        assert self.peer.held_bytes == 0

    def ends(self) -> None:
        """Close as a caller does, and assert that nothing is said or heard any more."""
        error = self.session.error
        self.session.close(error.reason_code if error else ReasonCode.SERVER_SHUTTING_DOWN, "end")
        self.is_understood(self.session.data_to_send())
        assert self.session.receive(b"\xc0\x00", self.now_ms) == []
        assert self.session.data_to_send() == b""


def _client(streams: Streams, said: list[str]) -> None:
    """A server that says anything to a client of ours, over two connections of one session."""
    version = streams.random.choice((3, 4, 5))
    inbox = Inbox()
    options = ClientOptions(
        p.Connect("c", version, keep_alive_s=10),
        (p.Subscription("a/b", 1), p.Subscription("c/d", 2)),
        former=("e",),
        max_packet_bytes=1_000,
    )
    connack = "20 03 01 00 00" if version == p.MQTT_5 else "20 02 01 00"
    for _ in range(2):
        session = ClientSession(options, inbox, 0)
        peer = PacketReader()
        stream = bytes.fromhex(connack) if streams.random.random() < 0.8 else b""
        suback = "90 05 0001 00 01 8F" if version == p.MQTT_5 else "90 04 0001 01 80"
        if streams.random.random() < 0.8:
            stream += streams.perhaps_damaged(bytes.fromhex(suback))
        said_then = FROM_SERVER if streams.random.random() < 0.8 else PACKETS
        stream += streams.stream(said_then[version], 20)
        for piece in streams.pieces(stream)[:STEPS]:
            said.append(piece.hex())
            for _, incoming in session.receive(piece, 0):
                if incoming is not None and streams.random.random() < 0.8:
                    inbox.stored(incoming)
            session.answer(0)
            session.expire(streams.random.choice((0, 0, 10_000, 60_000)))
            _is_read(peer, session.data_to_send())
            assert session._reader.held_bytes <= 1_005
        session.disconnect(0, forget=streams.random.random() < 0.5)
        _is_read(peer, session.data_to_send())
        inbox.disconnected()


def _is_read(peer: PacketReader, data: bytes) -> None:
    found: list[p.Packet] = peer.feed(data)
    while found:
        found = peer.feed(b"")
    assert peer.error is None, peer.error
    assert peer.held_bytes == 0


TARGETS: tuple[Callable[[Streams, list[str]], None], ...] = (_reader, _server, _client)
