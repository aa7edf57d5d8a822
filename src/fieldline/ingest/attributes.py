"""What a device may know of its attributes: its own and the shared ones.

Source: ThingsBoard's MQTT device API, attribute request and response.
"""

from typing import Any, NamedTuple
from uuid import UUID

import orjson

from fieldline.kit.errors import Invalid
from fieldline.kit.values import to_json
from fieldline.timeseries.store import Attribute, Scope, TimeseriesStore

Keys = tuple[str, ...] | None
"""Attribute names; None is every one, an empty tuple none."""


class AttributeRequest(NamedTuple):
    """Which attributes a device asks for."""

    client: Keys
    shared: Keys

    @classmethod
    def of(cls, client: str | None, shared: str | None) -> "AttributeRequest":
        """Make a request of comma-separated names; neither given asks for everything."""
        if client is None and shared is None:
            return cls(None, None)
        return cls(_split(client), _split(shared))

    @classmethod
    def parse(cls, payload: bytes) -> "AttributeRequest":
        """Read ``{"clientKeys": "a,b", "sharedKeys": "c"}``.

        Raises:
            Invalid: it is not such an object.
        """
        try:
            body = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            msg = f"The attribute request is not JSON: {error}"
            raise Invalid(msg) from None
        if not isinstance(body, dict):
            msg = 'An attribute request is an object like {"clientKeys": "a,b", "sharedKeys": "c"}'
            raise Invalid(msg)
        return cls.of(_names(body, "clientKeys"), _names(body, "sharedKeys"))


FoundAttributes = dict[str, dict[str, Attribute]]
"""Attributes by scope (``client``, ``shared``) and name; a scope without finds is left out."""


def attributes_json(found: FoundAttributes) -> dict[str, dict[str, Any]]:
    """Return ``{"client": {..}, "shared": {..}}``."""
    return {
        scope: {key: to_json(attribute.value) for key, attribute in attributes.items()}
        for scope, attributes in found.items()
    }


class AttributeReader:
    """Reads a device's attributes from the store."""

    def __init__(self, store: TimeseriesStore) -> None:
        self._store = store

    async def read(self, device_id: UUID, request: AttributeRequest) -> FoundAttributes:
        """Return what the request asks for, as far as it is there.

        Raises:
            Unavailable: the store is away.
        """
        found: FoundAttributes = {}
        for name, scope, keys in (
            ("client", Scope.CLIENT, request.client),
            ("shared", Scope.SHARED, request.shared),
        ):
            if keys is None or keys:
                attributes = await self._store.attributes(device_id, scope, keys)
                if attributes:
                    found[name] = {attribute.key: attribute for attribute in attributes}
        return found


def _names(body: dict[str, Any], field: str) -> str | None:
    if field not in body:
        return None
    names = body[field]
    if not isinstance(names, str):
        msg = f"'{field}' must be one string of names with commas between them"
        raise Invalid(msg)
    return names


def _split(names: str | None) -> tuple[str, ...]:
    return tuple(name for name in names.split(",") if name) if names else ()
