"""The properties of MQTT 5 packets.

Source: OASIS MQTT 5.0 section 2.2.2. On the wire a property is an id and a value of a fixed type;
here it is an entry of a typed dictionary. Only ``user_properties`` (and, in a PUBLISH,
``subscription_identifiers``) may come more than once.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypedDict, cast

from fieldline.protocols.mqtt import wire
from fieldline.protocols.mqtt.errors import LocalProtocolError, RemoteProtocolError
from fieldline.protocols.mqtt.reason_codes import ReasonCode
from fieldline.protocols.mqtt.wire import Cursor


class Properties(TypedDict, total=False):
    """What may stand beside a packet; times are seconds, sizes bytes."""

    payload_format_indicator: int
    message_expiry_interval: int
    content_type: str
    response_topic: str
    correlation_data: bytes
    subscription_identifiers: list[int]
    session_expiry_interval: int
    assigned_client_identifier: str
    server_keep_alive: int
    authentication_method: str
    authentication_data: bytes
    request_problem_information: int
    will_delay_interval: int
    request_response_information: int
    response_information: str
    server_reference: str
    reason_string: str
    receive_maximum: int
    topic_alias_maximum: int
    topic_alias: int
    maximum_qos: int
    retain_available: int
    user_properties: list[tuple[str, str]]
    maximum_packet_size: int
    wildcard_subscription_available: int
    subscription_identifier_available: int
    shared_subscription_available: int


class _Type(NamedTuple):
    read: Callable[[Cursor], Any]
    write: Callable[[Any], bytes]


class _Property(NamedTuple):
    id: int
    name: str
    type: _Type
    packets: frozenset[str]
    lowest: int = 0
    highest: int = 0xFFFF_FFFF


def _read_pair(cursor: Cursor) -> tuple[str, str]:
    return cursor.text(), cursor.text()


def _write_pair(pair: tuple[str, str]) -> bytes:
    return wire.text(pair[0]) + wire.text(pair[1])


_BYTE = _Type(Cursor.byte, wire.byte)
_TWO = _Type(Cursor.uint16, wire.uint16)
_FOUR = _Type(Cursor.uint32, wire.uint32)
_VARIABLE = _Type(Cursor.variable_integer, wire.variable_integer)
_TEXT = _Type(Cursor.text, wire.text)
_BINARY = _Type(Cursor.binary, wire.binary)
_PAIR = _Type(_read_pair, _write_pair)

_MESSAGE = frozenset({"publish", "will"})
_ACKS = frozenset({"puback", "pubrec", "pubrel", "pubcomp", "suback", "unsuback"})
_CONNECTION = frozenset({"connect", "connack"})
_CONNACK = frozenset({"connack"})
_SIGN_ON = _CONNECTION | {"auth"}
_EVERY = _MESSAGE | _ACKS | _SIGN_ON | {"subscribe", "unsubscribe", "disconnect"}

_REPEATED = frozenset({"user_properties", "subscription_identifiers"})

_TABLE = (
    _Property(0x01, "payload_format_indicator", _BYTE, _MESSAGE, 0, 1),
    _Property(0x02, "message_expiry_interval", _FOUR, _MESSAGE),
    _Property(0x03, "content_type", _TEXT, _MESSAGE),
    _Property(0x08, "response_topic", _TEXT, _MESSAGE),
    _Property(0x09, "correlation_data", _BINARY, _MESSAGE),
    _Property(0x0B, "subscription_identifiers", _VARIABLE, frozenset({"publish", "subscribe"}), 1),
    _Property(0x11, "session_expiry_interval", _FOUR, _CONNECTION | {"disconnect"}),
    _Property(0x12, "assigned_client_identifier", _TEXT, _CONNACK),
    _Property(0x13, "server_keep_alive", _TWO, _CONNACK),
    _Property(0x15, "authentication_method", _TEXT, _SIGN_ON),
    _Property(0x16, "authentication_data", _BINARY, _SIGN_ON),
    _Property(0x17, "request_problem_information", _BYTE, frozenset({"connect"}), 0, 1),
    _Property(0x18, "will_delay_interval", _FOUR, frozenset({"will"})),
    _Property(0x19, "request_response_information", _BYTE, frozenset({"connect"}), 0, 1),
    _Property(0x1A, "response_information", _TEXT, _CONNACK),
    _Property(0x1C, "server_reference", _TEXT, frozenset({"connack", "disconnect"})),
    _Property(0x1F, "reason_string", _TEXT, _ACKS | {"connack", "disconnect", "auth"}),
    _Property(0x21, "receive_maximum", _TWO, _CONNECTION, 1),
    _Property(0x22, "topic_alias_maximum", _TWO, _CONNECTION),
    _Property(0x23, "topic_alias", _TWO, frozenset({"publish"}), 1),
    _Property(0x24, "maximum_qos", _BYTE, _CONNACK, 0, 1),
    _Property(0x25, "retain_available", _BYTE, _CONNACK, 0, 1),
    _Property(0x26, "user_properties", _PAIR, _EVERY),
    _Property(0x27, "maximum_packet_size", _FOUR, _CONNECTION, 1),
    _Property(0x28, "wildcard_subscription_available", _BYTE, _CONNACK, 0, 1),
    _Property(0x29, "subscription_identifier_available", _BYTE, _CONNACK, 0, 1),
    _Property(0x2A, "shared_subscription_available", _BYTE, _CONNACK, 0, 1),
)
_BY_ID = {row.id: row for row in _TABLE}
_BY_NAME = {row.name: row for row in _TABLE}


def decode_properties(cursor: Cursor, packet: str) -> Properties:
    """Read the property block of a packet of that kind (``"connect"``, ``"will"``, ...).

    Raises:
        RemoteProtocolError: unknown, misplaced, repeated or out of its range.
    """
    length = cursor.variable_integer()
    found: dict[str, Any] = {}
    if length:
        block = cursor.split(length)
        while not block.is_at_end:
            _read_one(block, packet, found)
    return cast("Properties", found)


def _read_one(block: Cursor, packet: str, found: dict[str, Any]) -> None:
    row = _BY_ID.get(block.variable_integer())
    if row is None or packet not in row.packets:
        msg = f"a {packet} packet holds a property that does not belong there"
        raise RemoteProtocolError(msg)
    value = row.type.read(block)
    if isinstance(value, int) and not row.lowest <= value <= row.highest:
        raise RemoteProtocolError(f"property {row.name} may not be {value}", _range_error(row))
    if row.name in _REPEATED and (row.name not in found or _may_repeat(row, packet)):
        found.setdefault(row.name, []).append(value)
    elif row.name in found:
        msg = f"property {row.name} comes twice"
        raise RemoteProtocolError(msg, ReasonCode.PROTOCOL_ERROR)
    else:
        found[row.name] = value


def _may_repeat(row: _Property, packet: str) -> bool:
    return row.name == "user_properties" or packet == "publish"


def _range_error(row: _Property) -> ReasonCode:
    is_alias = row.name == "topic_alias"
    return ReasonCode.TOPIC_ALIAS_INVALID if is_alias else ReasonCode.PROTOCOL_ERROR


def encode_properties(properties: Properties, packet: str) -> bytes:
    """Write a packet's property block, its length in front.

    Raises:
        LocalProtocolError: a property does not belong to that packet or is out of its range.
    """
    if not properties:
        return b"\0"
    parts: list[bytes] = []
    for name, value in cast("Mapping[str, Any]", properties).items():
        row = _BY_NAME[name]
        values = value if name in _REPEATED else [value]
        _check_local(row, packet, values)
        parts += [wire.variable_integer(row.id) + row.type.write(item) for item in values]
    block = b"".join(parts)
    return wire.variable_integer(len(block)) + block


def _check_local(row: _Property, packet: str, values: list[Any]) -> None:
    if packet not in row.packets:
        msg = f"property {row.name} does not belong to a {packet} packet"
        raise LocalProtocolError(msg)
    if len(values) > 1 and not _may_repeat(row, packet):
        msg = f"property {row.name} may come only once in a {packet} packet"
        raise LocalProtocolError(msg)
    for value in values:
        if isinstance(value, int) and not row.lowest <= value <= row.highest:
            msg = f"property {row.name} may not be {value}"
            raise LocalProtocolError(msg)
