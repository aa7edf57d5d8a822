"""What the JSON parts of a device must be, and what is put in where they say nothing.

Source: ``rules/entities.md`` section 2, Device.
"""

from typing import Any

from fieldline.domains.device.errors import InvalidDevice
from fieldline.kit.storable import check_storable
from fieldline.kit.text import check_json

_SNMP_DEFAULTS = {
    "host": "localhost",
    "port": 161,
    "protocolVersion": "V2C",
    "community": "public",
}


def device_data(given: dict[str, Any] | None, transport_type: str) -> dict[str, Any]:
    """Return the whole device data; a transport configuration of another type gives way.

    Raises:
        InvalidDevice: a part is not an object.
        Invalid: it holds what cannot be stored.
    """
    given = given or {}
    check_storable("deviceData", given)
    configuration = _part(given, "configuration")
    transport = _part(given, "transportConfiguration")
    if transport.get("type", transport_type) != transport_type:
        transport = {}
    if transport_type == "SNMP":
        transport = {**_SNMP_DEFAULTS, **transport}
    return {
        **given,
        "configuration": {**configuration, "type": "DEFAULT"},
        "transportConfiguration": {**transport, "type": transport_type},
    }


def additional_info(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """Check free JSON that people see in the console."""
    check_storable("additionalInfo", given)
    check_json("additionalInfo", given)
    return given


def search_text(name: str, label: str | None) -> str:
    """Return what a device is searched by, beside its type."""
    return f"{name}\n{label or ''}".lower()


def _part(given: dict[str, Any], key: str) -> dict[str, Any]:
    part = given.get(key)
    if part is None:
        return {}
    if not isinstance(part, dict):
        msg = f"'{key}' of the device data must be an object"
        raise InvalidDevice(msg)
    return part
