"""ThingsBoard's device topics: what a publish is, what may be subscribed to, where answers go."""

import re
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from fieldline.protocols.mqtt.topics import matches
from fieldline.transports.mqtt import gateway_topics
from fieldline.transports.mqtt.payloads import (
    JSON,
    REMEMBERED,
    Payloads,
    ProtobufPayloads,
    protobuf_payloads,
)

TELEMETRY = "v1/devices/me/telemetry"
ATTRIBUTES = "v1/devices/me/attributes"
CLAIM = "v1/devices/me/claim"
_RPC = "v1/devices/me/rpc"
RPC_REQUESTS = f"{_RPC}/request/"

_REQUEST_ID = re.compile(r"[+-]?[0-9]{1,10}")
MAX_REQUEST_ID = 2**31 - 1


class Purpose(Enum):
    """What a publish wants."""

    TELEMETRY = "telemetry"
    ATTRIBUTES = "attributes"
    ATTRIBUTE_REQUEST = "attribute request"
    RPC_REQUEST = "RPC request"
    RPC_RESPONSE = "RPC response"
    CLAIM = "claim"
    PACKAGE = "chunk of an OTA package"
    UNKNOWN = "unknown"


class Flavour(Enum):
    """Who says the format of what is on a topic."""

    DEFAULT = "the profile; what is sent may be JSON nevertheless"
    PROFILE = "the profile"
    JSON = "the topic: JSON"
    PROTOBUF = "the topic: Protobuf"


class Route(NamedTuple):
    """Where a publish goes, and how it is read.

    ``protobuf`` is None where it is JSON. An answer goes to ``reply_prefix`` + ``request_id``.
    """

    purpose: Purpose
    protobuf: ProtobufPayloads | None = None
    request_id: str = ""
    reply_prefix: str = ""


UNKNOWN = Route(Purpose.UNKNOWN)

_ALWAYS = (
    (CLAIM, Purpose.CLAIM, Flavour.DEFAULT),
    ("v2/t", Purpose.TELEMETRY, Flavour.PROFILE),
    ("v2/t/j", Purpose.TELEMETRY, Flavour.JSON),
    ("v2/t/p", Purpose.TELEMETRY, Flavour.PROTOBUF),
    ("v2/a", Purpose.ATTRIBUTES, Flavour.PROFILE),
    ("v2/a/j", Purpose.ATTRIBUTES, Flavour.JSON),
    ("v2/a/p", Purpose.ATTRIBUTES, Flavour.PROTOBUF),
)

# Longer prefixes stand before the ones they begin with.
_WITH_ID: tuple[tuple[str, Purpose, str, Flavour], ...] = (
    (
        f"{ATTRIBUTES}/request/",
        Purpose.ATTRIBUTE_REQUEST,
        f"{ATTRIBUTES}/response/",
        Flavour.DEFAULT,
    ),
    ("v2/a/req/p/", Purpose.ATTRIBUTE_REQUEST, "v2/a/res/p/", Flavour.PROTOBUF),
    ("v2/a/req/j/", Purpose.ATTRIBUTE_REQUEST, "v2/a/res/j/", Flavour.JSON),
    ("v2/a/req/", Purpose.ATTRIBUTE_REQUEST, "v2/a/res/", Flavour.PROFILE),
    (RPC_REQUESTS, Purpose.RPC_REQUEST, f"{_RPC}/response/", Flavour.DEFAULT),
    ("v2/r/req/p/", Purpose.RPC_REQUEST, "v2/r/res/p/", Flavour.PROTOBUF),
    ("v2/r/req/j/", Purpose.RPC_REQUEST, "v2/r/res/j/", Flavour.JSON),
    ("v2/r/req/", Purpose.RPC_REQUEST, "v2/r/res/", Flavour.PROFILE),
    (f"{_RPC}/response/", Purpose.RPC_RESPONSE, "", Flavour.DEFAULT),
    ("v2/r/res/p/", Purpose.RPC_RESPONSE, "", Flavour.PROTOBUF),
    ("v2/r/res/j/", Purpose.RPC_RESPONSE, "", Flavour.JSON),
    ("v2/r/res/", Purpose.RPC_RESPONSE, "", Flavour.PROFILE),
    ("v2/fw/request/", Purpose.PACKAGE, "v2/fw/response/", Flavour.DEFAULT),
    ("v2/sw/request/", Purpose.PACKAGE, "v2/sw/response/", Flavour.DEFAULT),
)

_DOWNLINKS = {
    ATTRIBUTES: Flavour.DEFAULT,
    "v2/a": Flavour.PROFILE,
    "v2/a/j": Flavour.JSON,
    "v2/a/p": Flavour.PROTOBUF,
    RPC_REQUESTS: Flavour.DEFAULT,
    "v2/r/req/": Flavour.PROFILE,
    "v2/r/req/j/": Flavour.JSON,
    "v2/r/req/p/": Flavour.PROTOBUF,
    **{reply: flavour for _, _, reply, flavour in _WITH_ID if reply},
}
"""The format of what is sent on a topic, or on one that begins so."""

PUSH_TOPICS = {topic: topic for topic in (ATTRIBUTES, "v2/a", "v2/a/j", "v2/a/p")}
"""Filter of a subscription to shared attributes -> the topic that changes are sent to."""

RPC_TOPICS = {
    f"{prefix}+": prefix for prefix in (RPC_REQUESTS, "v2/r/req/", "v2/r/req/j/", "v2/r/req/p/")
}
"""Filter of a subscription to commands -> what a command's number follows in its topic."""

