"""What operators are told of clients that misbehave, again and again and all at once."""

import logging
from collections.abc import Callable

EVERY_MS = 10_000
"""One line of a kind in this time; the next one says how many there were."""


class Complaints:
    """Logs at a bounded rate, however many clients there are.

    Args:
        logger: where to.
        now_ms: a monotonic clock.
    """

    def __init__(self, logger: logging.Logger, now_ms: Callable[[], int]) -> None:
        self._logger = logger
        self._now_ms = now_ms
        self._said_ms: dict[str, int] = {}
        self._unsaid: dict[str, int] = {}

    def say(self, kind: str, text: str) -> None:
        """Log what is wrong; ``kind`` is one of a few, each of which has lines of its own."""
        now_ms = self._now_ms()
        said_ms = self._said_ms.get(kind)
        if said_ms is not None and now_ms - said_ms < EVERY_MS:
            self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
            return
        unsaid = self._unsaid.pop(kind, 0)
        self._logger.warning("%s%s", text, f" (and {unsaid} more of such)" if unsaid else "")
        self._said_ms[kind] = now_ms
