"""How often something may be tried for one user."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from fieldline.kit.errors import RateLimited
from fieldline.kit.lru import Lru

MAX_KEYS = 10_000
"""Users remembered; the one not seen for the longest time is forgotten first."""


@dataclass(frozen=True, slots=True)
class AttemptLimit:
    """At most ``most`` attempts per key within any ``period_ms``."""

    most: int
    period_ms: int
    _times: Lru[Hashable, list[int]] = field(default_factory=lambda: Lru(MAX_KEYS))

    def check(self, key: Hashable, now_ms: int) -> list[int]:
        """Return when the attempts were made that count now.

        Raises:
            RateLimited: there were too many.
        """
        recent = [ms for ms in self._times.get(key) or () if ms > now_ms - self.period_ms]
        if len(recent) >= self.most:
            wait_ms = recent[0] + self.period_ms - now_ms
            raise RateLimited("Too many attempts; try again later", retry_after_s=wait_ms / 1_000)
        return recent

    def take(self, key: Hashable, now_ms: int) -> None:
        """Count an attempt.

        Raises:
            RateLimited: there were too many; this one is not counted.
        """
        self._times.put(key, [*self.check(key, now_ms), now_ms])

    def give_back(self, key: Hashable) -> None:
        """Count the last attempt as not made."""
        recent = self._times.get(key)
        if recent:
            self._times.put(key, recent[:-1])
