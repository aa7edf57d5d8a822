"""The two formats of a provisioning request and of its answer: JSON and Protobuf.

Source: ThingsBoard's provisioning API.
"""

from typing import Any, NamedTuple

from fieldline.ingest.onboarding import (
    MalformedProvisionRequest,
    ProvisionAnswer,
    ProvisionRequest,
)
from fieldline.kit.errors import Invalid
from fieldline.kit.json import dumps, dumps_text
from fieldline.protocols.protobuf import device_messages as messages
from fieldline.protocols.protobuf.errors import NotDecodable


class Asked(NamedTuple):
    """A request, and whether it came, and is answered, in Protobuf."""

    request: ProvisionRequest
    is_protobuf: bool


def read(payload: bytes) -> Asked:
    """Read a request: JSON, or Protobuf when it is no JSON.

    Raises:
        MalformedProvisionRequest: it is one of the two, but no request.
        Invalid: it is neither.
    """
    try:
        return Asked(ProvisionRequest.parse(payload), is_protobuf=False)
    except MalformedProvisionRequest:
        raise
    except Invalid as error:
        try:
            message = messages.read("ProvisionDeviceRequestMsg", payload)
        except NotDecodable as also:
            msg = f"{error.message}. {also.message}"
            raise Invalid(msg) from None
        return Asked(ProvisionRequest.of(_document(message)), is_protobuf=True)


def write(answer: ProvisionAnswer, *, is_protobuf: bool) -> bytes:
    """Write an answer in the format of its request."""
    document = answer.document()
    if not is_protobuf:
        return dumps(document)
    message = messages.new("ProvisionDeviceResponseMsg")
    message.status = document["status"]
    if "credentialsType" in document:
        message.credentialsType = document["credentialsType"]
        value = document.get("credentialsValue") or ""
        message.credentialsValue = value if isinstance(value, str) else dumps_text(value)
    return bytes(message.SerializeToString())


def _document(message: Any) -> dict[str, Any]:  # noqa: ANN401 - the runtime's class
    """Return the request as it is in JSON."""
    keys, data = message.provisionDeviceCredentialsMsg, message.credentialsDataProto
    basic = data.validateBasicMqttCredRequestMsg
    return {
        "deviceName": message.deviceName,
        "provisionDeviceKey": keys.provisionDeviceKey,
        "provisionDeviceSecret": keys.provisionDeviceSecret,
        "credentialsType": messages.enum_name(message, "credentialsType"),
        "token": data.validateDeviceTokenRequestMsg.token,
        "hash": data.validateDeviceX509CertRequestMsg.hash,
        "clientId": basic.clientId,
        "username": basic.userName,
        "password": basic.password,
        "gateway": message.gateway,
    }
