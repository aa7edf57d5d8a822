"""What the JSON parts of a device must be, and what is put in where they say nothing.

Source: ``rules/entities.md`` section 2, Device.
"""

from typing import Any

from fieldline.domains.thing.errors import InvalidThing
from fieldline.kit.storable import check_storable

_SNMP_DEFAULTS = {
    "host": "localhost",
    "port": 161,
    "protocolVersion": "V2C",
    "community": "public",
}


def device_data(given: dict[str, Any] | None, transport_type: str) -> dict[str, Any]:
    """Return the whole device data; a transport configuration of another type gives way.

    Raises:
        InvalidThing: a part is not an object.
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


def _part(given: dict[str, Any], key: str) -> dict[str, Any]:
    part = given.get(key)
    if part is None:
        return {}
    if not isinstance(part, dict):
        msg = f"'{key}' of the device data must be an object"
        raise InvalidThing(msg)
    return part
