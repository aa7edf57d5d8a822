"""What operators are told of clients that cannot be told themselves: MQTT 3 has no words for it."""

import logging
from collections.abc import Callable

logger = logging.getLogger(__name__)

EVERY_MS = 10_000
"""One line in this time; the next one says how many there were."""


class Complaints:
    """Logs at a bounded rate, however many clients come again and again.

    Args:
        now_ms: a monotonic clock.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._said_ms: int | None = None
        self._unsaid = 0

    def say(self, of_whom: str, what: str) -> None:
        """Log what is wrong with what a client says; ``of_whom`` is its device's name."""
        now_ms = self._now_ms()
        if self._said_ms is not None and now_ms - self._said_ms < EVERY_MS:
            self._unsaid += 1
            return
        more = f" (and {self._unsaid} more of such)" if self._unsaid else ""
        logger.warning("device %r: %s%s", of_whom, what, more)
        self._said_ms, self._unsaid = now_ms, 0
