"""Ids that exist: collected from answers, put into requests, so that they reach what is there."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

KEPT = 40
"""Ids that are remembered of a kind."""
Draw = Callable[[st.SearchStrategy[Any]], Any]


class Pool:
    """The ids seen, by the name that stands before them (``device``, ``customer``)."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[str]] = {}

    def learn(self, kind: str, answer: object) -> None:
        """Remember the ``id`` of an answer or of its items."""
        items = answer.get("data", [answer]) if isinstance(answer, dict) else answer
        for item in items if isinstance(items, list) else ():
            found = item.get("id") if isinstance(item, dict) else None
            found = found.get("id") if isinstance(found, dict) else found
            if _is_id(found):
                known = self._seen.setdefault(kind, deque(maxlen=KEPT))
                if found not in known:
                    known.append(str(found))

    def without(self, ids: frozenset[str]) -> "Pool":
        """Return this pool without some ids."""
        left = Pool()
        for kind, seen in self._seen.items():
            left._seen[kind] = deque((each for each in seen if each not in ids), maxlen=KEPT)
        return left

    def mix(self, value: Any, draw: Draw, name: str = "") -> Any:
        """Replace some of the ids in a part of a request by ones that exist."""
        if isinstance(value, Mapping):
            return {key: self.mix(item, draw, _kind(key, name)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.mix(item, draw, name) for item in value]
        candidates = self._seen.get(name) or [each for seen in self._seen.values() for each in seen]
        if not _is_id(value) or not candidates or not draw(st.booleans()):
            return value
        return draw(st.sampled_from(sorted(candidates)))


def kind_of(path: str) -> str:
    """Return what a path is about: ``device`` of ``/api/v1/devices/{device_id}``."""
    words = [word for word in path.split("/") if word and not word.startswith("{")]
    noun = words[-1] if words else ""
    return noun.removesuffix("s").removesuffix("Info").lower()


def _kind(key: str, parent: str) -> str:
    """Return the kind that a field or parameter names: ``device`` of ``device_id``."""
    kind = key.removesuffix("s").removesuffix("Id").removesuffix("_id").replace("_", "").lower()
    return parent if kind in {"id", "entityid"} else kind


def _is_id(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        UUID(value)
    except ValueError:
        return False
    return True
