"""JSON in and out, by orjson."""

from typing import Any
from uuid import UUID

import orjson

from fieldline.kit.errors import Invalid


def dumps(value: Any) -> bytes:  # noqa: ANN401 - JSON is any of its types
    """Encode; keys that are not strings are converted."""
    return orjson.dumps(value, _others, orjson.OPT_NON_STR_KEYS)


def dumps_text(value: Any) -> str:  # noqa: ANN401 - JSON is any of its types
    """Encode to text."""
    return orjson.dumps(value, _others, orjson.OPT_NON_STR_KEYS).decode()


def dumps_received(what: str, value: Any) -> bytes:  # noqa: ANN401
    """Encode what a client sent, which may be nested deeper than can be written: 254 levels.

    Raises:
        Invalid: it is; ``what`` it is stands before the reason.
    """
    try:
        return dumps(value)
    except orjson.JSONEncodeError as error:
        msg = f"{what} cannot be passed on, it may be nested too deeply: {error}"
        raise Invalid(msg) from None


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
