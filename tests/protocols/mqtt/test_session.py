"""The server's session, scripted: bytes in, packets and bytes out, time as told."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldline.protocols.mqtt import packets as p
from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.errors import RemoteProtocolError
from fieldline.protocols.mqtt.handshake import SessionLimits
from fieldline.protocols.mqtt.properties import Properties
from fieldline.protocols.mqtt.reader import PacketReader
from fieldline.protocols.mqtt.reason_codes import ReasonCode
from fieldline.protocols.mqtt.session import ServerSession, State

LIMITS = SessionLimits(receive_maximum=3, topic_alias_maximum=2, max_unacknowledged=2, max_queued=2)


class Peer:
    """A client and the session that it talks to."""

    def __init__(self, version: int = 5, limits: SessionLimits = LIMITS) -> None:
        self.version = version
        self.session = ServerSession(limits, 0)
        self.reader = PacketReader(version)

    def send(self, *packets: p.Packet, now_ms: int = 0) -> list[p.Packet]:
        data = b"".join(encode(packet, self.version) for packet in packets)
        return self.session.receive(data, now_ms)

    def heard(self) -> list[p.Packet]:
        return self.reader.feed(self.session.data_to_send())

    def connect(self, **fields: object) -> p.Connack:
        self.send(p.Connect(**{"client_id": "c", "version": self.version, **fields}))  # type: ignore[arg-type]
        self.session.accept("assigned", 0)
        [connack] = self.heard()
        assert isinstance(connack, p.Connack)
        return connack

    @property
    def error_code(self) -> ReasonCode | None:
        return None if self.session.error is None else self.session.error.reason_code


def refused(version: int, **fields: object) -> list[p.Packet]:
    """Connect wrongly and return what the client hears."""
    peer = Peer(version)
    passed_on = peer.send(p.Connect(**{"client_id": "c", "version": version, **fields}))  # type: ignore[arg-type]
    assert passed_on == []
    assert peer.session.error is not None
    peer.session.close(peer.session.error.reason_code)
    return peer.heard()


@pytest.mark.parametrize("version", [3, 4])
def test_an_mqtt_3_connack_says_only_success(version: int) -> None:
    assert Peer(version).connect(keep_alive_s=10) == p.Connack()


def test_an_mqtt_5_connack_names_the_limits() -> None:
    connack = Peer().connect(keep_alive_s=10)

    assert connack == p.Connack(
        properties=Properties(
            receive_maximum=3,
            retain_available=0,
            maximum_packet_size=65_540,
            topic_alias_maximum=2,
            subscription_identifier_available=0,
            shared_subscription_available=0,
        )
    )


def test_an_mqtt_5_client_without_id_and_keep_alive_is_given_both() -> None:
    connack = Peer().connect(client_id="", properties=Properties(session_expiry_interval=60))

    assert connack.properties["assigned_client_identifier"] == "assigned"
    assert connack.properties["server_keep_alive"] == 400
    assert connack.properties["session_expiry_interval"] == 0
    assert not connack.session_present


def test_no_session_is_present_even_if_the_client_wants_one() -> None:
    assert not Peer(4).connect(clean_start=False).session_present


@pytest.mark.parametrize(
    ("version", "fields", "code"),
    [
        (3, {"client_id": ""}, 2),
        (3, {"client_id": "x" * 24}, 2),
        (4, {"client_id": "", "clean_start": False}, 2),
        (5, {"properties": Properties(authentication_method="SCRAM")}, 0x8C),
        (5, {"will": p.Will("a", b"", 0, True)}, 0x9A),
    ],
)
def test_refuses_a_connect_that_asks_too_much(
    version: int, fields: dict[str, object], code: int
) -> None:
    assert refused(version, **fields) == [p.Connack(code)]


@pytest.mark.parametrize(("level", "answer"), [(2, "20020001"), (9, "2003008400")])
def test_names_the_version_problem_to_a_foreign_client(level: int, answer: str) -> None:
    session = ServerSession(LIMITS, 0)

    session.receive(bytes.fromhex(f"100D00044D515454{level:02X}02003C000161"), 0)
    assert session.error is not None
    session.close(session.error.reason_code)

    assert session.data_to_send().hex() == answer


def test_nothing_is_said_to_a_peer_that_does_not_speak_mqtt() -> None:
    session = ServerSession(LIMITS, 0)

    assert session.receive(b"GET / HTTP/1.1\r\n\r\n", 0) == []
    session.close(ReasonCode.MALFORMED_PACKET)

    assert session.error is not None
    assert session.data_to_send() == b""


def test_what_follows_connect_is_held_until_it_is_accepted() -> None:
    peer = Peer(4)
    publish = p.Publish("t", b"1", 1, 7)

    first = peer.send(p.Connect("c", 4), publish)
    second = peer.send(publish)
    peer.session.accept("", 0)

    assert [type(packet) for packet in first] == [p.Connect]
    assert second == []
    assert peer.session.receive(b"", 0) == [publish, publish]


def test_too_much_before_the_connack_is_refused() -> None:
    peer = Peer(5, replace(LIMITS, max_held_bytes=100))

    peer.send(p.Connect("c", 5), p.Publish("t", b"x" * 200))
    peer.send(p.Publish("t", b"x" * 200))

    assert peer.error_code is ReasonCode.QUOTA_EXCEEDED


@pytest.mark.parametrize(
    "packet",
    [
        p.Connect("c", 5),
        p.Connack(),
        p.Suback(1, [0]),
        p.Unsuback(1, [0]),
        p.Pingresp(),
        p.Pubrec(1),
        p.Pubcomp(1),
        p.Auth(),
    ],
)
def test_packets_out_of_place_are_protocol_errors(packet: p.Packet) -> None:
    peer = Peer()
    peer.connect()

    passed_on = peer.send(p.Pingreq(), packet, p.Pingreq())

    assert passed_on == [p.Pingreq()]
    assert peer.error_code is ReasonCode.PROTOCOL_ERROR
    assert peer.send(p.Pingreq()) == []


@pytest.mark.parametrize(
    ("packet", "code"),
    [
        (p.Publish("t", retain=True), ReasonCode.RETAIN_NOT_SUPPORTED),
        (p.Publish("t", properties=Properties(topic_alias=3)), ReasonCode.TOPIC_ALIAS_INVALID),
        (p.Publish("", properties=Properties(topic_alias=1)), ReasonCode.PROTOCOL_ERROR),
        (
            p.Publish("t", properties=Properties(subscription_identifiers=[1])),
            ReasonCode.PROTOCOL_ERROR,
        ),
        (
            p.Subscribe(1, [p.Subscription("a")], Properties(subscription_identifiers=[1])),
            ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
        ),
        (p.Disconnect(0, Properties(session_expiry_interval=1)), ReasonCode.PROTOCOL_ERROR),
    ],
)
def test_mqtt_5_clients_are_held_to_what_they_were_told(packet: p.Packet, code: ReasonCode) -> None:
    peer = Peer()
    peer.connect()

    assert peer.send(packet) == []

    assert peer.error_code is code


def test_retain_of_mqtt_3_passes() -> None:
    peer = Peer(4)
    peer.connect()
    packets = [p.Publish("t", qos=1, packet_id=1, retain=True), p.Publish("t", retain=True)]

    assert peer.send(*packets) == packets


def test_a_topic_alias_stands_for_its_topic() -> None:
    peer = Peer()
    peer.connect()

    [_, second] = peer.send(
        p.Publish("long/topic", properties=Properties(topic_alias=2)),
        p.Publish("", b"x", properties=Properties(topic_alias=2)),
    )

    assert isinstance(second, p.Publish)
    assert second.topic == "long/topic"


def test_the_receive_maximum_counts_what_is_not_acknowledged() -> None:
    peer = Peer()
    peer.connect()
    publishes = [p.Publish("t", qos=1, packet_id=i) for i in range(1, 8)]

    assert len(peer.send(*publishes[:3])) == 3
    peer.session.acknowledge([1, 2])
    assert len(peer.send(*publishes[3:5])) == 2
    assert peer.send(publishes[5]) == []

    assert peer.error_code is ReasonCode.RECEIVE_MAXIMUM_EXCEEDED


def test_acknowledgements_are_written_together() -> None:
    peer = Peer()
    peer.connect()

    peer.session.acknowledge([1, 2])
    peer.session.acknowledge_failed(3, ReasonCode.PAYLOAD_FORMAT_INVALID)

    assert peer.heard() == [p.Puback(1), p.Puback(2), p.Puback(3, 0x99)]


def test_mqtt_3_has_plain_acknowledgements_only() -> None:
    peer = Peer(4)
    peer.connect()

    peer.session.acknowledge_failed(3, ReasonCode.PAYLOAD_FORMAT_INVALID)
    peer.session.answer_subscribe(4, [1, 0x80])
    peer.session.answer_unsubscribe(5, [0])

    assert peer.heard() == [p.Puback(3), p.Suback(4, [1, 0x80]), p.Unsuback(5)]


@pytest.mark.parametrize(("version", "code"), [(3, 0), (4, 0), (5, 0x92)])
def test_answers_ping_and_a_stray_pubrel(version: int, code: int) -> None:
    peer = Peer(version)
    peer.connect()

    peer.send(p.Pingreq(), p.Pubrel(9))

    assert peer.heard() == [p.Pingresp(), p.Pubcomp(9, code)]


@pytest.mark.parametrize("version", [3, 4, 5])
def test_a_message_of_qos_2_is_new_until_its_release(version: int) -> None:
    peer = Peer(version)
    peer.connect()

    assert peer.session.begin_once(7)
    assert not peer.session.begin_once(7)
    assert peer.heard() == []
    peer.session.received(7, ReasonCode.SUCCESS)
    assert not peer.session.begin_once(7)
    assert peer.heard() == [p.Pubrec(7), p.Pubrec(7)]
    peer.send(p.Pubrel(7))

    assert peer.heard() == [p.Pubcomp(7)]
    assert peer.session.begin_once(7)


@pytest.mark.parametrize(("version", "code"), [(4, 0), (5, 0x99)])
def test_a_refused_message_of_qos_2_is_finished_where_that_can_be_told(
    version: int, code: int
) -> None:
    peer = Peer(version)
    peer.connect()
    peer.session.begin_once(7)

    peer.session.received(7, ReasonCode.PAYLOAD_FORMAT_INVALID)

    assert peer.heard() == [p.Pubrec(7, code)]
    assert peer.session.begin_once(7) == (version == 5)


def test_a_release_before_the_message_was_received_is_wrong() -> None:
    peer = Peer()
    peer.connect()
    peer.send(p.Publish("t", qos=2, packet_id=7))
    peer.session.begin_once(7)

    peer.send(p.Pubrel(7))

    assert peer.error_code is ReasonCode.PROTOCOL_ERROR


def test_a_message_of_qos_2_counts_for_the_receive_maximum_until_its_release() -> None:
    peer = Peer()
    peer.connect()
    publishes = [p.Publish("t", qos=2, packet_id=i) for i in range(1, 6)]

    for publish in publishes[:3]:
        assert peer.send(publish) == [publish]
        peer.session.begin_once(publish.packet_id)
        peer.session.received(publish.packet_id, ReasonCode.SUCCESS)
    peer.send(p.Pubrel(1))
    assert peer.send(publishes[3]) == [publishes[3]]
    assert peer.send(publishes[4]) == []

    assert peer.error_code is ReasonCode.RECEIVE_MAXIMUM_EXCEEDED


def test_messages_wait_for_the_clients_window_and_keep_their_order() -> None:
    peer = Peer()
    peer.connect()

    for payload in (b"1", b"2", b"3", b"4"):
        peer.session.publish("t", payload, 1)
    first = peer.heard()
    peer.send(p.Puback(2), p.Puback(1), p.Puback(77))

    assert first == [p.Publish("t", b"1", 1, 1), p.Publish("t", b"2", 1, 2)]
    assert peer.heard() == [p.Publish("t", b"3", 1, 3), p.Publish("t", b"4", 1, 4)]


def test_the_clients_receive_maximum_narrows_the_window() -> None:
    peer = Peer()
    peer.connect(properties=Properties(receive_maximum=1))

    peer.session.publish("t", b"1", 1)
    peer.session.publish("t", b"2", 1)
    peer.session.publish("t", b"0", 0)

    assert peer.heard() == [p.Publish("t", b"1", 1, 1), p.Publish("t", b"0")]


def test_a_client_that_never_acknowledges_is_given_up() -> None:
    peer = Peer()
    peer.connect()
    for _ in range(4):
        peer.session.publish("t", b"", 1)

    with pytest.raises(RemoteProtocolError) as raised:
        peer.session.publish("t", b"", 1)

    assert raised.value.reason_code is ReasonCode.QUOTA_EXCEEDED


def test_packet_ids_go_round_without_meeting_one_in_use() -> None:
    peer = Peer(4, replace(LIMITS, max_unacknowledged=70_000))
    peer.connect()
    for _ in range(0xFFFF):
        peer.session.publish("t", b"", 1)
    peer.session.data_to_send()

    peer.send(p.Puback(5))
    peer.session.publish("t", b"", 1)

    assert peer.heard() == [p.Publish("t", b"", 1, 5)]


def test_a_message_over_the_clients_maximum_is_left_out() -> None:
    peer = Peer()
    peer.connect(properties=Properties(maximum_packet_size=40))

    peer.session.publish("t", b"x" * 40, 1)
    peer.session.publish("t", b"small", 1)

    assert peer.heard() == [p.Publish("t", b"small", 1, 2)]


def test_a_reason_that_is_too_long_for_the_client_is_left_out() -> None:
    peer = Peer()
    peer.connect(properties=Properties(maximum_packet_size=40))

    peer.session.close(ReasonCode.SERVER_SHUTTING_DOWN, "because " * 10)

    assert peer.heard() == [p.Disconnect(0x8B)]


@pytest.mark.parametrize("message", ["", "because " * 10])
def test_a_client_that_takes_no_connack_is_told_so_in_as_few_bytes_as_it_takes(
    message: str,
) -> None:
    peer = Peer()
    peer.send(p.Connect("c", 5, properties=Properties(maximum_packet_size=5)))

    assert not peer.session.accept("", 0)
    assert peer.error_code is ReasonCode.PACKET_TOO_LARGE
    peer.session.close(ReasonCode.PACKET_TOO_LARGE, message)

    assert peer.heard() == [p.Connack(0x95)]


def test_a_client_that_takes_no_packet_at_all_hears_nothing() -> None:
    peer = Peer()
    peer.send(p.Connect("c", 5, properties=Properties(maximum_packet_size=1)))

    peer.session.accept("", 0)
    peer.session.close(ReasonCode.PACKET_TOO_LARGE)

    assert peer.session.data_to_send() == b""


def test_a_suback_over_the_clients_maximum_is_not_sent() -> None:
    peer = Peer()
    peer.connect(properties=Properties(maximum_packet_size=40))

    peer.session.answer_subscribe(1, [0] * 35)
    fits = peer.heard()
    peer.session.answer_subscribe(2, [0] * 36)

    assert fits == [p.Suback(1, [0] * 35)]
    assert peer.session.data_to_send() == b""
    assert peer.error_code is ReasonCode.PACKET_TOO_LARGE


@pytest.mark.parametrize(("keep_alive_s", "limit_ms"), [(10, 15_000), (0, 600_000)])
def test_silence_ends_the_connection(keep_alive_s: int, limit_ms: int) -> None:
    peer = Peer(4)
    peer.connect(keep_alive_s=keep_alive_s)
    peer.send(p.Pingreq(), now_ms=1_000)

    assert peer.session.expire(1_000 + limit_ms - 1) is None
    error = peer.session.expire(1_000 + limit_ms)

    assert error is not None
    assert error.reason_code is ReasonCode.KEEP_ALIVE_TIMEOUT


def test_a_client_whose_socket_was_not_read_is_not_overdue() -> None:
    peer = Peer(4)
    peer.connect(keep_alive_s=10)

    peer.session.heard(100_000)

    assert peer.session.expire(114_999) is None


def test_connect_and_its_answer_have_their_time() -> None:
    peer = Peer(4)

    early, late = peer.session.expire(9_999), peer.session.expire(10_000)
    peer.send(p.Connect("c", 4), now_ms=9_000)
    waiting, too_long = peer.session.expire(38_999), peer.session.expire(39_000)

    assert (early, waiting) == (None, None)
    assert late is not None
    assert too_long is not None
    assert too_long.reason_code is ReasonCode.SERVER_UNAVAILABLE


def test_nothing_is_read_after_disconnect() -> None:
    peer = Peer()
    peer.connect()

    passed_on = peer.send(p.Pingreq(), p.Disconnect(), p.Pingreq())

    assert passed_on == [p.Pingreq(), p.Disconnect()]
    assert peer.session.state is State.CLOSED
    assert peer.send(p.Pingreq()) == []
    assert peer.session.expire(10**9) is None


def test_mqtt_3_closes_without_a_word() -> None:
    peer = Peer(4)
    peer.connect()

    peer.session.close(ReasonCode.SESSION_TAKEN_OVER, "elsewhere")

    assert peer.heard() == []


@given(st.binary(max_size=300), st.sampled_from([None, 3, 4, 5]))
def test_whatever_comes_nothing_is_raised(data: bytes, version: int | None) -> None:
    peer = Peer(version or 4)
    if version is not None:
        peer.connect()

    peer.session.receive(data, 0)
    peer.session.close(ReasonCode.MALFORMED_PACKET, "wrong")

    assert peer.session.state is State.CLOSED
