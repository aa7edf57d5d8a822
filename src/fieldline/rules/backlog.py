"""How many messages wait inside the rules: the measure of back-pressure.

The writer counts the rows that wait for the store; this counts the messages that wait for anything
else: a chain being loaded, a script, a node that is slow.
"""

from collections.abc import Callable


class Backlog:
    """Counts messages that wait; full at ``limit``, with room again at three quarters of it."""

    __slots__ = ("_callbacks", "_is_full", "_limit", "_room_at", "count")

    def __init__(self, limit: int) -> None:
        self.count = 0
        self._limit = limit
        self._room_at = limit * 3 // 4
        self._is_full = False
        self._callbacks: list[Callable[[], None]] = []

    @property
    def is_full(self) -> bool:
        return self._is_full

    def when_room(self, callback: Callable[[], None]) -> None:
        """Call back once: when there is room again, at once when there is."""
        if self._is_full:
            self._callbacks.append(callback)
        else:
            callback()

    def add(self) -> None:
        self.count += 1
        if self.count >= self._limit:
            self._is_full = True

    def remove(self) -> None:
        self.count -= 1
        if self._is_full and self.count <= self._room_at:
            self._is_full = False
            callbacks, self._callbacks = self._callbacks, []
            for callback in callbacks:
                callback()
