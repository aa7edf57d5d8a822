"""Time as the platform sees it: epoch milliseconds, from a clock that tests can hold."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time; everything that waits or stamps gets one as an argument."""

    def now_ms(self) -> int:
        """Milliseconds since 1970 UTC."""


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class MonotonicClock:
    """Time that no correction of the machine's clock moves: for time-outs."""

    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000


class ManualClock:
    """A clock that moves only when told to, for tests."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def advance(self, ms: int) -> None:
        self._now_ms += ms
