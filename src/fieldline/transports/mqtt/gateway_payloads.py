"""The two formats of what a gateway and the platform say to each other of the gateway's devices.

What comes in becomes what the gateway API says in JSON, whichever format it has.
Source: ThingsBoard's MQTT gateway API.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from fieldline.ingest.attributes import FoundAttributes, attributes_json
from fieldline.ingest.session import RpcRequest
from fieldline.kit.errors import FieldlineError
from fieldline.kit.json import dumps, dumps_text, raw
from fieldline.protocols.protobuf import device_messages as messages
from fieldline.protocols.protobuf.errors import NotDecodable
from fieldline.transports.mqtt.gateway_topics import (
    GatewayTopic,
    MalformedGatewayMessage,
    read_by_device,
    read_object,
)
from fieldline.transports.mqtt.payloads import attribute_push, attribute_response


class Of(NamedTuple):
    """What a message says of one device.

    ``is_shared``: attributes that are to be shared ones; ``error``: why there are no values.
    """

    name: str
    values: Any
    is_shared: bool = False
    error: FieldlineError | None = None


class GatewayPayloads(Protocol):
    """How one gateway's messages are read and written."""

    def read(self, topic: GatewayTopic, payload: bytes) -> dict[str, Any]:
        """Read a message of one device as the object that it is in JSON; Invalid: it is none."""

    def values(self, topic: GatewayTopic, payload: bytes, now_ms: int) -> list[Of]:
        """Read telemetry, attributes or claims of devices, at least one; Invalid: they are none."""

    def attributes(
        self, device: str, updated: Mapping[str, Any], deleted: list[str], now_ms: int
    ) -> bytes:
        """Write changes of a device's shared attributes."""

    def attribute_response(
        self, device: str, number: int, names: tuple[str, ...], found: FoundAttributes
    ) -> bytes:
        """Write the answer to a request for attributes of these names; without names, for all."""

    def rpc(self, device: str, request: RpcRequest) -> bytes:
        """Write a command to a device."""

    def disconnect(self, device: str, reason: int) -> bytes:
        """Write that a device is not spoken with any more."""


_EXAMPLES = {
    GatewayTopic.TELEMETRY: (list, '{"name": [{"temperature": 21.5}]}'),
    GatewayTopic.ATTRIBUTES: (dict, '{"name": {"serial": "A1"}}'),
    GatewayTopic.CLAIM: (dict, '{"name": {"secretKey": "k"}}'),
}


class JsonGatewayPayloads:
    """JSON."""

    def read(self, _topic: GatewayTopic, payload: bytes) -> dict[str, Any]:
        return read_object(payload)

    def values(self, topic: GatewayTopic, payload: bytes, _now_ms: int) -> list[Of]:
        kind, example = _EXAMPLES[topic]
        # A claim is no reading: its numbers are to be plain ones.
        exactly = topic is not GatewayTopic.CLAIM
        found = read_by_device(payload, kind, example, exactly=exactly)
        return [Of(name, values) for name, values in found.items()]

    def attributes(
        self, device: str, updated: Mapping[str, Any], deleted: list[str], _now_ms: int
    ) -> bytes:
        data = {**updated, "deleted": deleted} if deleted else updated
        return dumps({"device": device, "data": data})

    def attribute_response(
        self, device: str, number: int, names: tuple[str, ...], found: FoundAttributes
    ) -> bytes:
        by_scope = attributes_json(found)
        values = {**by_scope.get("client", {}), **by_scope.get("shared", {})}
        body: dict[str, Any] = {"id": number, "device": device}
        if values and len(names) == 1:
            body["value"] = values[names[0]]
        elif values:
            body["values"] = values
        return dumps(body)

    def rpc(self, device: str, request: RpcRequest) -> bytes:
        data = {"id": request.number, "method": request.method, "params": request.params}
        return dumps({"device": device, "data": data})

    def disconnect(self, device: str, reason: int) -> bytes:
        return dumps({"device": device, "reason": reason})


JSON = JsonGatewayPayloads()


