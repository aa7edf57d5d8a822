"""The server's session against any order of what a client and the platform may do."""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fieldline.protocols.mqtt import packets as p
from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.errors import RemoteProtocolError
from fieldline.protocols.mqtt.handshake import SessionLimits
from fieldline.protocols.mqtt.properties import Properties
from fieldline.protocols.mqtt.reader import PacketReader
from fieldline.protocols.mqtt.reason_codes import ReasonCode
from fieldline.protocols.mqtt.session import ServerSession, State
from tests.protocols.mqtt.strategies import packets

LIMITS = SessionLimits(
    receive_maximum=3,
    topic_alias_maximum=2,
    max_unacknowledged=3,
    max_queued=4,
    max_queued_bytes=100,
    max_held_bytes=200,
)
LONG_ENOUGH = 25
"""Steps before something may end the session."""
sizes = st.sampled_from([1, 25, 40])
cuts = st.lists(st.integers(0, 500), max_size=3)
Message = tuple[str, bytes, int, int, bool]
messages: st.SearchStrategy[Message] = st.tuples(
    st.sampled_from(["a", "b/c"]),
    sizes.map(bytes),
    st.integers(0, 3),
    st.integers(0, 2),
    st.booleans(),
)
"""Topic, payload, packet id, topic alias, and whether the alias is used if it is known."""
Setup = tuple[int, int, int, int, bool]
setups: st.SearchStrategy[Setup] = st.tuples(
    st.sampled_from([5, 4, 3]),
    st.sampled_from([10, 60, 0]),
    st.integers(1, 5),
    st.sampled_from([10_000, 40, 40, 5]),
    st.booleans(),
)
"""Version, keep-alive in s, Receive Maximum, Maximum Packet Size, and whether it is let in now."""


@dataclass(eq=False)
class Sent:
    """A message of the platform with QoS 1; ``told`` is how often it was told of the PUBACK."""

    payload: bytes
    packet_id: int = 0
    told: int = 0

    def tell(self) -> None:
        self.told += 1

    def is_(self, packet: p.Packet) -> bool:
        return isinstance(packet, p.Publish) and packet.qos == 1 and packet.payload == self.payload


