"""The payload format of a profile's devices over MQTT: JSON, or Protobuf with own schemas.

Source: ``mqtt.md`` section 13.
"""

from typing import Any

from fieldline.domains.profile.errors import InvalidProfile
from fieldline.protocols.protobuf import profile
from fieldline.protocols.protobuf.errors import SchemaError

JSON = {"transportPayloadType": "JSON"}
_FLAGS = (
    "enableCompatibilityWithJsonPayloadFormat",
    "useJsonPayloadFormatForDefaultDownlinkTopics",
)


def payload_configuration(given: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the client sent
    """Return the whole configuration of a payload format, with its schemas checked.

    Raises:
        InvalidProfile: it is none; of a schema the text names the line and what is wrong there.
    """
    if not isinstance(given, dict):
        raise InvalidProfile("'transportPayloadTypeConfiguration' must be an object")
    kind = given.get("transportPayloadType", "JSON")
    if kind == "JSON":
        return dict(JSON)
    if kind != "PROTOBUF":
        msg = f"'transportPayloadType' must be JSON or PROTOBUF; it is '{str(kind)[:64]}'"
        raise InvalidProfile(msg)
    schemas = {name: _schema(name, given.get(name)) for name in profile.SCHEMAS}
    flags = {name: _flag(name, given.get(name)) for name in _FLAGS}
    return {"transportPayloadType": kind, **schemas, **flags}


def _schema(name: str, text: Any) -> str | None:  # noqa: ANN401
    if text is None or (isinstance(text, str) and not text.strip()):
        return profile.DEFAULTS.get(name)
    if not isinstance(text, str):
        raise InvalidProfile(f"'{name}' must be a proto3 schema as text")
    try:
        profile.schema_of(name, text)
    except SchemaError as error:
        raise InvalidProfile(f"'{name}', {error.message}") from None
    return text


def _flag(name: str, given: Any) -> bool:  # noqa: ANN401
    if given is None:
        return False
    if not isinstance(given, bool):
        raise InvalidProfile(f"'{name}' must be true or false")
    return given
