"""A message that may be larger than what a client may otherwise leave unread."""

import asyncio

MIN_TAKEN_BYTES = 65_536
"""What a client must read of it within a time-out, to be given another one."""


class LargeAnswer:
    """A message on its way.

    Attributes:
        size: of its payload, in bytes.
        ended: done when the client has read most of it, or is gone.
    """

    __slots__ = ("_unread", "ended", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unread = size

    def end(self) -> None:
        """Let whoever waits go on."""
        if not self.ended.done():
            self.ended.set_result(None)

    def is_moving(self, unread: int) -> bool:
        """Tell whether the client has read enough since it was asked last."""
        taken, self._unread = self._unread - unread, unread
        return taken >= MIN_TAKEN_BYTES
