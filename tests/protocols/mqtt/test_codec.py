"""What the codec does beside the vectors of the standards (``test_vectors.py``)."""

import pytest

from fieldline.protocols.mqtt import packets as p
from fieldline.protocols.mqtt.encoder import encode, encode_pubacks
from fieldline.protocols.mqtt.errors import (
    LocalProtocolError,
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
