"""The packets of MQTT, named as in the standard.

Source: OASIS MQTT 3.1.1 and MQTT 5.0, section 3. Fields that a version does not have keep their
defaults. Packets are data: the codec checks them, in both directions.
"""

from dataclasses import dataclass, field
from enum import IntEnum

from fieldline.protocols.mqtt.properties import Properties

MQTT_31 = 3
MQTT_311 = 4
MQTT_5 = 5


class PacketType(IntEnum):
    """The upper four bits of the first byte."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


@dataclass(frozen=True, slots=True)
class Will:
    """What the server is asked to publish when the connection is lost."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = field(default_factory=Properties)


@dataclass(frozen=True, slots=True)
class Connect:
    """``keep_alive_s`` 0 means no keep-alive; ``clean_start`` is "clean session" in MQTT 3."""

    client_id: str = ""
    version: int = MQTT_311
    clean_start: bool = True
    keep_alive_s: int = 0
    username: str | None = None
    password: bytes | None = None
    will: Will | None = None
    properties: Properties = field(default_factory=Properties)


@dataclass(frozen=True, slots=True)
class Connack:
    """``code`` is a ReasonCode in MQTT 5 and a ConnectReturnCode in MQTT 3."""

    code: int = 0
    session_present: bool = False
    properties: Properties = field(default_factory=Properties)


@dataclass(slots=True)
class Publish:
    """Not frozen: it is made once per message, and a frozen one costs twice the time.

    ``topic`` is empty only in MQTT 5 beside a topic alias; ``packet_id`` is 0 with QoS 0.
    """

    topic: str
    payload: bytes = b""
    qos: int = 0
    packet_id: int = 0
    retain: bool = False
    dup: bool = False
    properties: Properties = field(default_factory=Properties)


@dataclass(frozen=True, slots=True)
class _Acknowledgement:
    packet_id: int
    code: int = 0
    properties: Properties = field(default_factory=Properties)


@dataclass(frozen=True, slots=True)
class Puback(_Acknowledgement):
    """Answer to a PUBLISH of QoS 1."""


@dataclass(frozen=True, slots=True)
class Pubrec(_Acknowledgement):
    """First answer to a PUBLISH of QoS 2."""


@dataclass(frozen=True, slots=True)
class Pubrel(_Acknowledgement):
    """Answer to a PUBREC."""


@dataclass(frozen=True, slots=True)
class Pubcomp(_Acknowledgement):
    """Answer to a PUBREL."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One filter of a SUBSCRIBE; the last three are MQTT 5's."""

    topic_filter: str
    qos: int = 0
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


@dataclass(frozen=True, slots=True)
class Subscribe:
    packet_id: int
    subscriptions: list[Subscription]
    properties: Properties = field(default_factory=Properties)


@dataclass(frozen=True, slots=True)
class Suback:
    """One code per filter, in the order of the SUBSCRIBE."""

    packet_id: int
    codes: list[int]
    properties: Properties = field(default_factory=Properties)


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    packet_id: int
    topic_filters: list[str]
    properties: Properties = field(default_factory=Properties)


@dataclass(frozen=True, slots=True)
class Unsuback:
    """MQTT 3 has no ``codes``."""

    packet_id: int
    codes: list[int] = field(default_factory=list)
    properties: Properties = field(default_factory=Properties)


@dataclass(frozen=True, slots=True)
class Pingreq:
    pass


@dataclass(frozen=True, slots=True)
class Pingresp:
    pass


@dataclass(frozen=True, slots=True)
class Disconnect:
    code: int = 0
    properties: Properties = field(default_factory=Properties)


@dataclass(frozen=True, slots=True)
class Auth:
    code: int = 0
    properties: Properties = field(default_factory=Properties)


Packet = (
    Connect
    | Connack
    | Publish
    | Puback
    | Pubrec
    | Pubrel
    | Pubcomp
    | Subscribe
    | Suback
    | Unsubscribe
    | Unsuback
    | Pingreq
    | Pingresp
    | Disconnect
    | Auth
)
