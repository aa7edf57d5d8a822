"""The messages of ThingsBoard's device API whose layout is fixed.

Source: ThingsBoard's MQTT and provisioning API, Protobuf.
"""

from typing import Any

from fieldline.kit.errors import Invalid
from fieldline.kit.json import dumps_text, loads
from fieldline.kit.telemetry_json import decode
from fieldline.protocols.protobuf.document import decoded, json_double, stored_text
from fieldline.protocols.protobuf.errors import NotDecodable
from fieldline.protocols.protobuf.schema import compile_schema

_MESSAGES = compile_schema("""
syntax = "proto3";
package fieldline.device;

enum KeyValueType { BOOLEAN_V = 0; LONG_V = 1; DOUBLE_V = 2; STRING_V = 3; JSON_V = 4; }
message KeyValueProto {
  string key = 1;
  KeyValueType type = 2;
  bool bool_v = 3;
  int64 long_v = 4;
  double double_v = 5;
  string string_v = 6;
  string json_v = 7;
}
message TsKvProto { int64 ts = 1; KeyValueProto kv = 2; int64 version = 3; }
message TsKvListProto { int64 ts = 1; repeated KeyValueProto kv = 2; }
message PostTelemetryMsg { repeated TsKvListProto tsKvList = 1; }
message PostAttributeMsg { repeated KeyValueProto kv = 1; bool shared = 2; }

message AttributesRequest { string clientKeys = 1; string sharedKeys = 2; }
message GetAttributeResponseMsg {
  int32 requestId = 1;
  repeated TsKvProto clientAttributeList = 2;
  repeated TsKvProto sharedAttributeList = 3;
  bool isMultipleAttributesRequest = 4;
  string error = 5;
  bool sharedStateMsg = 6;
}
message AttributeUpdateNotificationMsg {
  repeated TsKvProto sharedUpdated = 1;
  repeated string sharedDeleted = 2;
}
message RpcRequest { string method = 1; string params = 2; }
message ToServerRpcResponseMsg { int32 requestId = 1; string payload = 2; string error = 3; }
message ToDeviceRpcRequestMsg {
  int32 requestId = 1;
  string methodName = 2;
  string params = 3;
  int64 expirationTime = 4;
  int64 requestIdMSB = 5;
  int64 requestIdLSB = 6;
  bool oneway = 7;
  bool persisted = 8;
  optional int32 retries = 9;
  string additionalInfo = 10;
}
message ClaimDevice { string secretKey = 1; int64 durationMs = 2; }

message ConnectMsg { string deviceName = 1; string deviceType = 2; }
message DisconnectMsg { string deviceName = 1; }
message TelemetryMsg { string deviceName = 1; PostTelemetryMsg msg = 3; }
message GatewayTelemetryMsg { repeated TelemetryMsg msg = 1; }
message AttributesMsg { string deviceName = 1; PostAttributeMsg msg = 2; }
message GatewayAttributesMsg { repeated AttributesMsg msg = 1; }
message ClaimDeviceMsg { string deviceName = 1; ClaimDevice claimRequest = 2; }
message GatewayClaimMsg { repeated ClaimDeviceMsg msg = 1; }
message GatewayRpcResponseMsg { string deviceName = 1; int32 id = 2; string data = 3; }
message GatewayAttributesRequestMsg {
  int32 id = 1;
  string deviceName = 2;
  bool client = 3;
  repeated string keys = 4;
}
message GatewayAttributeResponseMsg {
  string deviceName = 1;
  GetAttributeResponseMsg responseMsg = 2;
}
message GatewayAttributeUpdateNotificationMsg {
  string deviceName = 1;
  AttributeUpdateNotificationMsg notificationMsg = 2;
}
message GatewayDeviceRpcRequestMsg {
  string deviceName = 1;
  ToDeviceRpcRequestMsg rpcRequestMsg = 2;
}
message GatewayDisconnectDeviceMsg { string deviceName = 1; uint32 reasonCode = 2; }

enum CredentialsType {
  ACCESS_TOKEN = 0;
  X509_CERTIFICATE = 1;
  MQTT_BASIC = 2;
  LWM2M_CREDENTIALS = 3;
}
enum ResponseStatus { UNKNOWN = 0; SUCCESS = 1; NOT_FOUND = 2; FAILURE = 3; }
message ProvisionDeviceCredentialsMsg {
  string provisionDeviceKey = 1;
  string provisionDeviceSecret = 2;
}
message ValidateDeviceTokenRequestMsg { string token = 1; }
message ValidateDeviceX509CertRequestMsg { string hash = 1; }
message ValidateBasicMqttCredRequestMsg {
  string clientId = 1;
  string userName = 2;
  string password = 3;
}
message CredentialsDataProto {
  ValidateDeviceTokenRequestMsg validateDeviceTokenRequestMsg = 1;
  ValidateDeviceX509CertRequestMsg validateDeviceX509CertRequestMsg = 2;
  ValidateBasicMqttCredRequestMsg validateBasicMqttCredRequestMsg = 3;
}
message ProvisionDeviceRequestMsg {
  string deviceName = 1;
  CredentialsType credentialsType = 2;
  ProvisionDeviceCredentialsMsg provisionDeviceCredentialsMsg = 3;
  CredentialsDataProto credentialsDataProto = 4;
  bool gateway = 5;
}
message ProvisionDeviceResponseMsg {
  ResponseStatus status = 1;
  CredentialsType credentialsType = 2;
  string credentialsValue = 3;
}
""").messages


