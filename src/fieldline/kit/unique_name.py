"""A free name in place of one that is taken."""

import secrets
import string
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from itertools import count

RANDOM_CHARS = 6
_ALPHABET = string.ascii_letters + string.digits


class NameConflict(StrEnum):
    """What to do about a name that is taken."""

    FAIL = "FAIL"
    UNIQUIFY = "UNIQUIFY"


class Strategy(StrEnum):
    """What is put behind a name to make it unique."""

    RANDOM = "RANDOM"
    INCREMENTAL = "INCREMENTAL"


@dataclass(frozen=True, slots=True)
class Naming:
    """What to do when the name of something new is taken."""

    conflict: NameConflict = NameConflict.FAIL
    separator: str = "_"
    strategy: Strategy = Strategy.RANDOM


def unique_name(name: str, taken: Collection[str], *, separator: str, strategy: Strategy) -> str:
    """Return ``name``; with a suffix if it is among ``taken``: 6 random characters, or 1, 2, ..."""
    if name not in taken:
        return name
    for number in count(1):
        suffix = str(number) if strategy is Strategy.INCREMENTAL else _random()
        candidate = f"{name}{separator}{suffix}"
        if candidate not in taken:
            return candidate
    raise AssertionError


def _random() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(RANDOM_CHARS))
