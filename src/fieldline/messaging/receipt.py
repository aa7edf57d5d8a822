"""What a device's packet waits for before it is acknowledged."""

from collections.abc import Callable
from typing import Protocol


class Meter(Protocol):
    """Counts the packets that are on their way."""

    def ended(self, weight: int) -> None:
        """Count one packet out, and what it was counted as."""


class Receipt:
    """Counts what is still open for one packet; when nothing is, the packet is acknowledged.

    A packet opens as many branches as its messages take through the rules, and every batch that
    holds one of its readings is one more. The counter starts at 1, held by whoever made it.
    A packet that is counted has its ``meter`` told first. ``weight`` is what it counts as; until
    then the KiB of its payload, from whoever made it. All calls are made on the event loop's
    thread.
    """

    __slots__ = ("_on_done", "_open", "meter", "weight")

    def __init__(self, on_done: Callable[["Receipt"], None]) -> None:
        self._open = 1
        self._on_done = on_done
        self.meter: Meter | None = None
        self.weight = 0

    def hold(self, count: int = 1) -> None:
        """Open ``count`` more branches."""
        self._open += count

    def release(self) -> None:
        """End one branch; the last one calls ``on_done`` with this receipt, once."""
        self._open -= 1
        if self._open == 0:
            if self.meter is not None:
                self.meter.ended(self.weight)
            self._on_done(self)

    @property
    def is_done(self) -> bool:
        return self._open <= 0


def _nobody_waits(_receipt: Receipt) -> None:
    """End a message that no device waits for."""


def unattended() -> Receipt:
    """Return a receipt for a message that nobody waits for (an event of the platform's own)."""
    return Receipt(_nobody_waits)
