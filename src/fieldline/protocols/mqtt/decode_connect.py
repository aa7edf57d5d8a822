"""Decode CONNECT and CONNACK. Source: OASIS MQTT 3.1.1 and 5.0, sections 3.1 and 3.2."""

from fieldline.protocols.mqtt.errors import RemoteProtocolError, UnsupportedVersionError
from fieldline.protocols.mqtt.packets import (
    MQTT_5,
    MQTT_31,
    MQTT_311,
    Connack,
    Connect,
    Will,
)
from fieldline.protocols.mqtt.properties import Properties, decode_properties
from fieldline.protocols.mqtt.reason_codes import CONNACK_CODES, ConnectReturnCode, ReasonCode
from fieldline.protocols.mqtt.topics import check_topic_name
from fieldline.protocols.mqtt.wire import Cursor

_PROTOCOL_NAMES = {"MQIsdp": {MQTT_31}, "MQTT": {MQTT_311, MQTT_5}}

_CLEAN_START = 0x02
_WILL = 0x04
_WILL_RETAIN = 0x20
_PASSWORD = 0x40
_USERNAME = 0x80


def decode_connect(cursor: Cursor, _version: int) -> Connect:
    """Read the body of a CONNECT; it says itself which version it speaks."""
    name = cursor.text()
    if name not in _PROTOCOL_NAMES:
        raise RemoteProtocolError("the protocol name is neither MQTT nor MQIsdp")
    version = cursor.byte()
    if version not in _PROTOCOL_NAMES[name]:
        raise UnsupportedVersionError(version)
    flags = cursor.byte()
    _check_flags(flags, version)
    keep_alive_s = cursor.uint16()
    properties = decode_properties(cursor, "connect") if version == MQTT_5 else Properties()
    if "authentication_data" in properties and "authentication_method" not in properties:
        msg = "CONNECT has authentication data without a method"
        raise RemoteProtocolError(msg, ReasonCode.PROTOCOL_ERROR)
    client_id = cursor.text()
    return Connect(
        client_id=client_id,
        version=version,
        clean_start=bool(flags & _CLEAN_START),
        keep_alive_s=keep_alive_s,
        will=_decode_will(cursor, flags, version) if flags & _WILL else None,
        username=cursor.text() if _has(cursor, flags & _USERNAME, version) else None,
        password=cursor.binary() if _has(cursor, flags & _PASSWORD, version) else None,
        properties=properties,
    )


def _has(cursor: Cursor, flag: int, version: int) -> bool:
    """Tell whether a field comes; in MQTT 3.1 the length counts more than the flag (its 3.1)."""
    return bool(flag) and not (version == MQTT_31 and cursor.is_at_end)


def _check_flags(flags: int, version: int) -> None:
    if flags & 1:
        raise RemoteProtocolError("the reserved flag of CONNECT is set")
    if flags & _WILL:
        if flags >> 3 & 3 == 3:
            raise RemoteProtocolError("the will has QoS 3")
    elif flags & 0x38:
        raise RemoteProtocolError("CONNECT describes a will that it does not have")
    if version != MQTT_5 and flags & _PASSWORD and not flags & _USERNAME:
        raise RemoteProtocolError("CONNECT has a password without a user name")


def _decode_will(cursor: Cursor, flags: int, version: int) -> Will:
    properties = decode_properties(cursor, "will") if version == MQTT_5 else Properties()
    topic = cursor.text()
    check_topic_name(topic)
    if not topic:
        raise RemoteProtocolError("the will has an empty topic")
    return Will(topic, cursor.binary(), flags >> 3 & 3, bool(flags & _WILL_RETAIN), properties)


def decode_connack(cursor: Cursor, version: int) -> Connack:
    """Read the body of a CONNACK."""
    flags = cursor.byte()
    if flags > 1:
        raise RemoteProtocolError("the reserved flags of CONNACK are set")
    code = cursor.byte()
    allowed = CONNACK_CODES if version == MQTT_5 else set(ConnectReturnCode)
    if code not in allowed:
        raise RemoteProtocolError(f"CONNACK has the unknown code 0x{code:02X}")
    if flags and code:
        raise RemoteProtocolError("a refusing CONNACK says that a session is present")
    properties = decode_properties(cursor, "connack") if version == MQTT_5 else Properties()
    return Connack(code, bool(flags), properties)
