"""JSON in and out, by orjson."""

from typing import Any
from uuid import UUID

import orjson


def dumps(value: Any) -> bytes:  # noqa: ANN401 - JSON is any of its types
    """Encode; keys that are not strings are converted."""
    return orjson.dumps(value, _others, orjson.OPT_NON_STR_KEYS)


def dumps_text(value: Any) -> str:  # noqa: ANN401 - JSON is any of its types
    """Encode to text."""
    return orjson.dumps(value, _others, orjson.OPT_NON_STR_KEYS).decode()


def _others(value: Any) -> str:  # noqa: ANN401 - what orjson does not know
    if isinstance(value, UUID):  # asyncpg's, a subclass
        return str(value)
    raise TypeError


def raw(text: str) -> Any:  # noqa: ANN401 - orjson's own type
    """Return JSON text as a part of what :func:`dumps` encodes, without reading it."""
    return orjson.Fragment(text)


def loads(data: bytes | str) -> Any:  # noqa: ANN401 - JSON is any of its types
    """Decode.

    Raises:
        orjson.JSONDecodeError: not JSON (a ValueError).
    """
    return orjson.loads(data)
