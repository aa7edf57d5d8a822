"""Bytes written down by hand from the texts of OASIS, and what they mean.

Each row names where it stands: "3.1.1" and "5.0" are the texts, behind them the section, table or
statement. Nothing here is made by the code under test.
"""

from itertools import product

import pytest

from fieldline.protocols.mqtt import packets as p
from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.errors import RemoteProtocolError
from fieldline.protocols.mqtt.handshake import SessionLimits
from fieldline.protocols.mqtt.properties import Properties
from fieldline.protocols.mqtt.reader import PacketReader
from fieldline.protocols.mqtt.reason_codes import ReasonCode
from fieldline.protocols.mqtt.session import ServerSession

MALFORMED = ReasonCode.MALFORMED_PACKET
PROTOCOL = ReasonCode.PROTOCOL_ERROR
USER = [("a", "b")]


def read(text: str, version: int) -> tuple[list[p.Packet], RemoteProtocolError | None]:
    reader = PacketReader(version)
    return reader.feed(bytes.fromhex(text)), reader.error


# -- both ways: what is read from these bytes is written as these bytes

BOTH_WAYS: list[tuple[str, int, str, p.Packet]] = [
    # CONNECT
    ("3.1.1 3.1.2.11: the example", 4,
     "10 19 0004 4D515454 04 CE 000A 0001 63 0001 77 0001 67 0001 75 0001 70",
     p.Connect("c", 4, True, 10, "u", b"p", p.Will("w", b"g", 1))),
    ("3.1.1 3.1.2.4", 4, "10 10 0004 4D515454 04 00 003C 0004 64656D6F",
     p.Connect("demo", 4, False, 60)),
    ("3.1.1 3.1.2.6", 4, "10 1B 0004 4D515454 04 34 0000 0001 63 0006 612F77696C6C 0004 676F6E65",
     p.Connect("c", 4, False, 0, will=p.Will("a/will", b"gone", 2, True))),
    ("3.1.1 3.1.2.8", 4, "10 0F 0004 4D515454 04 82 000A 0000 0001 75",
     p.Connect("", 4, True, 10, "u")),
    ("3.1.1 3.1.3.3: an empty will message", 4,
     "10 12 0004 4D515454 04 06 0000 0001 63 0001 77 0000",
     p.Connect("c", 4, will=p.Will("w", b""))),
    ("3.1.1 3.1.3.5: an empty password", 4, "10 12 0004 4D515454 04 C2 0000 0001 63 0001 75 0000",
     p.Connect("c", 4, username="u", password=b"")),
    ("MQTT 3.1 section 3.1", 3,
     "10 1B 0006 4D5149736470 03 C2 000A 0003 616263 0004 75736572 0002 7077",
     p.Connect("abc", 3, True, 10, "user", b"pw")),
    ("5.0 3.1.2.12: the example", 5,
     "10 20 0004 4D515454 05 CE 000A 05 11 0000000A 0001 63 00 0001 77 0001 67 0001 75 0001 70",
     p.Connect("c", 5, True, 10, "u", b"p", p.Will("w", b"g", 1),
               Properties(session_expiry_interval=10))),
    ("5.0 3.1.2.9: a password alone", 5, "10 11 0004 4D515454 05 42 0000 00 0001 63 0001 70",
     p.Connect("c", 5, password=b"p")),
    ("5.0 3.1.2.11", 5,
     ("10 31 0004 4D515454 05 02 0000 23 11 0000000A 21 0014 27 00010000 22 000A 19 01 17 00"
     "26 0001 61 0001 62 15 0001 6D 16 0001 64 0001 63"),
     p.Connect("c", 5, properties=Properties(
         session_expiry_interval=10, receive_maximum=20, maximum_packet_size=65_536,
         topic_alias_maximum=10, request_response_information=1, request_problem_information=0,
         user_properties=USER, authentication_method="m", authentication_data=b"d"))),
    ("5.0 3.1.3.2", 5,
     ("10 35 0004 4D515454 05 06 0000 00 0001 63 1F 18 0000003C 01 01 02 0000000A 03 0001 63"
     "08 0001 72 09 0001 64 26 0001 61 0001 62 0001 77 0002 6869"),
     p.Connect("c", 5, will=p.Will("w", b"hi", properties=Properties(
         will_delay_interval=60, payload_format_indicator=1, message_expiry_interval=10,
         content_type="c", response_topic="r", correlation_data=b"d", user_properties=USER)))),
    # CONNACK
    ("3.1.1 3.2.2", 4, "20 02 00 00", p.Connack()),
    ("3.1.1 3.2.2.2", 4, "20 02 01 00", p.Connack(0, True)),
    ("3.1.1 table 3.1: 0x01", 4, "20 02 00 01", p.Connack(1)),
    ("3.1.1 table 3.1: 0x05", 4, "20 02 00 05", p.Connack(5)),
    ("5.0 3.2.2", 5, "20 03 00 00 00", p.Connack()),
    ("5.0 3.2.2.2", 5, "20 03 00 86 00", p.Connack(0x86)),
    ("5.0 3.2.2.3", 5,
     ("20 3F 01 00 3C 11 00000000 21 0014 24 01 25 00 27 00010000 12 0001 69 22 000A 1F 0001 6F"
     "26 0001 61 0001 62 28 01 29 00 2A 00 13 003C 1A 0001 72 1C 0001 73 15 0001 6D 16 0001 64"),
     p.Connack(0, True, Properties(
         session_expiry_interval=0, receive_maximum=20, maximum_qos=1, retain_available=0,
         maximum_packet_size=65_536, assigned_client_identifier="i", topic_alias_maximum=10,
         reason_string="o", user_properties=USER, wildcard_subscription_available=1,
         subscription_identifier_available=0, shared_subscription_available=0,
         server_keep_alive=60, response_information="r", server_reference="s",
         authentication_method="m", authentication_data=b"d"))),
    # PUBLISH
    ("3.1.1 3.3.2: the example", 4, "32 07 0003 612F62 000A", p.Publish("a/b", b"", 1, 10)),
    ("3.1.1 3.3.1.1", 4, "3A 09 0003 612F62 000A 6869", p.Publish("a/b", b"hi", 1, 10, dup=True)),
    ("3.1.1 3.3.1.2: QoS 0", 4, "30 05 0003 612F62", p.Publish("a/b")),
    ("3.1.1 3.3.1.2: QoS 2", 4, "34 07 0003 612F62 FFFF", p.Publish("a/b", b"", 2, 65_535)),
    ("3.1.1 3.3.1.3", 4, "31 07 0003 612F62 6869", p.Publish("a/b", b"hi", retain=True)),
    ("MQTT 3.1 section 3.3", 3, "32 09 0003 612F62 000A 6869", p.Publish("a/b", b"hi", 1, 10)),
    ("5.0 3.3.2: the example", 5, "32 08 0003 612F62 000A 00", p.Publish("a/b", b"", 1, 10)),
    ("5.0 3.3.2.3", 5,
     ("32 2B 0003 612F62 000A 22 01 01 02 0000000A 23 0005 08 0001 72 09 0001 64"
     "26 0001 61 0001 62 0B 01 0B 8001 03 0001 63 78"),
     p.Publish("a/b", b"x", 1, 10, properties=Properties(
         payload_format_indicator=1, message_expiry_interval=10, topic_alias=5,
         response_topic="r", correlation_data=b"d", user_properties=USER,
         subscription_identifiers=[1, 128], content_type="c"))),
    ("5.0 3.3.2.3.4: an alias instead of a topic", 5, "30 07 0000 03 23 0005 78",
     p.Publish("", b"x", properties=Properties(topic_alias=5))),
    # PUBACK, PUBREC, PUBREL, PUBCOMP
    ("3.1.1 3.4", 4, "40 02 1234", p.Puback(0x1234)),
    ("3.1.1 3.5", 4, "50 02 1234", p.Pubrec(0x1234)),
    ("3.1.1 3.6", 4, "62 02 1234", p.Pubrel(0x1234)),
    ("3.1.1 3.7", 4, "70 02 1234", p.Pubcomp(0x1234)),
    ("5.0 3.4.2.1: success without a word", 5, "40 02 000A", p.Puback(10)),
    ("5.0 3.4.2.1", 5, "40 03 000A 10", p.Puback(10, 0x10)),
    ("5.0 3.4.2.2", 5, "40 0F 000A 87 0B 1F 0001 6E 26 0001 61 0001 62",
     p.Puback(10, 0x87, Properties(reason_string="n", user_properties=USER))),
    ("5.0 3.5.2.1", 5, "50 03 000A 97", p.Pubrec(10, 0x97)),
    ("5.0 3.5.2.2", 5, "50 08 000A 00 04 1F 0001 6E",
     p.Pubrec(10, 0, Properties(reason_string="n"))),
    ("5.0 3.6.2.1", 5, "62 03 000A 92", p.Pubrel(10, 0x92)),
    ("5.0 3.6.2.2", 5, "62 0B 000A 92 07 26 0001 61 0001 62",
     p.Pubrel(10, 0x92, Properties(user_properties=USER))),
    ("5.0 3.7.2.1", 5, "70 03 000A 92", p.Pubcomp(10, 0x92)),
    ("5.0 3.7.2.2", 5, "70 08 000A 92 04 1F 0001 6E",
     p.Pubcomp(10, 0x92, Properties(reason_string="n"))),
    # SUBSCRIBE, SUBACK
    ("3.1.1 3.8.3: the example", 4, "82 0E 000A 0003 612F62 01 0003 632F64 02",
     p.Subscribe(10, [p.Subscription("a/b", 1), p.Subscription("c/d", 2)])),
    ("3.1.1 3.9.3: the example", 4, "90 05 000A 00 02 80", p.Suback(10, [0, 2, 0x80])),
    ("5.0 3.8.3: the example", 5, "82 0F 000A 00 0003 612F62 01 0003 632F64 02",
     p.Subscribe(10, [p.Subscription("a/b", 1), p.Subscription("c/d", 2)])),
    ("5.0 3.8.2.1", 5, "82 13 000A 0A 0B 8002 26 0001 61 0001 62 0003 612F62 00",
     p.Subscribe(10, [p.Subscription("a/b")],
                 Properties(subscription_identifiers=[256], user_properties=USER))),
    ("5.0 3.8.3.1", 5, "82 13 000A 00 0001 61 04 0001 62 08 0001 63 10 0001 64 2E",
     p.Subscribe(10, [p.Subscription("a", 0, True), p.Subscription("b", 0, False, True),
                      p.Subscription("c", 0, False, False, 1),
                      p.Subscription("d", 2, True, True, 2)])),
    ("5.0 3.9.3", 5, "90 0F 000A 00 00 01 02 80 83 87 8F 91 97 9E A1 A2",
     p.Suback(10, [0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2])),
    ("5.0 3.9.2.1", 5, "90 0F 000A 0B 1F 0001 6E 26 0001 61 0001 62 01",
     p.Suback(10, [1], Properties(reason_string="n", user_properties=USER))),
    # UNSUBSCRIBE, UNSUBACK
    ("3.1.1 3.10.3: the example", 4,
     "A2 0C 000A 0003 612F62 0003 632F64", p.Unsubscribe(10, ["a/b", "c/d"])),
    ("3.1.1 3.11", 4, "B0 02 000A", p.Unsuback(10)),
    ("5.0 3.10.3: the example", 5,
     "A2 0D 000A 00 0003 612F62 0003 632F64", p.Unsubscribe(10, ["a/b", "c/d"])),
    ("5.0 3.10.2.1", 5, "A2 0D 000A 07 26 0001 61 0001 62 0001 61",
     p.Unsubscribe(10, ["a"], Properties(user_properties=USER))),
    ("5.0 3.11.3", 5, "B0 0A 000A 00 00 11 80 83 87 8F 91",
     p.Unsuback(10, [0, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91])),
    ("5.0 3.11.2.1", 5, "B0 08 000A 04 1F 0001 6E 11",
     p.Unsuback(10, [0x11], Properties(reason_string="n"))),
    # PINGREQ, PINGRESP, DISCONNECT, AUTH
    ("3.1.1 3.12", 4, "C0 00", p.Pingreq()),
    ("3.1.1 3.13", 4, "D0 00", p.Pingresp()),
    ("3.1.1 3.14", 4, "E0 00", p.Disconnect()),
    ("5.0 3.12", 5, "C0 00", p.Pingreq()),
    ("5.0 3.13", 5, "D0 00", p.Pingresp()),
    ("5.0 3.14.2.1: normal without a word", 5, "E0 00", p.Disconnect()),
    ("5.0 3.14.2.1", 5, "E0 01 8E", p.Disconnect(0x8E)),
    ("5.0 3.14.2.2", 5,
     "E0 16 9C 14 11 0000000A 1F 0001 6E 26 0001 61 0001 62 1C 0001 73",
     p.Disconnect(0x9C, Properties(
         session_expiry_interval=10, reason_string="n", user_properties=USER,
         server_reference="s"))),
    ("5.0 3.15.2.1: success without a word", 5, "F0 00", p.Auth()),
    ("5.0 3.15.2.2", 5, "F0 15 18 13 15 0001 6D 16 0001 64 1F 0001 6E 26 0001 61 0001 62",
     p.Auth(0x18, Properties(
         authentication_method="m", authentication_data=b"d", reason_string="n",
         user_properties=USER))),
    # UTF-8 strings
    ("3.1.1 1.5.3 and 5.0 1.5.4: the example", 4, "30 07 0005 41 F0AA9B94",
     p.Publish("A\U0002a6d4")),
    ("[MQTT-1.5.3-3], 5.0 [MQTT-1.5.4-3]: U+FEFF is not skipped", 4, "30 06 0004 EFBBBF 61",
     p.Publish("\ufeffa")),
    ("3.1.1 1.5.3: the last one before the surrogates", 4,
     "30 05 0003 ED9FBF", p.Publish("\ud7ff")),
    ("3.1.1 1.5.3: the last one of all", 4, "30 06 0004 F48FBFBF", p.Publish("\U0010ffff")),
    ("3.1.1 1.5.3: control characters SHOULD NOT, but may be", 4, "30 04 0002 0161",
     p.Publish("\x01a")),
    # Topics
    ("3.1.1 4.7.3: spaces and case", 4, "30 12 0010 4163636F756E7473 207061 7961626C65",
     p.Publish("Accounts payable")),
    ("3.1.1 4.7.1.1", 4, "30 03 0001 2F", p.Publish("/")),
    ("3.1.1 4.7.1.2", 4, "82 10 000A 0001 23 00 0007 73706F72742F23 00",
     p.Subscribe(10, [p.Subscription("#"), p.Subscription("sport/#")])),
    ("3.1.1 4.7.1.3", 4, "82 19 000A 0001 2B 00 0006 2B2F74656E6E 00 0003 2F2B2F 00 0001 2F 00",
     p.Subscribe(10, [p.Subscription("+"), p.Subscription("+/tenn"), p.Subscription("/+/"),
                      p.Subscription("/")])),
    ("3.1.1 4.7.2", 4, "82 0B 000A 0006 24535953 2F23 00",
     p.Subscribe(10, [p.Subscription("$SYS/#")])),
]  # fmt: skip
BY_PLACE = [pytest.param(*row[1:], id=row[0]) for row in BOTH_WAYS]


