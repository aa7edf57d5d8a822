"""Places inside a JSON object: ``A``, ``A.B``, ``A['b.c']``, ``A[0]``, each also behind ``$.``.

The part of JSON path (RFC 9535) that names one place.
"""

import re
from typing import Any

from fieldline.kit.errors import Invalid

Path = list[str | int]
_STEP = re.compile(r"""\.([^.\[\]'"]+)|\.?(?:\[(\d{1,9})\]|\['([^']+)'\]|\["([^"]+)"\])""")


def parse_all(text: str) -> list[Path]:
    """Read paths with commas between them; a comma inside of ``[...]`` belongs to a name.

    Raises:
        Invalid: one is empty or cannot be read.
    """
    parts, start, is_inside = [], 0, False
    for position, character in enumerate(text):
        if character in "[]":
            is_inside = character == "["
        elif character == "," and not is_inside:
            parts.append(text[start:position])
            start = position + 1
    return [parse(part) for part in (*parts, text[start:])]


def parse(text: str) -> Path:
    """Read one path.

    Raises:
        Invalid: it is empty or cannot be read.
    """
    # The root may be named; then a dot or a bracket follows.
    rest = text.strip()
    rest = rest[1:] if rest.startswith(("$.", "$[")) else f".{rest}"
    path: Path = []
    position = 0
    while position < len(rest):
        step = _STEP.match(rest, position)
        if step is None:
            raise _unreadable(text)
        name, index, *quoted = step.groups()
        path.append(int(index) if index else name or next(filter(None, quoted)))
        position = step.end()
    if not path:
        raise _unreadable(text)
    return path


def put(tree: dict[str, Any], dotted: str, value: Any) -> None:  # noqa: ANN401 - JSON is any of its types
    """Set the field that a dotted key names, making the objects on the way to it.

    Raises:
        Invalid: a part of the key is empty, or a field on the way is no object.
    """
    *parents, last = dotted.split(".")
    if not last or not all(parents):
        msg = f"The key '{dotted}' has an empty part; a dotted key is like 'menu.opened'"
        raise Invalid(msg)
    for name in parents:
        inner = tree.get(name)
        if inner is None:
            inner = tree[name] = {}
        if not isinstance(inner, dict):
            msg = f"The key '{dotted}' cannot be set: '{name}' is no object"
            raise Invalid(msg)
        tree = inner
    tree[last] = value


def remove(tree: dict[str, Any], path: Path) -> None:
    """Take away what is at a place, if anything is."""
    inner: Any = tree
    for step in path[:-1]:
        inner = inner[step] if _has(inner, step) else None
    if _has(inner, path[-1]):
        del inner[path[-1]]


def _has(value: Any, step: str | int) -> bool:  # noqa: ANN401 - JSON is any of its types
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)


def _unreadable(text: str) -> Invalid:
    return Invalid(f"'{text}' is not a path to a setting; it is like 'menu.opened' or \"a['b.c']\"")
