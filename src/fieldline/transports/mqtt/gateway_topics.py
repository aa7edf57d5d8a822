"""ThingsBoard's gateway topics: what a gateway says of its devices.

Source: ThingsBoard's MQTT gateway API.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from fieldline.kit.errors import Invalid
from fieldline.kit.json import loads
from fieldline.kit.telemetry_json import decode

PREFIX = "v1/gateway"
ATTRIBUTES = f"{PREFIX}/attributes"
ATTRIBUTES_RESPONSE = f"{PREFIX}/attributes/response"
RPC = f"{PREFIX}/rpc"
DISCONNECT = f"{PREFIX}/disconnect"
OVER_RATE = 150
"""The reason that a gateway is told with a device that sent too much."""
GRANTED = frozenset({ATTRIBUTES, ATTRIBUTES_RESPONSE, RPC})
"""Filters that every device may subscribe to."""
DEFAULT_TYPE = "default"


class GatewayTopic(StrEnum):
    """What a gateway may publish on."""

    CONNECT = f"{PREFIX}/connect"
    DISCONNECT = DISCONNECT
    TELEMETRY = f"{PREFIX}/telemetry"
    ATTRIBUTES = ATTRIBUTES
    ATTRIBUTES_REQUEST = f"{PREFIX}/attributes/request"
    RPC = RPC
    CLAIM = f"{PREFIX}/claim"


class MalformedGatewayMessage(Invalid):
    """JSON that is none of a gateway's messages; ThingsBoard ends the connection then."""


def read_object(payload: bytes, *, exactly: bool = False) -> dict[str, Any]:
    """Read a message, which is always an object.

    Args:
        payload: JSON text.
        exactly: it holds values that are to be stored.

    Raises:
        MalformedGatewayMessage: it is no object.
        Invalid: it is no JSON.
    """
    if exactly:
        document = decode(payload)
    else:
        try:
            document = loads(payload)
        except ValueError as error:
            msg = f"The payload is not JSON: {error}"
            raise Invalid(msg) from None
    if not isinstance(document, dict):
        msg = "A gateway's message is a JSON object"
        raise MalformedGatewayMessage(msg)
    return document


def read_by_device(
    payload: bytes, kind: type, example: str, *, exactly: bool = False
) -> dict[str, Any]:
    """Read what a message says of each device; what is of another kind is left out.

    Args:
        payload: JSON text.
        kind: of what it says of one.
        example: a message, to show.
        exactly: it holds values that are to be stored.

    Raises:
        MalformedGatewayMessage: nothing is left.
        Invalid: it is no JSON.
    """
    found = {
        name: values
        for name, values in read_object(payload, exactly=exactly).items()
        if isinstance(values, kind)
    }
    if not found:
        msg = f"The message must hold something of a device, as {example}"
        raise MalformedGatewayMessage(msg)
    return found


def field(message: Mapping[str, Any], name: str, kind: type) -> Any:  # noqa: ANN401 - of the kind
    """Return a field that must be there.

    Raises:
        MalformedGatewayMessage: it is missing, or of another type.
    """
    value = message.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        expected = {str: "a text", int: "a whole number", bool: "true or false"}[kind]
        msg = f"'{name}' must be {expected}"
        raise MalformedGatewayMessage(msg)
    return value


def device_type(message: Mapping[str, Any]) -> str:
    """Return the type that a device is to have when it is made."""
    given = message.get("type")
    return given if isinstance(given, str) and given.strip() else DEFAULT_TYPE