def new(name: str) -> Any:  # noqa: ANN401 - the runtime's classes have no static fields
    """Return an empty message."""
    return _MESSAGES[name]()


def read(name: str, payload: bytes) -> Any:  # noqa: ANN401
    """Read a message.

    Raises:
        NotDecodable: the bytes are none.
    """
    return decoded(_MESSAGES[name], payload)


def readings(message: Any, now_ms: int) -> list[dict[str, Any]]:  # noqa: ANN401
    """Return a PostTelemetryMsg as JSON has it; a time of 0 is now.

    Raises:
        NotDecodable: a time has no values, or a value is wrong.
    """
    found = []
    for group in message.tsKvList:
        if not group.kv:
            msg = "Telemetry has a time without values: 'kv' of a TsKvListProto is empty"
            raise NotDecodable(msg)
        found.append({"ts": group.ts or now_ms, "values": values(group.kv)})
    return found


def values(pairs: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return KeyValueProtos as JSON has them.

    Raises:
        NotDecodable: a value is of an unknown type, or no JSON where it should be.
    """
    return {stored_text(pair.key): _value(pair) for pair in pairs}


def _value(pair: Any) -> Any:  # noqa: ANN401
    kind = pair.type
    if kind == _BOOLEAN:
        return pair.bool_v
    if kind == _LONG:
        return pair.long_v
    if kind == _DOUBLE:
        return json_double(pair.double_v)
    if kind == _STRING:
        return stored_text(pair.string_v)
    if kind != _JSON:
        raise NotDecodable(f"The value of '{pair.key[:255]}' has the unknown type {kind}")
    try:
        return decode(pair.json_v.encode())
    except Invalid as error:
        raise NotDecodable(f"The value of '{pair.key[:255]}': {error.message}") from None


def add_value(target: Any, key: str, value: Any, ts_ms: int) -> None:  # noqa: ANN401
    """Append a value to a list of TsKvProto.

    Args:
        target: the list.
        key: its name.
        value: as JSON has it.
        ts_ms: its time.
    """
    found = target.add(ts=ts_ms)
    pair = found.kv
    pair.key = key
    if isinstance(value, bool):
        pair.type, pair.bool_v = _BOOLEAN, value
    elif isinstance(value, int):
        pair.type, pair.long_v = _LONG, value
    elif isinstance(value, float):
        pair.type, pair.double_v = _DOUBLE, value
    elif isinstance(value, str):
        pair.type, pair.string_v = _STRING, value
    else:
        pair.type, pair.json_v = _JSON, dumps_text(value)


def json_of(text: str) -> Any:  # noqa: ANN401 - JSON is any of its types
    """Return what a text says as JSON, or the text itself when it is none; "" is nothing."""
    if not text:
        return None
    try:
        return loads(text)
    except ValueError:
        return text


def enum_name(message: Any, field: str) -> str:  # noqa: ANN401
    """Return the name of an enum's value, or its number when it has none."""
    number = getattr(message, field)
    value = message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number.get(number)
    return str(number) if value is None else str(value.name)


_BOOLEAN, _LONG, _DOUBLE, _STRING, _JSON = range(5)
