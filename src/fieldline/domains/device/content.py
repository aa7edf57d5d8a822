"""What the JSON parts of a device must be, and what is put in where they say nothing.

Source: ``rules/entities.md`` section 2, Device.
"""

from typing import Any
from uuid import UUID

from fieldline.domains.thing.errors import InvalidThing
from fieldline.kit.storable import check_storable

GATEWAY = "gateway"
"""In ``additionalInfo``: true makes the device a gateway."""
LAST_GATEWAY = "lastConnectedGateway"
"""In ``additionalInfo``: the id of the gateway through which the device speaks."""
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


def is_gateway(info: dict[str, Any] | None) -> bool:
    """Return whether the free JSON of a device makes it a gateway."""
    return (info or {}).get(GATEWAY) is True


def last_gateway(info: dict[str, Any] | None) -> UUID | None:
    """Return the gateway that the free JSON of a device names; None for what is no id."""
    named = (info or {}).get(LAST_GATEWAY)
    if isinstance(named, dict):  # as a reference, which the console writes
        named = named.get("id")
    try:
        return UUID(named) if isinstance(named, str) else None
    except ValueError:
        return None


def _part(given: dict[str, Any], key: str) -> dict[str, Any]:
    part = given.get(key)
    if part is None:
        return {}
    if not isinstance(part, dict):
        msg = f"'{key}' of the device data must be an object"
        raise InvalidThing(msg)
    return part
