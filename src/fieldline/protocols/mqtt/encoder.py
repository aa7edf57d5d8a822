"""Packets to bytes. Source: OASIS MQTT 3.1.1 and 5.0, sections 2 and 3."""

from collections.abc import Callable, Iterable
from struct import pack
from typing import Any

from fieldline.protocols.mqtt import packets as p
from fieldline.protocols.mqtt import reason_codes as codes
from fieldline.protocols.mqtt import topics, wire
from fieldline.protocols.mqtt.errors import LocalProtocolError, RemoteProtocolError
from fieldline.protocols.mqtt.packets import MQTT_5, MQTT_31, Packet, PacketType
from fieldline.protocols.mqtt.properties import Properties, encode_properties

PINGRESP = b"\xd0\x00"
_PUBACK = 0x4002_0000


def encode(packet: Packet, version: int) -> bytes:
    """Encode a packet for a peer of that version.

    Raises:
        LocalProtocolError: the standard does not allow such a packet.
    """
    flags, body = _BY_TYPE[type(packet)](packet, version)
    return bytes((flags,)) + wire.variable_integer(len(body)) + body


def encode_pubacks(packet_ids: list[int]) -> bytes:
    """Encode one successful PUBACK per packet id, in any version, as one piece of bytes."""
    return pack(f">{len(packet_ids)}I", *[_PUBACK | packet_id for packet_id in packet_ids])


def _packet_id(value: int) -> bytes:
    if value == 0:
        raise LocalProtocolError("packet id 0 is not allowed")
    return wire.uint16(value)


def _properties(properties: Properties, name: str, version: int) -> bytes:
    if version == MQTT_5:
        return encode_properties(properties, name)
    if properties:
        raise LocalProtocolError("MQTT 3 packets have no properties")
    return b""


def _topic_name(topic: str) -> bytes:
    try:
        topics.check_topic_name(topic)
    except RemoteProtocolError as error:
        raise LocalProtocolError(str(error)) from error
    return wire.text(topic)


def _topic_filter(topic_filter: str) -> bytes:
    try:
        topics.check_topic_filter(topic_filter)
    except RemoteProtocolError as error:
        raise LocalProtocolError(str(error)) from error
    return wire.text(topic_filter)


def _code(code: int, allowed: Iterable[int]) -> bytes:
    if code not in set(allowed):
        msg = f"reason code 0x{code:02X} does not belong in that packet"
        raise LocalProtocolError(msg)
    return bytes((code,))


def _qos(qos: int) -> int:
    if qos not in {0, 1, 2}:
        msg = f"QoS {qos} does not exist"
        raise LocalProtocolError(msg)
    return qos


def _connect(packet: p.Connect, version: int) -> tuple[int, bytes]:
    if version != packet.version:
        raise LocalProtocolError("a CONNECT is encoded in the version that it announces")
    if packet.password is not None and packet.username is None and version != MQTT_5:
        raise LocalProtocolError("MQTT 3 has no password without a user name")
    flags = packet.clean_start << 1
    flags |= (packet.username is not None) << 7 | (packet.password is not None) << 6
    will = b""
    if packet.will is not None:
        flags |= 0x04 | _qos(packet.will.qos) << 3 | packet.will.retain << 5
        will = _will(packet.will, version)
    body = [
        wire.text("MQIsdp" if version == MQTT_31 else "MQTT"),
        bytes((version, flags)),
        wire.uint16(packet.keep_alive_s),
        _properties(packet.properties, "connect", version),
        wire.text(packet.client_id),
        will,
        b"" if packet.username is None else wire.text(packet.username),
        b"" if packet.password is None else wire.binary(packet.password),
    ]
    return PacketType.CONNECT << 4, b"".join(body)


def _will(will: p.Will, version: int) -> bytes:
    if not will.topic:
        raise LocalProtocolError("a will needs a topic")
    properties = _properties(will.properties, "will", version)
    return properties + _topic_name(will.topic) + wire.binary(will.payload)


def _connack(packet: p.Connack, version: int) -> tuple[int, bytes]:
    if packet.code and packet.session_present:
        raise LocalProtocolError("a refusing CONNACK cannot have a session")
    allowed = codes.CONNACK_CODES if version == MQTT_5 else set(codes.ConnectReturnCode)
    body = bytes((packet.session_present,)) + _code(packet.code, allowed)
    return PacketType.CONNACK << 4, body + _properties(packet.properties, "connack", version)


def _publish(packet: p.Publish, version: int) -> tuple[int, bytes]:
    qos = _qos(packet.qos)
    if not packet.topic and "topic_alias" not in packet.properties:
        raise LocalProtocolError("a PUBLISH needs a topic or a topic alias")
    if not qos and (packet.dup or packet.packet_id):
        raise LocalProtocolError("a PUBLISH of QoS 0 has neither DUP nor a packet id")
    response_topic = packet.properties.get("response_topic")
    if response_topic is not None:
        _topic_name(response_topic)
    flags = PacketType.PUBLISH << 4 | packet.dup << 3 | qos << 1 | packet.retain
    body = [
        _topic_name(packet.topic),
        _packet_id(packet.packet_id) if qos else b"",
        _properties(packet.properties, "publish", version),
        packet.payload,
    ]
    return flags, b"".join(body)


