"""The two formats of what a device and the platform say to each other: JSON and Protobuf.

What comes in becomes the JSON that the door reads; what goes out is written in the format.
Telemetry and attributes in JSON do not pass here, the door reads them itself.
Source: ThingsBoard's MQTT device API.
"""

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Protocol

from fieldline.ingest.attributes import AttributeRequest, FoundAttributes, attributes_json
from fieldline.ingest.session import RpcRequest
from fieldline.kit.errors import Invalid
from fieldline.kit.json import dumps, dumps_received, dumps_text, loads
from fieldline.kit.telemetry_json import decode
from fieldline.kit.values import to_json
from fieldline.protocols.protobuf import device_messages as messages
from fieldline.protocols.protobuf import profile
from fieldline.protocols.protobuf.document import Document, DocumentReader, encode
from fieldline.protocols.protobuf.errors import NotDecodable, SchemaError
from fieldline.protocols.protobuf.schema import Schema

logger = logging.getLogger(__name__)

REMEMBERED = 256
"""Payload formats, of as many profiles, that are kept ready for devices that connect."""


class Payloads(Protocol):
    """How one device's messages are read and written."""

    def attribute_request(self, payload: bytes) -> AttributeRequest:
        """Read which attributes a device asks for; Invalid: it is no such request."""

    def client_rpc(self, payload: bytes) -> bytes:
        """Return a device's call as JSON; Invalid: it is none."""

    def rpc_response(self, payload: bytes) -> bytes:
        """Return a device's answer to a command as JSON; Invalid: it is none."""

    def claim(self, payload: bytes) -> bytes:
        """Return a claim request as JSON; Invalid: it is none."""

    def attribute_response(self, number: int, found: FoundAttributes) -> bytes:
        """Write the answer to a request for attributes."""

    def client_rpc_response(self, number: int, answer: bytes) -> bytes:
        """Write the answer to a call, which is JSON."""

    def attribute_push(self, updated: Mapping[str, Any], deleted: list[str], now_ms: int) -> bytes:
        """Write changes of shared attributes."""

    def rpc_request(self, request: RpcRequest) -> bytes:
        """Write a command; NotEncodable: it does not fit the profile's schema."""


class JsonPayloads:
    """JSON, as it comes."""

    def attribute_request(self, payload: bytes) -> AttributeRequest:
        return AttributeRequest.parse(payload)

    def client_rpc(self, payload: bytes) -> bytes:
        return payload

    def rpc_response(self, payload: bytes) -> bytes:
        return payload

    def claim(self, payload: bytes) -> bytes:
        return payload

    def attribute_response(self, _number: int, found: FoundAttributes) -> bytes:
        return dumps(attributes_json(found))

    def client_rpc_response(self, _number: int, answer: bytes) -> bytes:
        return answer

    def attribute_push(self, updated: Mapping[str, Any], deleted: list[str], _now_ms: int) -> bytes:
        return dumps({**updated, "deleted": deleted} if deleted else updated)

    def rpc_request(self, request: RpcRequest) -> bytes:
        return dumps({"method": request.method, "params": request.params})


JSON = JsonPayloads()


