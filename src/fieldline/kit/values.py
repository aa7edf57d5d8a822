"""The five types of a value: boolean, long, double, string and JSON.

Inside Fieldline a value is the Python object of that type; JSON is a :class:`JsonText`, its compact
text, so that a stored row needs no second encoding. ``type(value)`` tells them apart.
"""

from typing import Any

import orjson

INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1


class JsonText(str):
    """A JSON object or array as compact text."""

    __slots__ = ()

    def parse(self) -> Any:  # noqa: ANN401 - JSON is any of its types
        """Return the structure that the text stands for."""
        return orjson.loads(self.encode())  # orjson refuses subclasses of str


Value = bool | int | float | str | JsonText


def to_json(value: Value) -> Any:  # noqa: ANN401 - JSON is any of its types
    """Return the value as JSON shows it: JSON text becomes its structure."""
    return value.parse() if type(value) is JsonText else value
