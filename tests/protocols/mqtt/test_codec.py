"""Vectors: bytes written down by hand from the standards' figures, and what must be refused."""

import pytest

from fieldline.protocols.mqtt import packets as p
from fieldline.protocols.mqtt.encoder import encode, encode_pubacks
from fieldline.protocols.mqtt.errors import (
    LocalProtocolError,
    RemoteProtocolError,
    UnsupportedVersionError,
)
from fieldline.protocols.mqtt.properties import Properties
from fieldline.protocols.mqtt.reader import PacketReader
from fieldline.protocols.mqtt.reason_codes import ReasonCode

CONNECT_311 = "10 10 0004 4D515454 04 02 003C 0004 64656D6F"


def read(text: str, version: int = 4) -> list[p.Packet]:
    reader = PacketReader(version)
    packets = reader.feed(bytes.fromhex(text))
    if reader.error is not None:
        raise reader.error
    return packets


@pytest.mark.parametrize(
    ("text", "version", "packet"),
    [
        (CONNECT_311, 4, p.Connect("demo", 4, True, 60)),
        (
            "10 1B 0006 4D5149736470 03 C2 000A 0003 616263 0004 75736572 0002 7077",
            3,
            p.Connect("abc", 3, True, 10, "user", b"pw"),
        ),
        (
            "10 1B 0004 4D515454 04 2C 0000 0001 63 0006 612F77696C6C 0004 676F6E65",
            4,
            p.Connect("c", 4, False, 0, will=p.Will("a/will", b"gone", 1, True)),
        ),
        (
            "10 19 0004 4D515454 05 82 001E 05 11 0000000A 0000 0005 746F6B656E",
            5,
            p.Connect(
                "", 5, True, 30, "token", properties=Properties(session_expiry_interval=10)
            ),
        ),
        ("20 02 01 00", 4, p.Connack(0, True)),
        ("20 02 00 05", 4, p.Connack(5)),
        ("20 08 00 00 05 22 000A 24 01", 5, p.Connack(0, False, Properties(
            topic_alias_maximum=10, maximum_qos=1))),
        ("32 07 0003 612F62 000A", 4, p.Publish("a/b", b"", 1, 10)),
        ("3B 09 0003 612F62 000A 6869", 4, p.Publish("a/b", b"hi", 1, 10, True, True)),
        ("31 07 0003 612F62 6869", 4, p.Publish("a/b", b"hi", 0, 0, True)),
        ("30 0A 0003 612F62 03 23 0001 78", 5, p.Publish(
            "a/b", b"x", properties=Properties(topic_alias=1))),
        ("40 02 1234", 4, p.Puback(0x1234)),
        ("40 03 1234 10", 5, p.Puback(0x1234, 0x10)),
        ("62 02 0001", 4, p.Pubrel(1)),
        ("82 0E 000A 0003 612F62 01 0003 632F64 02", 4, p.Subscribe(
            10, [p.Subscription("a/b", 1), p.Subscription("c/d", 2)])),
        ("82 09 000A 00 0003 612F62 2D", 5, p.Subscribe(
            10, [p.Subscription("a/b", 1, True, True, 2)])),
        ("90 04 000A 01 80", 4, p.Suback(10, [1, 0x80])),
        ("A2 07 000A 0003 612F62", 4, p.Unsubscribe(10, ["a/b"])),
        ("B0 02 000A", 4, p.Unsuback(10)),
        ("B0 04 000A 00 11", 5, p.Unsuback(10, [0x11])),
        ("C0 00", 4, p.Pingreq()),
        ("D0 00", 4, p.Pingresp()),
        ("E0 00", 4, p.Disconnect()),
        ("E0 01 8E", 5, p.Disconnect(0x8E)),
        ("F0 00", 5, p.Auth()),
    ],
)  # fmt: skip
def test_vectors(text: str, version: int, packet: p.Packet) -> None:
    is_connect = isinstance(packet, p.Connect)

    assert read(text, 0 if is_connect else version) == [packet]
    assert encode(packet, version) == bytes.fromhex(text)


