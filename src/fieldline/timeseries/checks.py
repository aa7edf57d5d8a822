"""Checks of what is about to be stored: keys and values that every store can hold.

On the path of every reading, so what is usual costs next to nothing: a key that was found valid
before is one look-up, a number one comparison, an ASCII string a flag and a search for U+0000.
"""

from collections.abc import Mapping
from math import isfinite

from fieldline.kit.errors import Invalid
from fieldline.kit.text import check_text
from fieldline.kit.values import INT64_MAX, INT64_MIN, Value

MAX_KNOWN_KEYS = 50_000
"""Keys remembered as valid; beyond, all are checked anew."""
LONG_TEXT = 1024
"""Text beyond this many characters weighs more than one row."""


class Checks:
    """Checks keys and values, and remembers which keys are valid."""

    __slots__ = ("_limit", "_valid")

    def __init__(self, limit: int = MAX_KNOWN_KEYS) -> None:
        self._valid: set[str] = set()
        self._limit = limit

    def storable(self, values: Mapping[str, Value]) -> tuple[Mapping[str, Value], int]:
        """Return the values, without U+0000 in strings, and how many rows they weigh.

        Long text weighs one row more per KiB, so that a limit in rows limits memory too.

        Raises:
            Invalid: a key is blank, too long, or holds HTML, ``{{ }}`` or U+0000; an integer is
                beyond 64 bits, a number not finite, or text not valid Unicode.
        """
        valid = self._valid
        weight = len(values) or 1
        cleaned: dict[str, Value] | None = None
        for key, value in values.items():
            if key not in valid:
                self._learn(key)
            if isinstance(value, str):
                if len(value) > LONG_TEXT:
                    weight += len(value) // LONG_TEXT
                if not value.isascii():
                    _check_unicode(key, value)
                if "\0" in value:
                    cleaned = dict(values) if cleaned is None else cleaned
                    cleaned[key] = type(value)(value.replace("\0", ""))
            elif type(value) is float:
                if not isfinite(value):
                    msg = f"The value of '{key}' is not a finite number"
                    raise Invalid(msg)
            elif not INT64_MIN <= value <= INT64_MAX:
                msg = f"The value of '{key}' is an integer beyond 64 bits"
                raise Invalid(msg)
        return (values if cleaned is None else cleaned), weight

    def _learn(self, key: str) -> None:
        check_text("Key", key)
        if len(self._valid) >= self._limit:
            self._valid.clear()
        self._valid.add(key)


def _check_unicode(key: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        msg = f"The value of '{key}' is not valid Unicode text"
        raise Invalid(msg) from error
