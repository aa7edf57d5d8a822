"""Rate limits as ThingsBoard writes them: ``capacity:seconds[,capacity:seconds...]``.

Each part is a token bucket that is full at first and refills evenly; something is let through when
every part has a token for it.
"""

import re
from typing import NamedTuple

from fieldline.kit.errors import Invalid

MAX_PARTS = 10
_PART = re.compile(r"([0-9]{1,12}):([0-9]{1,12})")


class Part(NamedTuple):
    """So much in so many seconds."""

    capacity: int
    seconds: int


def parse_rate_limit(text: str | None) -> tuple[Part, ...]:
    """Read a limit; an empty text, or None, is none.

    Raises:
        Invalid: the text is of another form.
    """
    if not text:
        return ()
    found = [_PART.fullmatch(part) for part in text.split(",")]
    parts = tuple(Part(int(each[1]), int(each[2])) for each in found if each is not None)
    is_whole = len(parts) == len(found) <= MAX_PARTS
    if not is_whole or any(not part.capacity or not part.seconds for part in parts):
        msg = (
            f"A rate limit is like '100:1,2000:60' (so much in so many seconds, {MAX_PARTS} parts "
            f"at the most), not '{text[:100]}'"
        )
        raise Invalid(msg)
    return parts


class RateLimit:
    """What is left of one limit.

    Args:
        parts: of :func:`parse_rate_limit`.
        now_ms: of a clock that may step; when it goes back, nothing refills for a while.
    """

    __slots__ = ("_looked_ms", "_parts", "_tokens")

    def __init__(self, parts: tuple[Part, ...], now_ms: int) -> None:
        self._parts = parts
        self._tokens = [float(part.capacity) for part in parts]
        self._looked_ms = now_ms

    def wait_ms(self, count: int, now_ms: int) -> float:
        """Return how long it takes until ``count`` may pass; 0 when it may now.

        What is more than a part ever holds has to wait until that is full, and is refused then too.
        """
        self._refill(now_ms)
        longest = 0.0
        for part, tokens in zip(self._parts, self._tokens, strict=True):
            missing = min(count, part.capacity) - tokens
            if count > tokens:
                longest = max(longest, missing * part.seconds * 1000 / part.capacity, 1.0)
        return longest

    def take(self, count: int) -> None:
        """Take what :meth:`wait_ms` let through."""
        self._tokens = [tokens - count for tokens in self._tokens]

    def _refill(self, now_ms: int) -> None:
        elapsed_ms = now_ms - self._looked_ms
        self._looked_ms = now_ms
        if elapsed_ms > 0:
            self._tokens = [
                min(part.capacity, tokens + elapsed_ms * part.capacity / (part.seconds * 1000))
                for part, tokens in zip(self._parts, self._tokens, strict=True)
            ]