class ProtobufPayloads:
    """Protobuf: the profile's schemas where they count, else messages of fixed layout.

    Args:
        schemas: the profile's, by their names in it; one that is missing has its default, if there
            is one.
        or_json: whether what is no Protobuf may be JSON.

    Attributes:
        or_json: the same.
    """

    def __init__(self, schemas: Mapping[str, str | None], *, or_json: bool) -> None:
        self.or_json = or_json
        self._readers = {
            name: _reader(schemas, name)
            for name in (profile.TELEMETRY, profile.ATTRIBUTES, profile.RPC_RESPONSE)
        }
        self._rpc_request = _schema(schemas, profile.RPC_REQUEST)

    def telemetry(self, payload: bytes, now_ms: int) -> Any:  # noqa: ANN401 - JSON is any of its types
        """Return telemetry as decoded JSON.

        Raises:
            Invalid: it is none.
        """
        try:
            found = self._read(profile.TELEMETRY, payload)
        except NotDecodable as error:
            return self._decoded_json(payload, error)
        if "values" in found and found.get("ts") in (0, "0"):
            found["ts"] = now_ms
        return found

    def attributes(self, payload: bytes) -> dict[str, Any]:
        """Return client attributes as decoded JSON.

        Raises:
            Invalid: it is none.
        """
        try:
            return self._read(profile.ATTRIBUTES, payload)
        except NotDecodable as error:
            found = self._decoded_json(payload, error)
            if not isinstance(found, dict):
                msg = f"{error.message}. It is JSON, but attributes are an object"
                raise Invalid(msg) from None
            return found

    def attribute_request(self, payload: bytes) -> AttributeRequest:
        try:
            message = messages.read("AttributesRequest", payload)
        except NotDecodable:
            if not self.or_json:
                raise
            return JSON.attribute_request(payload)
        return AttributeRequest.of(message.clientKeys or None, message.sharedKeys or None)

    def client_rpc(self, payload: bytes) -> bytes:
        try:
            message = messages.read("RpcRequest", payload)
        except NotDecodable as error:
            return self._as_json(payload, error)
        found = {"params": messages.json_of(message.params)}
        if message.method:
            found["method"] = message.method
        return dumps_received("The RPC request", found)

    def rpc_response(self, payload: bytes) -> bytes:
        try:
            return dumps(self._read(profile.RPC_RESPONSE, payload))
        except NotDecodable as error:
            return self._as_json(payload, error)

    def claim(self, payload: bytes) -> bytes:
        try:
            message = messages.read("ClaimDevice", payload)
        except NotDecodable as error:
            return self._as_json(payload, error)
        return dumps({"secretKey": message.secretKey, "durationMs": message.durationMs})

    def attribute_response(self, number: int, found: FoundAttributes) -> bytes:
        return bytes(attribute_response(number, found).SerializeToString())

    def client_rpc_response(self, number: int, answer: bytes) -> bytes:
        message = messages.new("ToServerRpcResponseMsg")
        message.requestId = number
        error = _error(answer)
        if error is None:
            message.payload = answer.decode("utf-8", "replace")
        else:
            message.error = error
        return bytes(message.SerializeToString())

    def attribute_push(self, updated: Mapping[str, Any], deleted: list[str], now_ms: int) -> bytes:
        return bytes(attribute_push(updated, deleted, now_ms).SerializeToString())

    def rpc_request(self, request: RpcRequest) -> bytes:
        if self._rpc_request is None:
            raise _no_schema(profile.RPC_REQUEST)
        message = self._rpc_request.last
        params = message.DESCRIPTOR.fields_by_name["params"]
        is_text = params.type == params.TYPE_STRING and not params.is_repeated
        return encode(
            message,
            {
                "method": request.method,
                "requestId": request.number,
                "params": dumps_text(request.params) if is_text else request.params,
            },
        )

    def _read(self, name: str, payload: bytes) -> Document:
        reader = self._readers[name]
        if reader is None:
            raise _no_schema(name)
        return reader.read(payload)

    def _decoded_json(self, payload: bytes, error: NotDecodable) -> Any:  # noqa: ANN401
        try:
            return decode(self._as_json(payload, error))
        except NotDecodable:
            raise
        except Invalid as also:
            raise Invalid(f"{error.message}. {also.message}") from None

    def _as_json(self, payload: bytes, error: NotDecodable) -> bytes:
        """Take what is no Protobuf for JSON if that may be."""
        if not self.or_json:
            raise error
        return payload


def attribute_response(number: int, found: FoundAttributes) -> Any:  # noqa: ANN401
    """Return a GetAttributeResponseMsg."""
    message = messages.new("GetAttributeResponseMsg")
    message.requestId = number
    for scope, target in (
        ("client", message.clientAttributeList),
        ("shared", message.sharedAttributeList),
    ):
        for key, attribute in found.get(scope, {}).items():
            value = to_json(attribute.value)
            messages.add_value(target, key, value, attribute.last_update_ts_ms)
    return message


def attribute_push(updated: Mapping[str, Any], deleted: list[str], now_ms: int) -> Any:  # noqa: ANN401
    """Return an AttributeUpdateNotificationMsg."""
    message = messages.new("AttributeUpdateNotificationMsg")
    for key, value in updated.items():
        messages.add_value(message.sharedUpdated, key, value, now_ms)
    message.sharedDeleted.extend(deleted)
    return message


@lru_cache(maxsize=REMEMBERED)
def _protobuf(schemas: tuple[str | None, ...], *, or_json: bool) -> ProtobufPayloads:
    return ProtobufPayloads(dict(zip(profile.SCHEMAS, schemas, strict=True)), or_json=or_json)


def protobuf_payloads(
    configuration: Mapping[str, object], *, or_json: bool = False
) -> ProtobufPayloads:
    """Return the Protobuf of a profile, the same for all of its devices.

    Args:
        configuration: the profile's payload configuration; it may be empty.
        or_json: whether what is no Protobuf may be JSON.
    """
    texts = (configuration.get(name) for name in profile.SCHEMAS)
    return _protobuf(
        tuple(text if isinstance(text, str) and text.strip() else None for text in texts),
        or_json=or_json,
    )


def _schema(schemas: Mapping[str, str | None], name: str) -> Schema | None:
    text = schemas.get(name) or profile.DEFAULTS.get(name)
    if text is None:
        return None
    try:
        return profile.schema_of(name, text)
    except SchemaError as error:  # saved before schemas were checked
        logger.warning("a device profile's %s cannot be used: %s", name, error.message)
        return None


def _reader(schemas: Mapping[str, str | None], name: str) -> DocumentReader | None:
    schema = _schema(schemas, name)
    return None if schema is None else DocumentReader(schema.last)


def _no_schema(name: str) -> NotDecodable:
    return NotDecodable(f"The device's profile has no '{name}' for Protobuf")


def _error(answer: bytes) -> str | None:
    """Return the text of an answer that is ``{"error": "<text>"}`` and nothing else."""
    try:
        document = loads(answer)
    except ValueError:
        return None
    if not isinstance(document, dict) or len(document) != 1:
        return None
    error = document.get("error")
    return error if isinstance(error, str) else None
