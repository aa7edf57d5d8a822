"""ThingsBoard's device topics: what a publish is, what may be subscribed to, where answers go."""

import re
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from fieldline.protocols.mqtt.topics import matches
from fieldline.transports.mqtt import gateway_topics

TELEMETRY = "v1/devices/me/telemetry"
ATTRIBUTES = "v1/devices/me/attributes"
CLAIM = "v1/devices/me/claim"

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
    UNKNOWN = "unknown"


class Route(NamedTuple):
    """Where a publish goes; an answer goes to ``reply_prefix`` + ``request_id``."""

    purpose: Purpose
    request_id: str = ""
    reply_prefix: str = ""


UNKNOWN = Route(Purpose.UNKNOWN)
_TO_TELEMETRY = Route(Purpose.TELEMETRY)
_TO_ATTRIBUTES = Route(Purpose.ATTRIBUTES)

_ALWAYS = {
    CLAIM: Route(Purpose.CLAIM),
    "v2/t": _TO_TELEMETRY,
    "v2/t/j": _TO_TELEMETRY,
    "v2/a": _TO_ATTRIBUTES,
    "v2/a/j": _TO_ATTRIBUTES,
}
_STANDARD = {TELEMETRY: _TO_TELEMETRY, ATTRIBUTES: _TO_ATTRIBUTES, **_ALWAYS}

# Longer prefixes stand before the ones they begin with; the Protobuf flavours (p) are not spoken.
_WITH_ID: tuple[tuple[str, Purpose, str], ...] = (
    (f"{ATTRIBUTES}/request/", Purpose.ATTRIBUTE_REQUEST, f"{ATTRIBUTES}/response/"),
    ("v2/a/req/p/", Purpose.UNKNOWN, ""),
    ("v2/a/req/j/", Purpose.ATTRIBUTE_REQUEST, "v2/a/res/j/"),
    ("v2/a/req/", Purpose.ATTRIBUTE_REQUEST, "v2/a/res/"),
    ("v1/devices/me/rpc/request/", Purpose.RPC_REQUEST, "v1/devices/me/rpc/response/"),
    ("v2/r/req/p/", Purpose.UNKNOWN, ""),
    ("v2/r/req/j/", Purpose.RPC_REQUEST, "v2/r/res/j/"),
    ("v2/r/req/", Purpose.RPC_REQUEST, "v2/r/res/"),
    ("v1/devices/me/rpc/response/", Purpose.RPC_RESPONSE, ""),
    ("v2/r/res/p/", Purpose.UNKNOWN, ""),
    ("v2/r/res/j/", Purpose.RPC_RESPONSE, ""),
    ("v2/r/res/", Purpose.RPC_RESPONSE, ""),
)

PUSH_TOPICS = {ATTRIBUTES: ATTRIBUTES, "v2/a": "v2/a", "v2/a/j": "v2/a/j"}
"""Filter of a subscription to shared attributes -> the topic that changes are sent to."""

RPC_TOPICS = {
    f"{prefix}+": prefix for prefix in ("v1/devices/me/rpc/request/", "v2/r/req/", "v2/r/req/j/")
}
"""Filter of a subscription to commands -> what a command's number follows in its topic."""

GRANTED = frozenset(
    {
        *PUSH_TOPICS,
        *gateway_topics.GRANTED,
        *(f"v1/devices/me/{kind}/+" for kind in ("rpc/request", "rpc/response")),
        f"{ATTRIBUTES}/response/+",
        *(f"v2/{kind}/+" for kind in ("r/req", "r/req/j", "r/res", "r/res/j", "a/res", "a/res/j")),
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
        "_telemetry",
        "acknowledges_invalid",
        "configuration",
        "names_topic",
        "push_filter",
    )

    def __init__(self, configuration: Mapping[str, object]) -> None:
        self.configuration = configuration
        self.names_topic = configuration.get("type") == "MQTT"
        self.acknowledges_invalid = (
            self.names_topic and configuration.get("sendAckOnValidationException") is True
        )
        self._telemetry = self._own("deviceTelemetryTopic", TELEMETRY)
        self._attributes = self._own("deviceAttributesTopic", ATTRIBUTES)
        self.push_filter = self._own("deviceAttributesSubscribeTopic", ATTRIBUTES)
        self._fixed = _STANDARD
        if self._telemetry is not None or self._attributes is not None:
            self._fixed = dict(_ALWAYS)
            if self._telemetry is None:
                self._fixed[TELEMETRY] = _TO_TELEMETRY
            if self._attributes is None:
                self._fixed[ATTRIBUTES] = _TO_ATTRIBUTES

    def _own(self, name: str, standard: str) -> str | None:
        topic = self.configuration.get(name) if self.names_topic else None
        return topic if isinstance(topic, str) and topic and topic != standard else None

    def route(self, topic: str) -> Route:
        """Return what a publish on that topic is; the profile's own filters come first."""
        if self._attributes is not None and matches(self._attributes, topic):
            return _TO_ATTRIBUTES
        if self._telemetry is not None and matches(self._telemetry, topic):
            return _TO_TELEMETRY
        return self._fixed.get(topic) or _route_with_id(topic)

    def push_topic(self, topic_filter: str) -> str | None:
        """Return where shared attributes go for a subscription; None: it is not one to them."""
        if self.push_filter is not None and topic_filter == self.push_filter:
            return ATTRIBUTES
        return PUSH_TOPICS.get(topic_filter)

    def grants(self, topic_filter: str) -> bool:
        """Tell whether a device with this profile may subscribe to the filter."""
        return topic_filter in GRANTED or topic_filter == self.push_filter


def _route_with_id(topic: str) -> Route:
    for prefix, purpose, reply_prefix in _WITH_ID:
        if topic.startswith(prefix):
            return Route(purpose, topic[len(prefix) :], reply_prefix)
    return UNKNOWN