GRANTED = frozenset(
    {
        *PUSH_TOPICS,
        *gateway_topics.GRANTED,
        *RPC_TOPICS,
        *(f"{reply}+" for _, to, reply, _ in _WITH_ID if reply and to is not Purpose.PACKAGE),
        *(f"v2/{kind}/response/+/chunk/+" for kind in ("fw", "sw")),
        *(f"v2/{kind}/error" for kind in ("fw", "sw")),
    }
)
"""Filters that every device may subscribe to, compared as text."""


def request_number(route: Route) -> int | None:
    """Return a request's id as a number, or None when it is none of 32 bits."""
    if not _REQUEST_ID.fullmatch(route.request_id):
        return None
    number = int(route.request_id)
    return number if -MAX_REQUEST_ID - 1 <= number <= MAX_REQUEST_ID else None


class DeviceTopics:
    """The topics of one device, as its profile's MQTT settings say.

    Args:
        configuration: the profile's transport configuration, ThingsBoard's form. A profile with
            own topics loses the v1 telemetry or attributes topic; the v2 ones stay.
    """

    __slots__ = (
        "_attributes",
        "_fixed",
        "_forced",
        "_sends_json",
        "_telemetry",
        "_to_attributes",
        "_to_telemetry",
        "acknowledges_invalid",
        "configuration",
        "names_topic",
        "protobuf",
        "push_filter",
    )

    def __init__(self, configuration: Mapping[str, object]) -> None:
        self.configuration = configuration
        self.names_topic = configuration.get("type") == "MQTT"
        self.acknowledges_invalid = (
            self.names_topic and configuration.get("sendAckOnValidationException") is True
        )
        self._set_payloads(configuration.get("transportPayloadTypeConfiguration"))
        self._telemetry = self._own("deviceTelemetryTopic", TELEMETRY)
        self._attributes = self._own("deviceAttributesTopic", ATTRIBUTES)
        self.push_filter = self._own("deviceAttributesSubscribeTopic", ATTRIBUTES)
        self._to_telemetry = Route(Purpose.TELEMETRY, self.protobuf)
        self._to_attributes = Route(Purpose.ATTRIBUTES, self.protobuf)
        self._fixed = _fixed_routes(
            self.protobuf,
            self._forced,
            has_telemetry=self._telemetry is None,
            has_attributes=self._attributes is None,
        )

    def _set_payloads(self, given: object) -> None:
        self.protobuf: ProtobufPayloads | None = None
        """The profile's format, where it is not JSON."""
        self._forced = protobuf_payloads({})
        self._sends_json = False
        if not self.names_topic or not isinstance(given, Mapping):
            return
        if given.get("transportPayloadType") == "PROTOBUF":
            or_json = given.get("enableCompatibilityWithJsonPayloadFormat") is True
            self.protobuf = protobuf_payloads(given, or_json=or_json)
            self._forced = protobuf_payloads(given)
            self._sends_json = (
                or_json and given.get("useJsonPayloadFormatForDefaultDownlinkTopics") is True
            )

    def _own(self, name: str, standard: str) -> str | None:
        topic = self.configuration.get(name) if self.names_topic else None
        return topic if isinstance(topic, str) and topic and topic != standard else None

    def route(self, topic: str) -> Route:
        """Return what a publish on that topic is; the profile's own filters come first."""
        if self._attributes is not None and matches(self._attributes, topic):
            return self._to_attributes
        if self._telemetry is not None and matches(self._telemetry, topic):
            return self._to_telemetry
        return self._fixed.get(topic) or self._route_with_id(topic)

    def _route_with_id(self, topic: str) -> Route:
        for prefix, purpose, reply_prefix, flavour in _WITH_ID:
            if topic.startswith(prefix):
                protobuf = _read_by(flavour, self.protobuf, self._forced)
                return Route(purpose, protobuf, topic[len(prefix) :], reply_prefix)
        return UNKNOWN

    def written_by(self, topic: str) -> Payloads:
        """Return what writes the messages on a topic, or on one that begins so."""
        flavour = _DOWNLINKS[topic]
        if flavour is Flavour.DEFAULT and self._sends_json:
            return JSON
        return _read_by(flavour, self.protobuf, self._forced) or JSON

    def push_topic(self, topic_filter: str) -> str | None:
        """Return where shared attributes go for a subscription; None: it is not one to them."""
        if self.push_filter is not None and topic_filter == self.push_filter:
            return ATTRIBUTES
        return PUSH_TOPICS.get(topic_filter)

    def grants(self, topic_filter: str) -> bool:
        """Tell whether a device with this profile may subscribe to the filter."""
        return topic_filter in GRANTED or topic_filter == self.push_filter


def _read_by(
    flavour: Flavour, by_profile: ProtobufPayloads | None, forced: ProtobufPayloads
) -> ProtobufPayloads | None:
    if flavour is Flavour.JSON:
        return None
    return forced if flavour is Flavour.PROTOBUF else by_profile


@lru_cache(maxsize=REMEMBERED)
def _fixed_routes(
    by_profile: ProtobufPayloads | None,
    forced: ProtobufPayloads,
    *,
    has_telemetry: bool,
    has_attributes: bool,
) -> Mapping[str, Route]:
    """Return the routes of topics without an id, one table for all devices of a kind."""
    found = {
        topic: Route(purpose, _read_by(flavour, by_profile, forced))
        for topic, purpose, flavour in _ALWAYS
    }
    if has_telemetry:
        found[TELEMETRY] = Route(Purpose.TELEMETRY, by_profile)
    if has_attributes:
        found[ATTRIBUTES] = Route(Purpose.ATTRIBUTES, by_profile)
    return found