@pytest.mark.parametrize(("version", "text", "packet"), BY_PLACE)
def test_what_these_bytes_mean(version: int, text: str, packet: p.Packet) -> None:
    is_first = isinstance(packet, p.Connect)

    assert read(text, 0 if is_first else version) == ([packet], None)
    assert encode(packet, version) == bytes.fromhex(text)


SAID_AT_LENGTH: list[tuple[str, int, str, p.Packet]] = [
    ("5.0 3.4.2.1", 5, "40 03 000A 00", p.Puback(10)),
    ("5.0 3.4.2.2.1", 5, "40 04 000A 00 00", p.Puback(10)),
    ("5.0 3.6.2.2.1", 5, "62 04 000A 00 00", p.Pubrel(10)),
    ("5.0 3.14.2.1", 5, "E0 01 00", p.Disconnect()),
    ("5.0 3.14.2.2.1", 5, "E0 02 04 00", p.Disconnect(4)),
    ("5.0 3.15.2.2.1", 5, "F0 02 00 00", p.Auth()),
    ("MQTT 3.1 section 2.1: DUP of SUBSCRIBE", 3, "8A 06 0001 0001 61 00",
     p.Subscribe(1, [p.Subscription("a")])),
    ("MQTT 3.1 section 2.1: DUP of PUBREL", 3, "6A 02 0001", p.Pubrel(1)),
    ("MQTT 3.1 section 3.1: no user name, whatever the flag", 3,
     "10 0F 0006 4D5149736470 03 C2 000A 0001 61", p.Connect("a", 3, True, 10)),
    ("MQTT 3.1 section 3.1: no password, whatever the flag", 3,
     "10 12 0006 4D5149736470 03 C2 000A 0001 61 0001 75", p.Connect("a", 3, True, 10, "u")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("version", "text", "packet"), [pytest.param(*row[1:], id=row[0]) for row in SAID_AT_LENGTH]
)
def test_what_these_bytes_mean_too(version: int, text: str, packet: p.Packet) -> None:
    is_first = isinstance(packet, p.Connect)

    assert read(text, 0 if is_first else version) == ([packet], None)


@pytest.mark.parametrize(
    ("length", "header"),
    [
        (64, "30 40"),  # the example in the text
        (321, "30 C102"),
        (127, "30 7F"),  # the table: from here to there with one, two, three, four bytes
        (128, "30 8001"),
        (16_383, "30 FF7F"),
        (16_384, "30 808001"),
        (2_097_151, "30 FFFF7F"),
        (2_097_152, "30 80808001"),
    ],
)
def test_remaining_lengths(length: int, header: str) -> None:
    """3.1.1 table 2.4 and section 2.2.3; 5.0 table 1-1 and section 1.5.5."""
    packet = p.Publish("a", b"x" * (length - 3))

    written = encode(packet, 4)

    assert written.startswith(bytes.fromhex(f"{header} 0001 61"))
    assert PacketReader(4).feed(written) == [packet]


def test_the_longest_remaining_length() -> None:
    """Of the table's last line only the header is written down: the packet has 256 MiB."""
    reader = PacketReader(4, max_remaining_length=268_435_454)

    assert reader.feed(bytes.fromhex("30 FFFFFF7F")) == []

    assert reader.error is not None
    assert "268435455" in str(reader.error)
    assert reader.error.reason_code is ReasonCode.PACKET_TOO_LARGE


# -- what ends the connection: statement, version, bytes, reason code of MQTT 5

REFUSED: list[tuple[str, int, str, ReasonCode]] = [
    # Data of the wire
    ("3.1.1 [MQTT-1.5.3-1]: a surrogate", 4, "30 05 0003 EDA080", MALFORMED),
    ("3.1.1 [MQTT-1.5.3-1]: no UTF-8", 4, "30 04 0002 C328", MALFORMED),
    ("3.1.1 [MQTT-1.5.3-1]: longer than needed", 4, "30 04 0002 C0AF", MALFORMED),
    ("3.1.1 [MQTT-1.5.3-1]: beyond U+10FFFF", 4, "30 06 0004 F4908080", MALFORMED),
    ("3.1.1 [MQTT-1.5.3-2]: U+0000", 4, "30 03 0001 00", MALFORMED),
    ("5.0 [MQTT-1.5.4-1]: a surrogate in a property", 5,
     "30 0A 0001 61 06 03 0003 EDA080", MALFORMED),
    ("5.0 [MQTT-1.5.4-2]: U+0000 in a property", 5, "30 08 0001 61 04 03 0001 00", MALFORMED),
    ("5.0 [MQTT-1.5.5-1]: a length in too many bytes", 5, "30 06 0001 61 8100 01", MALFORMED),
    ("3.1.1 2.2.3: a fifth byte", 4, "30 FFFFFFFF01", MALFORMED),
    ("5.0 [MQTT-1.5.5-1]: a remaining length in too many bytes", 5, "30 8000", MALFORMED),
    # Fixed headers
    ("3.1.1 table 2.1: type 0", 4, "00 00", MALFORMED),
    ("3.1.1 table 2.1: type 15", 4, "F0 00", MALFORMED),
    ("3.1.1 [MQTT-2.2.2-2]: PUBACK", 4, "41 02 0001", MALFORMED),
    ("3.1.1 [MQTT-2.2.2-2]: PINGREQ", 4, "C1 00", MALFORMED),
    ("3.1.1 [MQTT-3.6.1-1]: PUBREL", 4, "60 02 0001", MALFORMED),
    ("3.1.1 [MQTT-3.8.1-1]: SUBSCRIBE", 4, "80 06 0001 0001 61 00", MALFORMED),
    ("3.1.1 [MQTT-3.8.1-1]: SUBSCRIBE with DUP", 4, "8A 06 0001 0001 61 00", MALFORMED),
    ("3.1.1 [MQTT-3.10.1-1]: UNSUBSCRIBE", 4, "A0 05 0001 0001 61", MALFORMED),
    ("3.1.1 [MQTT-3.14.1-1]: DISCONNECT", 4, "E1 00", MALFORMED),
    ("5.0 [MQTT-2.1.3-1]: PUBREL", 5, "60 02 0001", MALFORMED),
    ("5.0 [MQTT-3.8.1-1]: SUBSCRIBE", 5, "80 07 0001 00 0001 61 00", MALFORMED),
    ("5.0 [MQTT-3.14.1-1]: DISCONNECT", 5, "E2 00", MALFORMED),
    ("5.0 [MQTT-3.15.1-1]: AUTH", 5, "F1 00", MALFORMED),
    # Packet ids
    ("3.1.1 [MQTT-2.3.1-1]: PUBLISH", 4, "32 05 0001 61 0000", PROTOCOL),
    ("3.1.1 [MQTT-2.3.1-1]: SUBSCRIBE", 4, "82 06 0000 0001 61 00", PROTOCOL),
    ("3.1.1 [MQTT-2.3.1-1]: UNSUBSCRIBE", 4, "A2 05 0000 0001 61", PROTOCOL),
    ("5.0 [MQTT-2.2.1-3]: PUBLISH", 5, "32 06 0001 61 0000 00", PROTOCOL),
    # PUBLISH
    ("3.1.1 3.3.2: no topic", 4, "30 01 00", MALFORMED),
    ("3.1.1 3.3.2: a topic beyond the end", 4, "30 02 0001", MALFORMED),
    ("3.1.1 3.3.2: no packet id", 4, "32 03 0001 61", MALFORMED),
    ("5.0 3.3.2: no properties", 5, "32 05 0001 61 0001", MALFORMED),
    ("3.1.1 [MQTT-3.3.1-2]: DUP with QoS 0", 4, "38 03 0001 61", MALFORMED),
    ("3.1.1 [MQTT-3.3.1-4]: QoS 3", 4, "36 05 0001 61 0001", MALFORMED),
    ("3.1.1 [MQTT-3.3.2-2]: #", 4, "30 05 0003 612F23", MALFORMED),
    ("3.1.1 [MQTT-3.3.2-2]: +", 4, "30 05 0003 612F2B", MALFORMED),
    ("3.1.1 [MQTT-4.7.3-1]: an empty topic", 4, "30 02 0000", PROTOCOL),
    ("5.0 [MQTT-3.3.1-4]: QoS 3", 5, "36 06 0001 61 0001 00", MALFORMED),
    ("5.0 3.3.2.1: neither topic nor alias", 5, "30 03 0000 00", PROTOCOL),
    ("5.0 [MQTT-3.3.2-8]: alias 0", 5, "30 07 0001 61 03 23 0000", ReasonCode.TOPIC_ALIAS_INVALID),
    ("5.0 3.3.2.3.2: indicator 2", 5, "30 06 0001 61 02 01 02", PROTOCOL),
    ("5.0 [MQTT-3.3.2-14]: a response topic with +", 5, "30 08 0001 61 04 08 0001 2B", MALFORMED),
    ("5.0 3.3.2.3.8: subscription identifier 0", 5, "30 06 0001 61 02 0B 00", PROTOCOL),
    # Acknowledgements
    ("3.1.1 3.4.1: a longer PUBACK", 4, "40 03 0001 00", MALFORMED),
    ("3.1.1 3.4.2: a shorter PUBACK", 4, "40 01 00", MALFORMED),
    ("5.0 3.4.2.1: a code of another packet", 5, "40 03 0001 8E", PROTOCOL),
    ("5.0 3.6.2.1: a code of another packet", 5, "62 03 0001 10", PROTOCOL),
    # SUBSCRIBE, SUBACK
    ("3.1.1 [MQTT-3.8.3-3]: no filter", 4, "82 02 0001", PROTOCOL),
    ("3.1.1 [MQTT-3-8.3-4]: QoS 3", 4, "82 06 0001 0001 61 03", MALFORMED),
    ("3.1.1 [MQTT-3-8.3-4]: a reserved bit", 4, "82 06 0001 0001 61 04", MALFORMED),
    ("3.1.1 3.8.3: no QoS", 4, "82 05 0001 0001 61", MALFORMED),
    ("3.1.1 [MQTT-4.7.1-2]: # is not the last", 4, "82 08 0001 0003 232F61 00", MALFORMED),
    ("3.1.1 [MQTT-4.7.1-2]: # is not alone", 4, "82 07 0001 0002 6123 00", MALFORMED),
    ("3.1.1 [MQTT-4.7.1-3]: + is not alone", 4, "82 07 0001 0002 612B 00", MALFORMED),
    ("3.1.1 [MQTT-4.7.3-1]: an empty filter", 4, "82 05 0001 0000 00", MALFORMED),
    ("3.1.1 3.9.3: no code", 4, "90 02 0001", MALFORMED),
    ("3.1.1 [MQTT-3.9.3-2]: a reserved code", 4, "90 03 0001 03", PROTOCOL),
    ("5.0 [MQTT-3.8.3-2]: no filter", 5, "82 03 0001 00", PROTOCOL),
    ("5.0 3.8.3.1: retain handling 3", 5, "82 07 0001 00 0001 61 30", PROTOCOL),
    ("5.0 [MQTT-3.8.3-4]: a shared subscription, no-local", 5,
     "82 10 0001 00 000A 24736861 72652F67 2F61 04", PROTOCOL),
    ("5.0 [MQTT-3.8.3-5]: a reserved bit", 5, "82 07 0001 00 0001 61 40", MALFORMED),
    ("5.0 3.8.3.1: QoS 3", 5, "82 07 0001 00 0001 61 03", MALFORMED),
    ("5.0 3.8.2.1.2: two subscription identifiers", 5,
     "82 0B 0001 04 0B01 0B02 0001 61 00", PROTOCOL),
    # UNSUBSCRIBE
    ("3.1.1 [MQTT-3.10.3-2]: no filter", 4, "A2 02 0001", PROTOCOL),
    ("5.0 [MQTT-3.10.3-2]: no filter", 5, "A2 03 0001 00", PROTOCOL),
    # PINGREQ, DISCONNECT, AUTH
    ("3.1.1 3.12.1: content", 4, "C0 01 00", MALFORMED),
    ("3.1.1 3.14.1: content", 4, "E0 01 00", MALFORMED),
    ("5.0 3.14.2.1: a code of another packet", 5, "E0 01 01", PROTOCOL),
    ("5.0 3.15.2.1: a code of another packet", 5, "F0 01 80", PROTOCOL),
    ("5.0 3.15.2.2.2: no method", 5, "F0 06 18 04 1F 0001 6E", PROTOCOL),
    # CONNACK
    ("3.1.1 3.2.2.1: a reserved flag", 4, "20 02 02 00", MALFORMED),
    ("3.1.1 [MQTT-3.2.2-4]: refused with a session", 4, "20 02 01 05", MALFORMED),
    ("3.1.1 table 3.1: a reserved code", 4, "20 02 00 06", MALFORMED),
    ("5.0 [MQTT-3.2.2-6]: refused with a session", 5, "20 03 01 86 00", MALFORMED),
    ("5.0 3.2.2.3.4: QoS 2", 5, "20 05 00 00 02 24 02", PROTOCOL),
    # Properties
    ("5.0 2.2.2.2: an unknown one", 5, "30 06 0001 61 02 7E 01", MALFORMED),
    ("5.0 2.2.2.1: longer than the packet", 5, "30 05 0001 61 01 01", MALFORMED),
    ("5.0 2.2.2.1: shorter than its value", 5, "30 06 0001 61 02 23 0005", MALFORMED),
]  # fmt: skip


@pytest.mark.parametrize(
    ("version", "text", "code"), [pytest.param(*row[1:], id=row[0]) for row in REFUSED]
)
def test_what_ends_the_connection(version: int, text: str, code: ReasonCode) -> None:
    packets, error = read(text, version)

    assert packets == []
    assert error is not None
    assert error.reason_code is code


REFUSED_CONNECTS: list[tuple[str, str, ReasonCode]] = [
    ("3.1.1 [MQTT-2.2.2-2]", "11 0D 0004 4D515454 04 02 003C 0001 63", PROTOCOL),
    ("3.1.1 [MQTT-3.1.0-1]: PINGREQ first", "C0 00", PROTOCOL),
    ("3.1.1 [MQTT-3.1.0-1]: PUBLISH first", "30 03 0001 61", PROTOCOL),
    ("3.1.1 [MQTT-3.1.2-1]: MQTU", "10 0D 0004 4D515455 04 02 003C 0001 63", MALFORMED),
    ("3.1.1 [MQTT-3.1.2-1]: mqtt", "10 0D 0004 6D717474 04 02 003C 0001 63", MALFORMED),
    ("3.1.1 [MQTT-3.1.2-3]: the reserved flag",
     "10 0D 0004 4D515454 04 03 003C 0001 63", MALFORMED),
    ("3.1.1 [MQTT-3.1.2-13]: QoS without a will",
     "10 0D 0004 4D515454 04 0A 003C 0001 63", MALFORMED),
    ("3.1.1 [MQTT-3.1.2-14]: a will of QoS 3",
     "10 13 0004 4D515454 04 1E 003C 0001 63 0001 77 0001 67", MALFORMED),
    ("3.1.1 [MQTT-3.1.2-15]: retain without a will",
     "10 0D 0004 4D515454 04 22 003C 0001 63", MALFORMED),
    ("3.1.1 [MQTT-3.1.2-22]: a password alone",
     "10 10 0004 4D515454 04 42 003C 0001 63 0001 70", MALFORMED),
    ("3.1.1 [MQTT-3.1.2-9]: a will that is missing",
     "10 0D 0004 4D515454 04 06 003C 0001 63", MALFORMED),
    ("3.1.1 [MQTT-3.1.2-19]: a user name that is missing",
     "10 0D 0004 4D515454 04 82 003C 0001 63", MALFORMED),
    ("3.1.1 [MQTT-3.1.2-18]: a user name without its flag",
     "10 10 0004 4D515454 04 02 003C 0001 63 0001 75", MALFORMED),
    ("3.1.1 [MQTT-3.1.3-4]: a client id that is no UTF-8",
     "10 0D 0004 4D515454 04 02 003C 0001 FF", MALFORMED),
    ("3.1.1 3.1.3: no client id", "10 0A 0004 4D515454 04 02 003C", MALFORMED),
    ("3.1.1 3.1: nothing", "10 00", MALFORMED),
    ("3.1.1 3.1: cut off", "10 0C 0004 4D515454 04 02 003C 0001", MALFORMED),
    ("3.1.1 3.1: a byte too many", "10 0E 0004 4D515454 04 02 003C 0001 63 00", MALFORMED),
    ("3.1.1 [MQTT-4.7.1-1]: a will for + topics",
     "10 13 0004 4D515454 04 06 003C 0001 63 0001 2B 0001 67", MALFORMED),
    ("5.0 [MQTT-3.1.2-3]: the reserved flag",
     "10 0E 0004 4D515454 05 03 003C 00 0001 63", MALFORMED),
    ("5.0 [MQTT-3.1.2-12]: a will of QoS 3",
     "10 15 0004 4D515454 05 1E 003C 00 0001 63 00 0001 77 0001 67", MALFORMED),
    ("5.0 3.1.2.11.3: receive maximum 0",
     "10 11 0004 4D515454 05 02 003C 03 21 0000 0001 63", PROTOCOL),
    ("5.0 3.1.2.11.4: maximum packet size 0",
     "10 13 0004 4D515454 05 02 003C 05 27 00000000 0001 63", PROTOCOL),
    ("5.0 3.1.2.11.6: request response information 2",
     "10 10 0004 4D515454 05 02 003C 02 19 02 0001 63", PROTOCOL),
    ("5.0 3.1.2.11.7: request problem information 2",
     "10 10 0004 4D515454 05 02 003C 02 17 02 0001 63", PROTOCOL),
    ("5.0 3.1.2.11.10: data without a method",
     "10 12 0004 4D515454 05 02 003C 04 16 0001 64 0001 63", PROTOCOL),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code"), [pytest.param(*row[1:], id=row[0]) for row in REFUSED_CONNECTS]
)
def test_which_first_packets_end_the_connection(text: str, code: ReasonCode) -> None:
    packets, error = read(text, 0)

    assert packets == []
    assert error is not None
    assert error.reason_code is code


# -- 5.0 table 2-4: where each property may stand, and a value that it may have

PROPERTIES: dict[int, tuple[str, str]] = {
    0x01: ("01", "publish will"),
    0x02: ("0000000A", "publish will"),
    0x03: ("0001 61", "publish will"),
    0x08: ("0001 61", "publish will"),
    0x09: ("0001 61", "publish will"),
    0x0B: ("01", "publish subscribe"),
    0x11: ("0000000A", "connect connack disconnect"),
    0x12: ("0001 61", "connack"),
    0x13: ("000A", "connack"),
    0x15: ("0001 61", "connect connack auth"),
    0x16: ("0001 61", "connect connack auth"),
    0x17: ("01", "connect"),
    0x18: ("0000000A", "will"),
    0x19: ("01", "connect"),
    0x1A: ("0001 61", "connack"),
    0x1C: ("0001 61", "connack disconnect"),
    0x1F: (
        "0001 61",
        "connack puback pubrec pubrel pubcomp suback unsuback disconnect auth",
    ),
    0x21: ("000A", "connect connack"),
    0x22: ("000A", "connect connack"),
    0x23: ("000A", "publish"),
    0x24: ("01", "connack"),
    0x25: ("01", "connack"),
    0x26: (
        "0001 61 0001 62",
        (
            "connect connack publish will puback pubrec pubrel pubcomp subscribe suback "
            "unsubscribe unsuback disconnect auth"
        ),
    ),
    0x27: ("0000000A", "connect connack"),
    0x28: ("01", "connack"),
    0x29: ("01", "connack"),
    0x2A: ("01", "connack"),
}
METHOD = "15 0001 6D"
PACKETS: dict[str, tuple[str, str, str]] = {
    "connect": ("10", "0004 4D515454 05 02 003C", "0001 63"),
    "will": ("10", "0004 4D515454 05 06 003C 00 0001 63", "0001 77 0001 67"),
    "connack": ("20", "00 00", ""),
    "publish": ("30", "0001 61", ""),
    "puback": ("40", "0001 00", ""),
    "pubrec": ("50", "0001 00", ""),
    "pubrel": ("62", "0001 00", ""),
    "pubcomp": ("70", "0001 00", ""),
    "subscribe": ("82", "0001", "0001 61 00"),
    "suback": ("90", "0001", "00"),
    "unsubscribe": ("A2", "0001", "0001 61"),
    "unsuback": ("B0", "0001", "00"),
    "disconnect": ("E0", "00", ""),
    "auth": ("F0", "18", ""),
}
"""First byte of each packet, and what stands before and behind its properties."""


def with_properties(packet: str, *properties: str) -> bytes:
    first, before, behind = PACKETS[packet]
    block = bytes.fromhex("".join(properties))
    body = bytes.fromhex(before) + bytes([len(block)]) + block + bytes.fromhex(behind)
    return bytes.fromhex(first) + bytes([len(body)]) + body


def method_for(packet: str, property_id: int) -> str:
    """Return what has to stand beside a property: 5.0 3.1.2.11.10 and 3.15.2.2.2."""
    is_needed = packet == "auth" or (packet == "connect" and property_id == 0x16)
    return METHOD if is_needed and property_id != 0x15 else ""


def reader_of(packet: str) -> PacketReader:
    return PacketReader(0 if packet in {"connect", "will"} else 5)


@pytest.mark.parametrize(("property_id", "packet"), list(product(PROPERTIES, PACKETS)))
def test_where_a_property_may_stand(property_id: int, packet: str) -> None:
    value, allowed = PROPERTIES[property_id]
    given = f"{property_id:02X}" + value
    reader = reader_of(packet)

    found = reader.feed(with_properties(packet, method_for(packet, property_id), given))

    if packet in allowed.split():
        assert reader.error is None
        assert len(found) == 1
    else:
        assert reader.error is not None
        assert reader.error.reason_code is MALFORMED


@pytest.mark.parametrize(
    ("property_id", "packet"),
    [
        (each, packet)
        for each, (_, allowed) in PROPERTIES.items()
        for packet in allowed.split()
        if each != 0x26 and (each, packet) != (0x0B, "publish")
    ],
)
def test_a_property_comes_once(property_id: int, packet: str) -> None:
    given = f"{property_id:02X}" + PROPERTIES[property_id][0]
    reader = reader_of(packet)

    found = reader.feed(with_properties(packet, method_for(packet, property_id), given, given))

    assert found == []
    assert reader.error is not None
    assert reader.error.reason_code is PROTOCOL


# -- 5.0 table 2-6: which packet may carry which reason code

REASON_CODES: dict[str, tuple[str, str]] = {
    "connack": (
        "20 03 00 {} 00",
        "00 80 81 82 83 84 85 86 87 88 89 8A 8C 90 95 97 99 9A 9B 9C 9D 9F",
    ),
    "puback": ("40 03 0001 {}", "00 10 80 83 87 90 91 97 99"),
    "pubrec": ("50 03 0001 {}", "00 10 80 83 87 90 91 97 99"),
    "pubrel": ("62 03 0001 {}", "00 92"),
    "pubcomp": ("70 03 0001 {}", "00 92"),
    "suback": ("90 04 0001 00 {}", "00 01 02 80 83 87 8F 91 97 9E A1 A2"),
    "unsuback": ("B0 04 0001 00 {}", "00 11 80 83 87 8F 91"),
    "disconnect": (
        "E0 01 {}",
        "00 04 80 81 82 83 87 89 8B 8D 8E 8F 90 93 94 95 96 97 98 99 9A 9B 9C 9D 9E 9F A0 A1 A2",
    ),
    "auth": ("F0 01 {}", "00 18 19"),
}


@pytest.mark.parametrize("packet", REASON_CODES)
def test_which_reason_codes_a_packet_may_carry(packet: str) -> None:
    text, allowed = REASON_CODES[packet]

    taken = [code for code in range(256) if read(text.format(f"{code:02X}"), 5)[1] is None]

    assert taken == list(bytes.fromhex(allowed))


# -- what a server answers: statement, what comes, what goes out, and why it ends

CONNECT_4 = "10 0D 0004 4D515454 04 02 003C 0001 63"
CONNECT_5 = "10 0E 0004 4D515454 05 02 003C 00 0001 63"
ANSWERS: list[tuple[str, str, str, ReasonCode | None]] = [
    ("5.0 [MQTT-3.1.2-2]: level 6", CONNECT_4.replace("04 02", "06 02"), "20 03 00 84 00",
     ReasonCode.UNSUPPORTED_PROTOCOL_VERSION),
    ("3.1.1 [MQTT-3.1.2-2]: level 2", CONNECT_4.replace("04 02", "02 02"), "20 02 00 01",
     ReasonCode.UNSUPPORTED_PROTOCOL_VERSION),
    ("3.1.1 [MQTT-3.1.3-8]: no client id, clean session 0", "10 0C 0004 4D515454 04 00 003C 0000",
     "20 02 00 02", ReasonCode.CLIENT_IDENTIFIER_NOT_VALID),
    ("3.1.1 [MQTT-3.1.4-1]: a broken CONNECT", CONNECT_4.replace("04 02", "04 03"), "", MALFORMED),
    ("3.1.1 [MQTT-3.1.4-4]", CONNECT_4, "20 02 00 00", None),
    ("3.1.1 [MQTT-3.2.2-3]: no session, clean or not", CONNECT_4.replace("04 02", "04 00"),
     "20 02 00 00", None),
    ("3.1.1 [MQTT-3.1.0-2]: a second CONNECT", CONNECT_4 + CONNECT_4, "20 02 00 00", PROTOCOL),
    ("3.1.1 [MQTT-3.1.0-2]: a second CONNECT, of another level",
     CONNECT_4 + CONNECT_4.replace("04 02", "06 02"), "20 02 00 00",
     ReasonCode.UNSUPPORTED_PROTOCOL_VERSION),
    ("3.1.1 [MQTT-3.12.4-1]", CONNECT_4 + "C0 00", "20 02 00 00 D0 00", None),
    ("3.1.1 [MQTT-3.6.4-1]: PUBREL is answered", CONNECT_4 + "62 02 0001",
     "20 02 00 00 70 02 0001", None),
    ("3.1.1 [MQTT-3.14.4-2]: nothing is read behind DISCONNECT", CONNECT_4 + "E0 00 C0 00",
     "20 02 00 00", None),
    ("3.1.1 4.8: a CONNACK may not come from a client", CONNECT_4 + "20 02 00 00", "20 02 00 00",
     PROTOCOL),
    ("3.1.1 [MQTT-4.8.0-1]: what came before is answered", CONNECT_4 + "C0 00 C1 00",
     "20 02 00 00 D0 00", MALFORMED),
    ("5.0 [MQTT-3.12.4-1]", CONNECT_5 + "C0 00", "{} D0 00", None),
    ("5.0 3.6.2.1: nothing to release", CONNECT_5 + "62 02 0001", "{} 70 03 0001 92", None),
    ("5.0 [MQTT-3.1.0-2]: a second CONNECT", CONNECT_5 + CONNECT_5, "{} E0 01 82", PROTOCOL),
    ("5.0 [MQTT-3.1.0-2]: a second CONNECT, of another level",
     CONNECT_5 + CONNECT_5.replace("05 02", "06 02"), "{} E0 01 82",
     ReasonCode.UNSUPPORTED_PROTOCOL_VERSION),
    ("5.0 [MQTT-4.13.1-1]: malformed", CONNECT_5 + "C1 00", "{} E0 01 81", MALFORMED),
    ("5.0 3.3.2.3.4: an alias that was never set", CONNECT_5 + "30 07 0000 03 23 0001 78",
     "{} E0 01 82", PROTOCOL),
    ("5.0 [MQTT-3.2.2-17]: an alias over the maximum", CONNECT_5 + "30 07 0001 61 03 23 000B",
     "{} E0 01 94", ReasonCode.TOPIC_ALIAS_INVALID),
    ("5.0 [MQTT-3.2.2-14]: retained, where that is not available", CONNECT_5 + "31 04 0001 61 00",
     "{} E0 01 9A", ReasonCode.RETAIN_NOT_SUPPORTED),
    ("5.0 [MQTT-3.3.4-6]: a client's subscription identifier",
     CONNECT_5 + "30 06 0001 61 02 0B 01", "{} E0 01 82", PROTOCOL),
    ("5.0 3.2.2.3.12: a subscription identifier", CONNECT_5 + "82 09 0001 02 0B 01 0001 61 00",
     "{} E0 01 A1", ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED),
    ("5.0 3.14.2.2.2: a session that was not there", CONNECT_5 + "E0 07 00 05 11 0000000A",
     "{} E0 01 82", PROTOCOL),
    ("5.0 [MQTT-4.12.0-7]: AUTH without a method", CONNECT_5 + "F0 00", "{} E0 01 82",
     PROTOCOL),
]  # fmt: skip
CONNACK_5 = "20 14 00 00 11 21 03E8 25 00 27 00010004 22 000A 29 00 2A 00"
"""5.0 3.2.2.3: Receive Maximum 1,000, nothing retained, packets of 65,540 bytes, 10 aliases."""


@pytest.mark.parametrize(
    ("sent", "answer", "code"), [pytest.param(*row[1:], id=row[0]) for row in ANSWERS]
)
def test_what_a_server_answers(sent: str, answer: str, code: ReasonCode | None) -> None:
    session = ServerSession(SessionLimits(), 0)

    session.receive(bytes.fromhex(sent), 0)
    if session.error is None:
        session.accept("assigned", 0)
        session.receive(b"", 0)
    if session.error is not None:
        session.close(session.error.reason_code)

    assert session.data_to_send().hex() == bytes.fromhex(answer.format(CONNACK_5)).hex()
    assert (session.error and session.error.reason_code) is code
