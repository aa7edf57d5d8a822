"""Turns at something that only a few may do at a time."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from fieldline.kit.errors import Unavailable

RETRY_AFTER_S = 10.0


class Turns:
    """Lets a few do something at a time, and of one owner fewer, so that some are left for others.

    Args:
        what: what is done, as in "files are being uploaded", for the error.
        at_once: of all owners together.
        of_one: of one owner.
    """

    def __init__(self, what: str, at_once: int, of_one: int) -> None:
        self._what = what
        self._at_once = at_once
        self._of_one = of_one
        self._taken: Counter[Hashable] = Counter()

    @property
    def taken(self) -> int:
        """How many have a turn now."""
        return self._taken.total()

    @contextmanager
    def take(self, owner: Hashable) -> Iterator[None]:
        """Have a turn while the block runs.

        Raises:
            Unavailable: there is none.
        """
        if self.taken >= self._at_once or self._taken[owner] >= self._of_one:
            msg = f"Too many {self._what}; try again later"
            raise Unavailable(msg, retry_after_s=RETRY_AFTER_S)
        self._taken[owner] += 1
        try:
            yield
        finally:
            self._taken[owner] -= 1
            if not self._taken[owner]:
                del self._taken[owner]