@pytest.mark.parametrize(
    ("text", "version", "code"),
    [
        ("00 00", 4, ReasonCode.MALFORMED_PACKET),
        ("F0 00", 4, ReasonCode.MALFORMED_PACKET),
        ("36 05 0001 61 0001", 4, ReasonCode.MALFORMED_PACKET),
        ("38 03 0001 61", 4, ReasonCode.MALFORMED_PACKET),
        ("32 05 0001 61 0000", 4, ReasonCode.PROTOCOL_ERROR),
        ("32 03 0001 61", 4, ReasonCode.MALFORMED_PACKET),
        ("30 01 00", 4, ReasonCode.MALFORMED_PACKET),
        ("30 02 0001", 4, ReasonCode.MALFORMED_PACKET),
        ("30 02 0000", 4, ReasonCode.PROTOCOL_ERROR),
        ("30 03 0000 00", 5, ReasonCode.PROTOCOL_ERROR),
        ("30 03 0001 23", 4, ReasonCode.MALFORMED_PACKET),
        ("30 05 0003 612F2B", 4, ReasonCode.MALFORMED_PACKET),
        ("30 03 0001 00", 4, ReasonCode.MALFORMED_PACKET),
        ("30 04 0002 C328", 4, ReasonCode.MALFORMED_PACKET),
        ("30 05 0003 EDA080", 4, ReasonCode.MALFORMED_PACKET),
        ("30 07 0001 61 03 23 0000", 5, ReasonCode.TOPIC_ALIAS_INVALID),
        ("30 08 0001 61 04 01 00 01 01", 5, ReasonCode.PROTOCOL_ERROR),
        ("30 06 0001 61 02 01 02", 5, ReasonCode.PROTOCOL_ERROR),
        ("30 07 0001 61 03 21 0001", 5, ReasonCode.MALFORMED_PACKET),
        ("30 05 0001 61 01 7F", 5, ReasonCode.MALFORMED_PACKET),
        ("80 06 0001 0001 61 00", 4, ReasonCode.MALFORMED_PACKET),
        ("82 02 0001", 4, ReasonCode.PROTOCOL_ERROR),
        ("82 06 0000 0001 61 00", 4, ReasonCode.PROTOCOL_ERROR),
        ("82 06 0001 0001 61 03", 4, ReasonCode.MALFORMED_PACKET),
        ("82 06 0001 0001 61 04", 4, ReasonCode.MALFORMED_PACKET),
        ("82 07 0001 00 0001 61 30", 5, ReasonCode.PROTOCOL_ERROR),
        ("82 07 0001 0002 612B 00", 4, ReasonCode.MALFORMED_PACKET),
        ("82 08 0001 0003 232F61 00", 4, ReasonCode.MALFORMED_PACKET),
        ("82 05 0001 0000 00", 4, ReasonCode.MALFORMED_PACKET),
        ("A2 02 0001", 4, ReasonCode.PROTOCOL_ERROR),
        ("90 02 0001", 4, ReasonCode.MALFORMED_PACKET),
        ("90 03 0001 03", 4, ReasonCode.PROTOCOL_ERROR),
        ("40 03 0001 00", 4, ReasonCode.MALFORMED_PACKET),
        ("40 03 0001 8E", 5, ReasonCode.PROTOCOL_ERROR),
        ("60 02 0001", 4, ReasonCode.MALFORMED_PACKET),
        ("C0 01 00", 4, ReasonCode.MALFORMED_PACKET),
        ("C1 00", 4, ReasonCode.MALFORMED_PACKET),
        ("E0 01 00", 4, ReasonCode.MALFORMED_PACKET),
        ("20 02 02 00", 4, ReasonCode.MALFORMED_PACKET),
        ("20 02 01 05", 4, ReasonCode.MALFORMED_PACKET),
        ("20 02 00 06", 4, ReasonCode.MALFORMED_PACKET),
        ("30 FF FF FF FF 01", 4, ReasonCode.MALFORMED_PACKET),
        ("30 80 00", 4, ReasonCode.MALFORMED_PACKET),
        ("F0 04 18 02 1F 00", 5, ReasonCode.MALFORMED_PACKET),
    ],
)
def test_refuses_what_the_standard_refuses(text: str, version: int, code: ReasonCode) -> None:
    with pytest.raises(RemoteProtocolError) as raised:
        read(text, version)

    assert raised.value.reason_code is code


