"""The server's answer to a CONNECT: what is offered, what is refused, and in which words.

Source: OASIS MQTT 5.0 sections 3.1 and 3.2; OASIS MQTT 3.1.1 section 3.2.
"""

from dataclasses import dataclass

from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.errors import RemoteProtocolError
from fieldline.protocols.mqtt.packets import MQTT_5, MQTT_31, MQTT_311, Connack, Connect
from fieldline.protocols.mqtt.properties import Properties
from fieldline.protocols.mqtt.reason_codes import CONNACK_CODES, ConnectReturnCode, ReasonCode

MAX_CLIENT_ID_31 = 23
"""Characters of a client id in MQTT 3.1 (its section 3.1)."""

_RETURN_CODES: dict[int, ConnectReturnCode] = {
    ReasonCode.CLIENT_IDENTIFIER_NOT_VALID: ConnectReturnCode.IDENTIFIER_REJECTED,
    ReasonCode.BAD_USER_NAME_OR_PASSWORD: ConnectReturnCode.NOT_AUTHORIZED,
    ReasonCode.NOT_AUTHORIZED: ConnectReturnCode.NOT_AUTHORIZED,
    ReasonCode.UNSPECIFIED_ERROR: ConnectReturnCode.SERVER_UNAVAILABLE,
    ReasonCode.SERVER_UNAVAILABLE: ConnectReturnCode.SERVER_UNAVAILABLE,
    ReasonCode.QUOTA_EXCEEDED: ConnectReturnCode.SERVER_UNAVAILABLE,
    ReasonCode.CONNECTION_RATE_EXCEEDED: ConnectReturnCode.SERVER_UNAVAILABLE,
}
"""What MQTT 3 calls a refusal. Anything else is a CONNECT that is wrong in itself: the socket
closes without a CONNACK ([MQTT-3.1.4-1] of 3.1.1)."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What one connection may use; times in milliseconds, sizes in bytes."""

    max_remaining_length: int = 65_536
    receive_maximum: int = 1_000
    topic_alias_maximum: int = 10
    max_unacknowledged: int = 100
    max_queued: int = 20_000
    max_queued_bytes: int = 1_048_576
    max_held_bytes: int = 1_048_576
    connect_timeout_ms: int = 10_000
    authentication_timeout_ms: int = 30_000
    idle_timeout_ms: int = 600_000


def check_connect(connect: Connect) -> None:
    """Refuse a well-formed CONNECT that asks for what is not there.

    Raises:
        RemoteProtocolError: with the code of the CONNACK.
    """
    if connect.version == MQTT_31 and not 1 <= len(connect.client_id) <= MAX_CLIENT_ID_31:
        msg = f"a client id of MQTT 3.1 has 1 to {MAX_CLIENT_ID_31} characters"
        raise RemoteProtocolError(msg, ReasonCode.CLIENT_IDENTIFIER_NOT_VALID)
    if connect.version == MQTT_311 and not connect.client_id and not connect.clean_start:
        msg = "an empty client id needs clean session 1"
        raise RemoteProtocolError(msg, ReasonCode.CLIENT_IDENTIFIER_NOT_VALID)
    if connect.version == MQTT_5:
        _check_connect_5(connect)


def _check_connect_5(connect: Connect) -> None:
    if "authentication_method" in connect.properties:
        msg = "enhanced authentication is not supported; use user name and password"
        raise RemoteProtocolError(msg, ReasonCode.BAD_AUTHENTICATION_METHOD)
    if connect.will is not None and connect.will.retain:
        msg = "retained messages are not supported"
        raise RemoteProtocolError(msg, ReasonCode.RETAIN_NOT_SUPPORTED)


def connack_properties(
    connect: Connect, limits: SessionLimits, assigned_client_id: str
) -> Properties:
    """Return what an MQTT 5 client is told about this server."""
    # No wildcard_subscription_available=0: clients that obey it would then refuse to subscribe to
    # v1/devices/me/rpc/request/+, which is granted.
    properties = Properties(
        receive_maximum=limits.receive_maximum,
        retain_available=0,
        maximum_packet_size=max_packet_size(limits.max_remaining_length),
        topic_alias_maximum=limits.topic_alias_maximum,
        subscription_identifier_available=0,
        shared_subscription_available=0,
    )
    if connect.properties.get("session_expiry_interval"):
        properties["session_expiry_interval"] = 0
    if not connect.client_id:
        properties["assigned_client_identifier"] = assigned_client_id
    if not connect.keep_alive_s:
        properties["server_keep_alive"] = min(limits.idle_timeout_ms // 1500, 0xFFFF)
    return properties


def max_packet_size(remaining_length: int) -> int:
    """Return the bytes of a whole packet: its type, its length and its body."""
    return 1 + max(1, -(-remaining_length.bit_length() // 7)) + remaining_length


def refusal(version: int, code: ReasonCode, message: str = "") -> bytes:
    """Encode the CONNACK that refuses a client; empty where MQTT 3 has no word for it."""
    if version == MQTT_5:
        known = code if code in CONNACK_CODES else ReasonCode.UNSPECIFIED_ERROR
        properties = Properties(reason_string=message) if message else Properties()
        return encode(Connack(known, properties=properties), version)
    if code in _RETURN_CODES:
        return encode(Connack(_RETURN_CODES[code]), version)
    return b""


def refusal_of_version(level: int) -> bytes:
    """Encode the CONNACK for a protocol level that is not spoken here, in the nearest one."""
    if level > MQTT_5:
        return encode(Connack(ReasonCode.UNSUPPORTED_PROTOCOL_VERSION), MQTT_5)
    return encode(Connack(ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION), MQTT_311)
