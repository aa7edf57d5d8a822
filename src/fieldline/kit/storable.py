"""Which JSON can be stored: what both databases and JSON itself can hold."""

import math
from typing import Any

from fieldline.kit.errors import Invalid
from fieldline.kit.values import INT64_MAX, INT64_MIN

MAX_DEPTH = 100
"""Levels of nesting; the encoder's own limit is 254."""


def check_storable(field: str, value: Any) -> None:  # noqa: ANN401 - JSON is any of its types
    """Check JSON that a client sent and that is stored as it is.

    Raises:
        Invalid: it holds U+0000 or half a surrogate pair, a number that is not finite or beyond 64
            bits, or is nested too deep.
    """
    waiting = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        problem = _problem(item, depth)
        if problem:
            msg = f"Validation error: {field} {problem}"
            raise Invalid(msg)
        if isinstance(item, dict):
            waiting.extend((key, depth) for key in item)
            waiting.extend((inner, depth + 1) for inner in item.values())
        elif isinstance(item, list):
            waiting.extend((inner, depth + 1) for inner in item)


def _problem(item: Any, depth: int) -> str | None:  # noqa: ANN401 - JSON is any of its types
    if depth > MAX_DEPTH:
        return f"is nested deeper than {MAX_DEPTH} levels"
    if isinstance(item, str):
        return _problem_of_text(item)
    if isinstance(item, float) and not math.isfinite(item):
        return "holds a number that is not finite"
    if isinstance(item, int) and not INT64_MIN <= item <= INT64_MAX:
        return "holds an integer beyond 64 bits"
    return None


def _problem_of_text(text: str) -> str | None:
    if "\0" in text:
        return "holds the character U+0000"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds text that is not valid Unicode"
    return None