def _acknowledgement(
    kind: int, name: str, allowed: frozenset[int]
) -> Callable[[Any, int], tuple[int, bytes]]:
    def encode_it(packet: p.Puback, version: int) -> tuple[int, bytes]:
        body = _packet_id(packet.packet_id)
        if version != MQTT_5:
            if packet.code or packet.properties:
                raise LocalProtocolError("MQTT 3 acknowledgements have no reason code")
        elif packet.code or packet.properties:
            body += _code(packet.code, allowed)
            if packet.properties:
                body += encode_properties(packet.properties, name)
        return kind, body

    return encode_it


def _subscribe(packet: p.Subscribe, version: int) -> tuple[int, bytes]:
    if not packet.subscriptions:
        raise LocalProtocolError("a SUBSCRIBE needs a topic filter")
    body = [_packet_id(packet.packet_id), _properties(packet.properties, "subscribe", version)]
    for item in packet.subscriptions:
        options = _qos(item.qos) | item.no_local << 2
        options |= item.retain_as_published << 3 | item.retain_handling << 4
        if options > 2 and (version != MQTT_5 or item.retain_handling > 2):
            raise LocalProtocolError("subscription options that this version does not have")
        if item.no_local and item.topic_filter.startswith("$share/"):
            raise LocalProtocolError("a shared subscription cannot be no-local")
        body.append(_topic_filter(item.topic_filter) + bytes((options,)))
    return PacketType.SUBSCRIBE << 4 | 2, b"".join(body)


def _suback(packet: p.Suback, version: int) -> tuple[int, bytes]:
    if not packet.codes:
        raise LocalProtocolError("a SUBACK needs one code per topic filter")
    allowed = codes.SUBACK_CODES if version == MQTT_5 else codes.V3_SUBSCRIBE_CODES
    body = [_packet_id(packet.packet_id), _properties(packet.properties, "suback", version)]
    body += [_code(code, allowed) for code in packet.codes]
    return PacketType.SUBACK << 4, b"".join(body)


def _unsubscribe(packet: p.Unsubscribe, version: int) -> tuple[int, bytes]:
    if not packet.topic_filters:
        raise LocalProtocolError("an UNSUBSCRIBE needs a topic filter")
    body = [_packet_id(packet.packet_id), _properties(packet.properties, "unsubscribe", version)]
    body += [_topic_filter(topic_filter) for topic_filter in packet.topic_filters]
    return PacketType.UNSUBSCRIBE << 4 | 2, b"".join(body)


def _unsuback(packet: p.Unsuback, version: int) -> tuple[int, bytes]:
    body = [_packet_id(packet.packet_id), _properties(packet.properties, "unsuback", version)]
    if version == MQTT_5:
        if not packet.codes:
            raise LocalProtocolError("an UNSUBACK needs one code per topic filter")
        body += [_code(code, codes.UNSUBACK_CODES) for code in packet.codes]
    elif packet.codes:
        raise LocalProtocolError("an UNSUBACK of MQTT 3 has no codes")
    return PacketType.UNSUBACK << 4, b"".join(body)


def _pingreq(_packet: p.Pingreq, _version: int) -> tuple[int, bytes]:
    return PacketType.PINGREQ << 4, b""


def _pingresp(_packet: p.Pingresp, _version: int) -> tuple[int, bytes]:
    return PacketType.PINGRESP << 4, b""


def _disconnect(packet: p.Disconnect, version: int) -> tuple[int, bytes]:
    body = b""
    if version == MQTT_5 and (packet.code or packet.properties):
        body = _code(packet.code, codes.DISCONNECT_CODES)
        if packet.properties:
            body += encode_properties(packet.properties, "disconnect")
    elif packet.code or packet.properties:
        raise LocalProtocolError("a DISCONNECT of MQTT 3 says nothing")
    return PacketType.DISCONNECT << 4, body


def _auth(packet: p.Auth, version: int) -> tuple[int, bytes]:
    if version != MQTT_5:
        raise LocalProtocolError("AUTH exists since MQTT 5")
    if packet.properties and "authentication_method" not in packet.properties:
        raise LocalProtocolError("an AUTH names its method")
    body = b""
    if packet.code or packet.properties:
        body = _code(packet.code, codes.AUTH_CODES)
        body += encode_properties(packet.properties, "auth")
    return PacketType.AUTH << 4, body


_BY_TYPE: dict[type, Callable[[Any, int], tuple[int, bytes]]] = {
    p.Connect: _connect,
    p.Connack: _connack,
    p.Publish: _publish,
    p.Puback: _acknowledgement(PacketType.PUBACK << 4, "puback", codes.PUBACK_CODES),
    p.Pubrec: _acknowledgement(PacketType.PUBREC << 4, "pubrec", codes.PUBACK_CODES),
    p.Pubrel: _acknowledgement(PacketType.PUBREL << 4 | 2, "pubrel", codes.PUBREL_CODES),
    p.Pubcomp: _acknowledgement(PacketType.PUBCOMP << 4, "pubcomp", codes.PUBREL_CODES),
    p.Subscribe: _subscribe,
    p.Suback: _suback,
    p.Unsubscribe: _unsubscribe,
    p.Unsuback: _unsuback,
    p.Pingreq: _pingreq,
    p.Pingresp: _pingresp,
    p.Disconnect: _disconnect,
    p.Auth: _auth,
}
