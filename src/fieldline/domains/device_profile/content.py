"""What the JSON parts of a device profile must be, and what is put in where they say nothing.

Source: ``rules/entities.md`` section 2, DeviceProfile.
"""

from typing import Any

from fieldline.domains.device_profile import payloads
from fieldline.domains.device_profile.authority import check_chain_configuration
from fieldline.domains.device_profile.kinds import ProvisionType, TransportType
from fieldline.domains.profile.errors import InvalidProfile
from fieldline.kit.storable import check_storable

TELEMETRY_TOPIC = "v1/devices/me/telemetry"
ATTRIBUTES_TOPIC = "v1/devices/me/attributes"
MAX_ATTRIBUTE_METRICS = 1_000
"""Names of a profile; each metric of its devices is compared with those that end with *."""
_MQTT_DEFAULTS: dict[str, Any] = {
    "deviceTelemetryTopic": TELEMETRY_TOPIC,
    "deviceAttributesTopic": ATTRIBUTES_TOPIC,
    "deviceAttributesSubscribeTopic": ATTRIBUTES_TOPIC,
    "transportPayloadTypeConfiguration": payloads.JSON,
    "sparkplug": False,
    "sparkplugAttributesMetricNames": [],
    "sendAckOnValidationException": False,
}
_MQTT_TOPICS = ("deviceTelemetryTopic", "deviceAttributesTopic", "deviceAttributesSubscribeTopic")


def transport_type(text: str | None) -> TransportType:
    """Read a transport type; none is DEFAULT."""
    try:
        return TransportType(text or TransportType.DEFAULT)
    except ValueError as error:
        msg = f"'{str(text)[:64]}' is not a transport type; one of {', '.join(TransportType)} is"
        raise InvalidProfile(msg) from error


def provision_type(text: str | None) -> ProvisionType:
    """Read a provision type; none is DISABLED."""
    try:
        return ProvisionType(text or ProvisionType.DISABLED)
    except ValueError as error:
        msg = f"'{str(text)[:64]}' is not a provision type; one of {', '.join(ProvisionType)} is"
        raise InvalidProfile(msg) from error


def transport_configuration(kind: TransportType, given: dict[str, Any] | None) -> dict[str, Any]:
    """Return the whole configuration of a transport.

    Raises:
        InvalidProfile: it is of another transport, or a topic, a Protobuf schema or a part of
            Sparkplug is wrong.
    """
    check_storable("transportConfiguration", given)
    stated = (given or {}).get("type") or kind.value
    if stated != kind.value:
        msg = f"Transport configuration is of type {str(stated)[:64]}; transport type is {kind}"
        raise InvalidProfile(msg)
    found = {key: value for key, value in (given or {}).items() if value is not None}
    if kind is TransportType.MQTT:
        found = {**_MQTT_DEFAULTS, **found}
        _check_topics(found)
        payload = payloads.payload_configuration(found["transportPayloadTypeConfiguration"])
        found["transportPayloadTypeConfiguration"] = payload
        _check_sparkplug(found)
    return {**found, "type": kind.value}


def profile_data(given: dict[str, Any]) -> dict[str, Any]:
    """Return profile data with its two parts, which are objects.

    Raises:
        InvalidProfile: a part is something else.
        Invalid: it holds what cannot be stored.
    """
    check_storable("profileData", given)
    found = {"alarms": None, **given}
    for part in ("configuration", "provisionConfiguration"):
        if not isinstance(found.setdefault(part, None) or {}, dict):
            msg = f"'{part}' of the profile data must be an object"
            raise InvalidProfile(msg)
    found["configuration"] = {**(found["configuration"] or {}), "type": "DEFAULT"}
    return found


def provision_configuration(kind: ProvisionType, given: dict[str, Any] | None) -> dict[str, Any]:
    """Return the provisioning configuration with its type, which is the profile's.

    Raises:
        InvalidProfile: it is of another type, or a part of it is wrong.
    """
    stated = (given or {}).get("type") or kind.value
    if stated != kind.value:
        msg = f"Provision configuration is of type {str(stated)[:64]}; provision type is {kind}"
        raise InvalidProfile(msg)
    found = {"provisionDeviceSecret": None, **(given or {}), "type": kind.value}
    secret = found["provisionDeviceSecret"]
    if secret is not None and not isinstance(secret, str):
        raise InvalidProfile("'provisionDeviceSecret' must be a string")
    is_chain = kind is ProvisionType.X509_CERTIFICATE_CHAIN
    return check_chain_configuration(found) if is_chain else found


def _check_topics(configuration: dict[str, Any]) -> None:
    for key in _MQTT_TOPICS:
        _check_topic_filter(key, configuration[key])
    if configuration["deviceTelemetryTopic"] == configuration["deviceAttributesTopic"]:
        raise InvalidProfile("Topics for telemetry and attributes must differ")


def _check_sparkplug(configuration: dict[str, Any]) -> None:
    if not isinstance(configuration["sparkplug"], bool):
        raise InvalidProfile("'sparkplug' must be true or false")
    names = configuration["sparkplugAttributesMetricNames"]
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        msg = "'sparkplugAttributesMetricNames' must be a list of names, which may end with *"
        raise InvalidProfile(msg)
    if len(names) > MAX_ATTRIBUTE_METRICS:
        msg = f"'sparkplugAttributesMetricNames' may have {MAX_ATTRIBUTE_METRICS} names"
        raise InvalidProfile(msg)


def _check_topic_filter(key: str, topic: Any) -> None:  # noqa: ANN401 - whatever the client sent
    """Check a topic filter (OASIS MQTT 5.0 section 4.7.1)."""
    if not isinstance(topic, str) or not topic or "\0" in topic or len(topic) > 65_535:
        raise InvalidProfile(f"'{key}' must be an MQTT topic filter")
    levels = topic.split("/")
    for position, level in enumerate(levels):
        is_last = position == len(levels) - 1
        if ("+" in level and level != "+") or ("#" in level and not (level == "#" and is_last)):
            msg = f"'{key}' is not an MQTT topic filter: + stands for one level, # for the rest"
            raise InvalidProfile(msg)