class SessionMachine(RuleBasedStateMachine):
    """A client and the platform, with a model of what each of them must get to know.

    ``due`` is what the client has to hear next, in this order; a message with QoS 1 stands there as
    what was sent, because the session chooses its packet id.
    """

    @initialize(setup=setups)
    def begin(self, setup: Setup) -> None:
        version, keep_alive_s, receive_maximum, max_packet, is_quick = setup
        self.version = version
        self.now_ms = self.steps = self.made = 0
        self.session = ServerSession(LIMITS, 0)
        self.reader = PacketReader(version)
        self.window = LIMITS.max_unacknowledged
        self.max_packet = 2**28
        properties = Properties()
        if version == p.MQTT_5:
            properties = Properties(receive_maximum=receive_maximum, maximum_packet_size=max_packet)
            self.window = min(self.window, receive_maximum)
            self.max_packet = max_packet
        self.connect = p.Connect("c", version, keep_alive_s=keep_alive_s, properties=properties)
        self.silence_ms = keep_alive_s * 1_500 or LIMITS.idle_timeout_ms
        self.deadline_ms = LIMITS.connect_timeout_ms
        self.aliases: dict[int, str] = {}
        self.early: list[p.Packet] = []
        self.unanswered: list[int] = []
        self.once: dict[int, bool] = {}
        self.due: list[p.Packet | Sent] = []
        self.waiting: deque[Sent] = deque()
        self.in_flight: list[Sent] = []
        if is_quick:
            self.client_connects([])
            self.platform_accepts()

    @precondition(lambda self: self.session.state is State.CLOSED)
    @rule(setup=setups)
    def another_client_comes(self, setup: Setup) -> None:
        self.begin(setup)

    # -- what the client does

    def say(self, packet: p.Packet, at: list[int]) -> list[p.Packet]:
        return self.deliver(encode(packet, self.version), at)

    def deliver(self, data: bytes, at: list[int]) -> list[p.Packet]:
        """Bring bytes to the session in pieces; nothing that a client does raises."""
        found: list[p.Packet] = []
        cut = sorted(each % (len(data) + 1) for each in at)
        for start, end in pairwise([0, *cut, len(data)]):
            found += self.session.receive(data[start:end], self.now_ms)
        if self.session.state is State.CONNECTED:
            self.deadline_ms = self.now_ms + self.silence_ms
        return found

    @precondition(lambda self: self.session.state is State.AWAITING_CONNECT)
    @rule(at=cuts)
    def client_connects(self, at: list[int]) -> None:
        assert self.say(self.connect, at) == [self.connect]
        self.deadline_ms = self.now_ms + LIMITS.authentication_timeout_ms

    @precondition(lambda self: self.session.state is State.AUTHENTICATING)
    @rule(size=sizes, at=cuts)
    def client_does_not_wait(self, size: int, at: list[int]) -> None:
        packet = p.Publish("early", self.payload(size))
        self.early.append(packet)
        held = sum(len(encode(each, self.version)) for each in self.early)
        assert self.say(packet, at) == []
        if held > LIMITS.max_held_bytes:
            self.must_have_failed(ReasonCode.QUOTA_EXCEEDED)

    @precondition(lambda self: self.is_open)
    @rule(messages=st.lists(messages, min_size=1, max_size=4), at=cuts)
    def client_publishes(self, messages: list[Message], at: list[int]) -> None:
        for message in messages:
            if self.is_open:
                self.client_publishes_one(message, at)

    def client_publishes_one(self, message: Message, at: list[int]) -> None:
        topic, payload, packet_id, alias, is_short = message
        properties = Properties()
        if self.version == p.MQTT_5 and alias:
            properties["topic_alias"] = alias
            is_short = is_short and alias in self.aliases
            topic = self.aliases[alias] if is_short else topic
            self.aliases[alias] = topic
        else:
            is_short = False
        qos = int(packet_id > 0)
        sent = p.Publish("" if is_short else topic, payload, qos, packet_id, properties=properties)

        found = self.say(sent, at)

        if self.version == p.MQTT_5 and qos and not self.has_room:
            assert found == []
            self.must_have_failed(ReasonCode.RECEIVE_MAXIMUM_EXCEEDED)
            return
        assert found == [p.Publish(topic, payload, qos, packet_id, properties=properties)]
        if qos:
            self.unanswered.append(packet_id)

    @precondition(lambda self: self.is_open and self.has_room)
    @rule(packet_id=st.integers(4, 7), is_dup=st.booleans(), at=cuts)
    def client_publishes_exactly_once(self, packet_id: int, is_dup: bool, at: list[int]) -> None:
        """New messages, and again ones that are not released: those are not handed on."""
        packet = p.Publish("a", b"x", 2, packet_id, dup=is_dup)

        assert self.say(packet, at) == [packet]
        assert self.session.begin_once(packet_id) == (packet_id not in self.once)

        if self.once.setdefault(packet_id, False):
            self.due.append(p.Pubrec(packet_id))

    @precondition(lambda self: self.is_open)
    @rule(packet_id=st.integers(4, 8), at=cuts)
    def client_releases(self, packet_id: int, at: list[int]) -> None:
        if self.once.get(packet_id) is False:
            return  # it does so only when it has the PUBREC
        is_known = self.once.pop(packet_id, None)
        packet = p.Pubrel(packet_id)

        assert self.say(packet, at) == [packet]

        code = 0 if is_known or self.version != p.MQTT_5 else ReasonCode.PACKET_IDENTIFIER_NOT_FOUND
        self.due.append(p.Pubcomp(packet_id, code))

    @precondition(lambda self: self.is_open and False in self.once.values())
    @rule(is_failure=st.booleans())
    def platform_receives(self, is_failure: bool) -> None:
        packet_id = next(each for each, is_recorded in self.once.items() if not is_recorded)
        code = ReasonCode.UNSPECIFIED_ERROR if is_failure else ReasonCode.SUCCESS
        self.session.received(packet_id, code)
        if is_failure and self.version == p.MQTT_5:
            del self.once[packet_id]
            self.due.append(p.Pubrec(packet_id, code))
        else:
            self.once[packet_id] = True
            self.due.append(p.Pubrec(packet_id))

    @precondition(lambda self: self.is_open and self.in_flight)
    @rule(numbers=st.lists(st.integers(0, 2), min_size=1, max_size=4), at=cuts)
    def client_acknowledges(self, numbers: list[int], at: list[int]) -> None:
        for number in numbers:
            if self.in_flight:
                self.client_acknowledges_one(number, at)
                self.hears_what_is_due()

    def client_acknowledges_one(self, number: int, at: list[int]) -> None:
        sent = self.in_flight.pop(number % len(self.in_flight))
        packet = p.Puback(sent.packet_id)

        assert self.say(packet, at) == [packet]
        assert sent.told == 1
        assert self.say(p.Puback(60_000), at) == [p.Puback(60_000)]
        self.send_what_waits()

    @precondition(lambda self: self.is_open)
    @rule(at=cuts)
    def client_pings(self, at: list[int]) -> None:
        assert self.say(p.Pingreq(), at) == [p.Pingreq()]
        self.due.append(p.Pingresp())

    @precondition(lambda self: self.is_open)
    @rule(packet_id=st.integers(1, 0xFFFF), count=st.integers(1, 60), at=cuts)
    def client_subscribes(self, packet_id: int, count: int, at: list[int]) -> None:
        packet = p.Subscribe(packet_id, [p.Subscription("a")] * count)
        answer = p.Suback(packet_id, [0] * count)

        assert self.say(packet, at) == [packet]
        self.session.answer_subscribe(packet_id, [0] * count)

        if self.is_too_large(answer):
            self.must_have_failed(ReasonCode.PACKET_TOO_LARGE)
        else:
            self.due.append(answer)

    @precondition(lambda self: self.is_open and self.steps > LONG_ENOUGH)
    @rule(alias=st.integers(LIMITS.topic_alias_maximum + 1, 0xFFFF))
    def client_sets_an_alias_too_many(self, alias: int) -> None:
        if self.version == p.MQTT_5:
            packet = p.Publish("a", properties=Properties(topic_alias=alias))
            assert self.say(packet, []) == []
            self.must_have_failed(ReasonCode.TOPIC_ALIAS_INVALID)

    @precondition(lambda self: self.is_open and self.steps > LONG_ENOUGH)
    @rule(data=st.data(), at=cuts)
    def client_says_anything(self, data: st.DataObject, at: list[int]) -> None:
        """Any packet, damaged or not: what comes out of it is open, but nothing raises."""
        damaged = bytearray(encode(data.draw(packets(self.version)), self.version))
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(0, 255))
        self.deliver(bytes(damaged), at)
        self.session.data_to_send()
        self.in_flight.clear()
        self.waiting.clear()
        self.close(ReasonCode.UNSPECIFIED_ERROR)

    @precondition(lambda self: self.is_open and self.steps > LONG_ENOUGH)
    @rule()
    def client_leaves(self) -> None:
        assert self.say(p.Disconnect(), []) == [p.Disconnect()]
        assert self.session.state is State.CLOSED
        assert self.say(p.Pingreq(), []) == []

    # -- what the platform does

    @precondition(lambda self: self.session.state is State.AUTHENTICATING)
    @rule()
    def platform_accepts(self) -> None:
        if self.session.error is not None:
            self.close(self.session.error.reason_code)
        elif self.session.accept("assigned", self.now_ms):
            self.deadline_ms = self.now_ms + self.silence_ms
            [connack] = self.reader.feed(self.session.data_to_send())
            assert isinstance(connack, p.Connack)
            assert (connack.code, connack.session_present) == (0, False)
            assert not self.is_too_large(connack)
            assert self.deliver(b"", []) == self.early
        else:
            assert self.version == p.MQTT_5
            self.must_have_failed(ReasonCode.PACKET_TOO_LARGE)

    @precondition(lambda self: self.is_open and self.unanswered)
    @rule(count=st.integers(1, 3), is_failure=st.booleans())
    def platform_acknowledges(self, count: int, is_failure: bool) -> None:
        ids, self.unanswered = self.unanswered[:count], self.unanswered[count:]
        if is_failure:
            for packet_id in ids:
                self.session.acknowledge_failed(packet_id, ReasonCode.PAYLOAD_FORMAT_INVALID)
        else:
            self.session.acknowledge(ids)
        is_told = is_failure and self.version == p.MQTT_5
        code = ReasonCode.PAYLOAD_FORMAT_INVALID if is_told else ReasonCode.SUCCESS
        self.due += [p.Puback(packet_id, code) for packet_id in ids]

    @precondition(lambda self: self.is_open)
    @rule(given=st.lists(sizes, min_size=1, max_size=5))
    def platform_publishes(self, given: list[int]) -> None:
        for size in given:
            self.publish(self.payload(size))

    def publish(self, payload: bytes) -> None:
        sent = Sent(payload)
        waiting = [each.payload for each in self.waiting]
        may_wait = (
            len(waiting) < LIMITS.max_queued
            and sum(map(len, waiting)) + len(payload) <= LIMITS.max_queued_bytes
        )
        has_room = len(self.in_flight) < self.window
        if has_room or may_wait:
            self.session.publish("t", payload, 1, sent.tell)
            self.waiting.append(sent)
            self.send_what_waits()
        else:
            with pytest.raises(RemoteProtocolError) as raised:
                self.session.publish("t", payload, 1, sent.tell)
            assert raised.value.reason_code is ReasonCode.QUOTA_EXCEEDED

    @precondition(lambda self: self.is_open)
    @rule(size=sizes)
    def platform_publishes_at_most_once(self, size: int) -> None:
        payload = self.payload(size)
        self.session.publish("t", payload, 0)
        packet = p.Publish("t", payload)
        if not self.is_too_large(packet):
            self.due.append(packet)

    @precondition(lambda self: self.is_open and self.steps > LONG_ENOUGH)
    @rule(code=st.sampled_from([ReasonCode.SERVER_SHUTTING_DOWN, ReasonCode.NOT_AUTHORIZED]))
    def platform_closes(self, code: ReasonCode) -> None:
        self.close(code)

    @precondition(lambda self: self.session.state is not State.CLOSED)
    @rule(passed_ms=st.integers(1, 9_000))
    def time_passes(self, passed_ms: int) -> None:
        self.now_ms += passed_ms
        error = self.session.expire(self.now_ms)
        is_late = self.session.state is not State.CLOSED and self.now_ms >= self.deadline_ms
        assert (error is not None) == is_late
        if error is not None:
            self.close(error.reason_code)

    # -- what holds

    @property
    def is_open(self) -> bool:
        return self.session.state is State.CONNECTED and self.session.error is None

    @property
    def has_room(self) -> bool:
        """Whether the client may publish one message more that is to be answered."""
        return len(self.unanswered) + len(self.once) < LIMITS.receive_maximum

    def payload(self, size: int) -> bytes:
        """Return a payload of about that size that no other message has."""
        self.made += 1
        return b"%d" % self.made + b" " * size

    def is_too_large(self, packet: p.Packet) -> bool:
        return len(encode(packet, self.version)) > self.max_packet

    def send_what_waits(self) -> None:
        """Note what the client's window has room for; what is too large for it is left out."""
        while self.waiting and len(self.in_flight) < self.window:
            sent = self.waiting.popleft()
            if not self.is_too_large(p.Publish("t", sent.payload, 1, 1)):
                self.in_flight.append(sent)
                self.due.append(sent)

    def must_have_failed(self, code: ReasonCode) -> None:
        """Check why the session failed, that it hears no more, and close it as a caller does."""
        assert self.session.error is not None
        assert self.session.error.reason_code is code
        assert self.session.receive(encode(p.Pingreq(), self.version), self.now_ms) == []
        self.hears_what_is_due()
        self.close(code)

    def close(self, code: ReasonCode) -> None:
        """Close, and check what is said of it: one packet at most, and nothing after it."""
        self.hears_what_is_due()
        state = self.session.state
        self.session.close(code, "because")
        said = self.reader.feed(self.session.data_to_send())
        assert len(said) <= 1
        for packet in said:
            assert not self.is_too_large(packet)
            if state is State.CONNECTED:
                assert isinstance(packet, p.Disconnect)
                assert (self.version, packet.code) == (p.MQTT_5, code)
            else:
                assert state is State.AUTHENTICATING
                assert isinstance(packet, p.Connack)
                assert packet.code
        self.session.close(code, "again")
        assert self.session.data_to_send() == b""

    @invariant()
    def hears_what_is_due(self) -> None:
        """The client hears exactly what it has to, in that order, in packets that it takes."""
        if not hasattr(self, "session"):
            return
        self.steps += 1
        assert self.session.has_data_to_send == bool(self.due)
        heard = self.reader.feed(self.session.data_to_send())
        assert self.reader.error is None
        assert len(heard) == len(self.due)
        for packet, due in zip(heard, self.due, strict=True):
            assert not self.is_too_large(packet)
            if isinstance(due, Sent):
                assert due.is_(packet)
                assert isinstance(packet, p.Publish)
                due.packet_id = packet.packet_id
            else:
                assert packet == due
        self.due.clear()
        ids = [sent.packet_id for sent in self.in_flight]
        assert len(set(ids)) == len(ids) <= self.window
        assert all(sent.told == 0 for sent in [*self.in_flight, *self.waiting])


TestSession = SessionMachine.TestCase
TestSession.settings = settings(deadline=None, stateful_step_count=60)