@pytest.mark.parametrize(
    "text",
    [
        CONNECT_311.replace("04 02 003C", "04 03 003C"),
        CONNECT_311.replace("04 02 003C", "04 0A 003C"),
        CONNECT_311.replace("04 02 003C", "04 42 003C"),
        CONNECT_311.replace("04 02 003C", "04 22 003C"),
        CONNECT_311.replace("04 02 003C", "04 1E 003C"),
        CONNECT_311.replace("4D515454", "4D515455"),
        CONNECT_311.replace("10 10", "11 10"),
        CONNECT_311.replace("10 10", "10 0F"),
        CONNECT_311.replace("10 10", "10 11") + "00",
        "10 00",
        "C0 00",
        "30 03 0001 61",
    ],
)
def test_refuses_a_wrong_first_packet(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        read(text, 0)


@pytest.mark.parametrize("level", [0, 1, 2, 3, 6, 0x84])
def test_names_a_level_that_is_not_spoken(level: int) -> None:
    with pytest.raises(UnsupportedVersionError) as raised:
        read(CONNECT_311.replace("4D515454 04", f"4D515454 {level:02X}"), 0)

    assert raised.value.level == level


def test_a_packet_over_the_limit_is_refused_before_it_arrived() -> None:
    reader = PacketReader(4, max_remaining_length=100)

    assert reader.feed(bytes.fromhex("30 65")) == []

    assert reader.error is not None
    assert reader.error.reason_code is ReasonCode.PACKET_TOO_LARGE


def test_a_packet_of_just_the_limit_is_taken() -> None:
    reader = PacketReader(4, max_remaining_length=100)

    [packet] = reader.feed(bytes.fromhex("30 64 0001 61") + b"x" * 97)

    assert isinstance(packet, p.Publish)
    assert packet.payload == b"x" * 97


def test_mqtt_31_may_repeat_a_subscribe() -> None:
    assert read("8A 06 0001 0001 61 00", 3) == [p.Subscribe(1, [p.Subscription("a")])]


@pytest.mark.parametrize(
    ("packet", "version"),
    [
        (p.Publish("a/+"), 4),
        (p.Publish(""), 4),
        (p.Publish("a", qos=1), 4),
        (p.Publish("a", qos=3, packet_id=1), 4),
        (p.Publish("a", dup=True), 4),
        (p.Publish("a", qos=1, packet_id=70_000), 4),
        (p.Publish("a", properties=Properties(topic_alias=1)), 4),
        (p.Publish("a", properties=Properties(topic_alias=0)), 5),
        (p.Publish("a", properties=Properties(receive_maximum=1)), 5),
        (p.Publish("a", properties=Properties(response_topic="b/#")), 5),
        (p.Publish("a\0"), 4),
        (p.Publish("\ud800"), 4),
        (p.Publish("a" * 70_000), 4),
        (p.Connect("a", 4, password=b"x"), 4),
        (p.Connect("a", 4), 5),
        (p.Connect("a", 4, keep_alive_s=70_000), 4),
        (p.Connect("a", 4, will=p.Will("", b"")), 4),
        (p.Connack(5, True), 4),
        (p.Connack(0x86), 4),
        (p.Puback(0), 4),
        (p.Puback(1, 0x10), 4),
        (p.Puback(1, 0x8E), 5),
        (p.Subscribe(1, []), 4),
        (p.Subscribe(1, [p.Subscription("a#")]), 4),
        (p.Subscribe(1, [p.Subscription("a", retain_handling=1)]), 4),
        (p.Subscribe(1, [p.Subscription("$share/g/a", no_local=True)]), 5),
        (p.Subscribe(1, [p.Subscription("a")], Properties(subscription_identifiers=[1, 2])), 5),
        (p.Suback(1, []), 4),
        (p.Unsubscribe(1, []), 4),
        (p.Unsuback(1, [0]), 4),
        (p.Unsuback(1, []), 5),
        (p.Disconnect(0x8E), 4),
        (p.Auth(), 4),
        (p.Auth(0x18, Properties(reason_string="x")), 5),
    ],
)
def test_does_not_send_what_the_standard_refuses(packet: p.Packet, version: int) -> None:
    with pytest.raises(LocalProtocolError):
        encode(packet, version)


def test_pubacks_are_encoded_together() -> None:
    assert encode_pubacks([1, 0x1234, 0xFFFF]) == bytes.fromhex("40020001 40021234 4002FFFF")