class ProtobufGatewayPayloads:
    """Protobuf, in messages of fixed layout.

    Args:
        or_json: whether what is no Protobuf may be JSON.
    """

    def __init__(self, *, or_json: bool) -> None:
        self._or_json = or_json

    def read(self, topic: GatewayTopic, payload: bytes) -> dict[str, Any]:
        try:
            message = messages.read(_MESSAGES[topic], payload)
        except NotDecodable:
            if not self._or_json:
                raise
            return _answerable(topic, JSON.read(topic, payload))
        # A name that is not there is an empty text in Protobuf.
        found: dict[str, Any] = {"device": message.deviceName or None}
        if topic is GatewayTopic.CONNECT:
            found["type"] = message.deviceType
        elif topic is GatewayTopic.RPC:
            found["id"], found["data"] = message.id, raw(message.data)
        elif topic is GatewayTopic.ATTRIBUTES_REQUEST:
            found["id"], found["client"] = message.id, message.client
            found["keys"] = list(message.keys)
        return found

    def values(self, topic: GatewayTopic, payload: bytes, now_ms: int) -> list[Of]:
        try:
            message = messages.read(_MESSAGES[topic], payload)
        except NotDecodable:
            if not self._or_json:
                raise
            return JSON.values(topic, payload, now_ms)
        found = [_of(topic, part, now_ms) for part in message.msg]
        if not found:
            name = _MESSAGES[topic]
            raise MalformedGatewayMessage(f"'msg' of a {name} must hold something of a device")
        return found

    def attributes(
        self, device: str, updated: Mapping[str, Any], deleted: list[str], now_ms: int
    ) -> bytes:
        message = messages.new("GatewayAttributeUpdateNotificationMsg")
        message.deviceName = device
        message.notificationMsg.CopyFrom(attribute_push(updated, deleted, now_ms))
        return bytes(message.SerializeToString())

    def attribute_response(
        self, device: str, number: int, names: tuple[str, ...], found: FoundAttributes
    ) -> bytes:
        message = messages.new("GatewayAttributeResponseMsg")
        message.deviceName = device
        message.responseMsg.CopyFrom(attribute_response(number, found))
        message.responseMsg.isMultipleAttributesRequest = len(names) != 1
        return bytes(message.SerializeToString())

    def rpc(self, device: str, request: RpcRequest) -> bytes:
        message = messages.new("GatewayDeviceRpcRequestMsg")
        message.deviceName = device
        message.rpcRequestMsg.requestId = request.number
        message.rpcRequestMsg.methodName = request.method
        message.rpcRequestMsg.params = dumps_text(request.params)
        return bytes(message.SerializeToString())

    def disconnect(self, device: str, reason: int) -> bytes:
        message = messages.new("GatewayDisconnectDeviceMsg")
        message.deviceName, message.reasonCode = device, reason
        return bytes(message.SerializeToString())


PROTOBUF = ProtobufGatewayPayloads(or_json=False)
PROTOBUF_OR_JSON = ProtobufGatewayPayloads(or_json=True)

_MESSAGES = {
    GatewayTopic.CONNECT: "ConnectMsg",
    GatewayTopic.DISCONNECT: "DisconnectMsg",
    GatewayTopic.TELEMETRY: "GatewayTelemetryMsg",
    GatewayTopic.ATTRIBUTES: "GatewayAttributesMsg",
    GatewayTopic.ATTRIBUTES_REQUEST: "GatewayAttributesRequestMsg",
    GatewayTopic.RPC: "GatewayRpcResponseMsg",
    GatewayTopic.CLAIM: "GatewayClaimMsg",
}


def _answerable(topic: GatewayTopic, message: dict[str, Any]) -> dict[str, Any]:
    """Return a message that came as JSON if its answer, which is Protobuf, can carry its id."""
    number = message.get("id")
    is_asked = topic is GatewayTopic.ATTRIBUTES_REQUEST
    if is_asked and isinstance(number, int) and not -(2**31) <= number < 2**31:
        raise MalformedGatewayMessage("'id' of a request must fit 32 bits, as in Protobuf")
    return message


def _of(topic: GatewayTopic, part: Any, now_ms: int) -> Of:  # noqa: ANN401 - the runtime's class
    if not part.deviceName:
        raise MalformedGatewayMessage("'deviceName' must be the name of a device")
    try:
        if topic is GatewayTopic.TELEMETRY:
            return Of(part.deviceName, messages.readings(part.msg, now_ms))
        if topic is GatewayTopic.ATTRIBUTES:
            values = messages.values(part.msg.kv)
            return Of(part.deviceName, values, is_shared=part.msg.shared)
    except NotDecodable as error:
        return Of(part.deviceName, [], error=error)
    claim = part.claimRequest
    return Of(part.deviceName, {"secretKey": claim.secretKey, "durationMs": claim.durationMs})
