"""How long to wait before the next attempt."""

import random
from collections.abc import Callable


class Backoff:
    """Waits that double up to a limit, each of them between its half and its whole.

    Without the chance in it all connectors would come back at once to a broker that restarted.
    """

    def __init__(
        self, first_s: float, max_s: float, chance: Callable[[], float] = random.random
    ) -> None:
        self._first_s = first_s
        self._max_s = max_s
        self._next_s = first_s
        self._chance = chance

    def next_s(self) -> float:
        """Return the next wait in seconds."""
        wait_s = self._next_s * (0.5 + self._chance() / 2)
        self._next_s = min(self._next_s * 2, self._max_s)
        return wait_s

    def reset(self) -> None:
        """Begin again with the first."""
        self._next_s = self._first_s
