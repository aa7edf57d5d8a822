"""The schemas of a device profile: their names in it, what they must hold, and their defaults.

Source: ThingsBoard's device profile, MQTT transport, payload type PROTOBUF.
"""

from functools import lru_cache

from fieldline.protocols.protobuf.document import encode
from fieldline.protocols.protobuf.errors import NotEncodable, SchemaError
from fieldline.protocols.protobuf.schema import Schema, compile_schema, fields_of

TELEMETRY = "deviceTelemetryProtoSchema"
ATTRIBUTES = "deviceAttributesProtoSchema"
RPC_REQUEST = "deviceRpcRequestProtoSchema"
RPC_RESPONSE = "deviceRpcResponseProtoSchema"
SCHEMAS = (TELEMETRY, ATTRIBUTES, RPC_REQUEST, RPC_RESPONSE)

DEFAULTS = {
    RPC_REQUEST: """syntax = "proto3";
package rpc;

message RpcRequestMsg {
  string method = 1;
  int32 requestId = 2;
  string params = 3;
}
""",
    RPC_RESPONSE: """syntax = "proto3";
package rpc;

message RpcResponseMsg {
  string payload = 1;
}
""",
}
"""What holds where a profile has none of its own."""

_IN_RPC_REQUEST = ("method", "requestId", "params")

compiled = lru_cache(maxsize=256)(compile_schema)
"""Do as :func:`compile_schema`, once for each text as long as it is used."""


def schema_of(name: str, text: str) -> Schema:
    """Make one of a profile's schemas ready.

    Args:
        name: which of :data:`SCHEMAS` it is.
        text: proto3.

    Raises:
        SchemaError: it is none, or does not hold what it must.
    """
    schema = compiled(text)
    if name == RPC_REQUEST:
        _check_rpc_request(schema)
    return schema


def _check_rpc_request(schema: Schema) -> None:
    message = schema.last.DESCRIPTOR.name
    there = fields_of(schema.last)
    missing = [name for name in _IN_RPC_REQUEST if name not in there]
    if missing:
        msg = (
            f"message {message} must have the fields {', '.join(_IN_RPC_REQUEST)}; "
            f"missing: {', '.join(missing)}"
        )
        raise SchemaError(msg)
    try:
        encode(schema.last, {"method": "reboot", "requestId": 1})
    except NotEncodable:
        msg = f"in message {message} 'method' must be a string, and 'requestId' an int32"
        raise SchemaError(msg) from None
