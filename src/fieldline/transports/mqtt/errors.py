"""From the kind of an error to MQTT's words for it.

A publish is answered by PUBACK with a reason code where the device can go on, and by closing the
connection (MQTT 5: DISCONNECT with the reason) where ThingsBoard does so too.
Source: OASIS MQTT 5.0 section 3.4.2.1, and what ThingsBoard answers where it says otherwise.
"""

from dataclasses import dataclass

from fieldline.ingest.client_rpc import MissingMethod
from fieldline.kit.errors import (
    Conflict,
    FieldlineError,
    Forbidden,
    Invalid,
    LimitReached,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from fieldline.kit.telemetry_json import InvalidTimestamp
from fieldline.protocols.mqtt.packets import Connect
from fieldline.protocols.mqtt.reason_codes import ReasonCode
from fieldline.transports.mqtt.gateway_topics import MalformedGatewayMessage


class InvalidRequestId(Invalid):
    """The last level of a request's topic is no number; an RPC's ends the connection."""


class InvalidChunkSize(Invalid):
    """The size of a chunk of an OTA package is no number; that ends the connection."""


class PackageRefused(FieldlineError):
    """A chunk cannot be had; ``word`` is what the device is told before its connection ends."""

    def __init__(self, message: str, *, word: str) -> None:
        super().__init__(message)
        self.word = word

    @classmethod
    def too_large(cls, limit: int) -> "PackageRefused":
        """Return what an answer over a limit in bytes means."""
        msg = f"A message with more than {limit} bytes of a package cannot be sent; ask for less"
        return cls(msg, word="PAYLOAD_TOO_LARGE")


class SubDeviceRefused(FieldlineError):
    """A device of a gateway could not be connected; what it says is not taken.

    ``is_over_limit``: the tenant has as many devices as it may.
    """

    def __init__(self, message: str, *, is_over_limit: bool = False) -> None:
        super().__init__(message)
        self.is_over_limit = is_over_limit

    @classmethod
    def of(cls, error: FieldlineError) -> "SubDeviceRefused":
        """Return what ``error`` means to the gateway."""
        return cls(error.message, is_over_limit=isinstance(error, LimitReached))


class SubDeviceLimited(FieldlineError):
    """A device of a gateway sent more than it may."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a publish.

    ``is_fatal`` ends the connection, with ``is_told`` after a PUBACK that says why, with
    ``is_acknowledged`` also after one that cannot (MQTT 3). Else it goes on; so it does with
    ``is_quiet`` for a client that cannot be told (MQTT 3, QoS 0), whose connection ends without it.
    """

    code: ReasonCode
    is_fatal: bool
    is_quiet: bool = False
    is_told: bool = False
    is_acknowledged: bool = False


# The first kind that fits counts, so special ones stand before general ones. The first four end the
# connection because they do so in ThingsBoard, which says 0x8B of them: that it is shutting down.
_PUBLISH: tuple[tuple[type[FieldlineError], Verdict], ...] = (
    (InvalidTimestamp, Verdict(ReasonCode.PAYLOAD_FORMAT_INVALID, is_fatal=True)),
    (MissingMethod, Verdict(ReasonCode.PAYLOAD_FORMAT_INVALID, is_fatal=True)),
    (InvalidRequestId, Verdict(ReasonCode.TOPIC_NAME_INVALID, is_fatal=True)),
    (InvalidChunkSize, Verdict(ReasonCode.PAYLOAD_FORMAT_INVALID, is_fatal=True)),
    (PackageRefused, Verdict(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, is_fatal=True)),
    (
        # A gateway sends what is not acknowledged again, this one for ever.
        MalformedGatewayMessage,
        Verdict(
            ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR,
            is_fatal=True,
            is_told=True,
            is_acknowledged=True,
        ),
    ),
    (Invalid, Verdict(ReasonCode.PAYLOAD_FORMAT_INVALID, is_fatal=False)),
    (RateLimited, Verdict(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, is_fatal=True)),
    (Unavailable, Verdict(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, is_fatal=True)),
    (TooLarge, Verdict(ReasonCode.PACKET_TOO_LARGE, is_fatal=True)),
    (NotFound, Verdict(ReasonCode.TOPIC_NAME_INVALID, is_fatal=False)),
    (Unauthenticated, Verdict(ReasonCode.NOT_AUTHORIZED, is_fatal=True)),
    (Forbidden, Verdict(ReasonCode.NOT_AUTHORIZED, is_fatal=False)),
    (Conflict, Verdict(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, is_fatal=False)),
)


def of_publish(error: FieldlineError) -> Verdict:
    """Return what becomes of a publish that failed so."""
    if isinstance(error, SubDeviceRefused):
        over = error.is_over_limit
        code = ReasonCode.QUOTA_EXCEEDED if over else ReasonCode.UNSPECIFIED_ERROR
        return Verdict(code, is_fatal=False, is_quiet=True)
    if isinstance(error, SubDeviceLimited):
        return Verdict(ReasonCode.QUOTA_EXCEEDED, is_fatal=True, is_told=True)
    for kind, verdict in _PUBLISH:
        if isinstance(error, kind):
            return verdict
    return Verdict(ReasonCode.UNSPECIFIED_ERROR, is_fatal=True)


def of_connect(error: FieldlineError, connect: Connect, *, has_certificate: bool) -> ReasonCode:
    """Return the code of the CONNACK; MQTT 3's return code follows from it."""
    if isinstance(error, RateLimited):
        return ReasonCode.CONNECTION_RATE_EXCEEDED
    if not isinstance(error, Unauthenticated):
        return ReasonCode.SERVER_UNAVAILABLE
    if has_certificate:
        return ReasonCode.NOT_AUTHORIZED
    if connect.username is not None or connect.password is not None:
        return ReasonCode.BAD_USER_NAME_OR_PASSWORD
    if connect.client_id.strip():
        return ReasonCode.CLIENT_IDENTIFIER_NOT_VALID
    return ReasonCode.NOT_AUTHORIZED
