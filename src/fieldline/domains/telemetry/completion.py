"""Waiting until everything that one request stores is on disk."""

import asyncio

from fieldline.kit.errors import Unavailable
from fieldline.messaging.receipt import Receipt

WRITE_TIMEOUT_S = 30.0
"""How long a request waits for its values to be stored (ThingsBoard's async time-out)."""


class Completion:
    """One future per request, done when its last branch has ended.

    Whoever stores something because of these values (the writer, the alarm rules) holds the
    receipt meanwhile. The first error of any branch is what :meth:`wait` raises.
    """

    def __init__(self) -> None:
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._error: Exception | None = None
        self.receipt = Receipt(self._finish)

    def branch(self) -> None:
        """Open a branch; :meth:`end` ends it."""
        self.receipt.hold()

    def end(self, error: Exception | None) -> None:
        """End a branch with None or with why it failed."""
        if error is not None and self._error is None:
            self._error = error
        self.receipt.release()

    async def wait(self) -> None:
        """Wait for all branches; raises the first error.

        Raises:
            Unavailable: the store did not answer in time; the values may still be stored later.
        """
        self.receipt.release()
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._done
        except TimeoutError as error:
            msg = f"The store did not confirm the values within {WRITE_TIMEOUT_S:.0f} s; try again"
            raise Unavailable(msg) from error
        if self._error is not None:
            raise self._error

    def _finish(self, _receipt: Receipt) -> None:
        if not self._done.done():
            self._done.set_result(None)
