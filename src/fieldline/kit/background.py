"""Work that nobody waits for: a few pieces at a time, in their order, and only so many of them."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from fieldline.kit.errors import Unavailable

logger = logging.getLogger(__name__)
Work = Callable[[], Awaitable[object]]
STOP_S = 5.0
"""How long a stop waits for what is under way."""


class Background:
    """Runs work after the request that asked for it was answered.

    What waits is lost when the process ends: it is for work that is asked for again if it fails.

    Args:
        max_running: pieces under way at once.
        max_waiting: pieces that may wait for these; one more is refused.
    """

    def __init__(self, *, max_running: int = 4, max_waiting: int = 100) -> None:
        self._max_running = max_running
        self._max_waiting = max_waiting
        self._waiting: deque[Work] = deque()
        self._runners: set[asyncio.Task[None]] = set()

    def submit(self, work: Work) -> None:
        """Have work done soon; its errors are logged.

        Raises:
            Unavailable: too much waits already.
        """
        if len(self._waiting) >= self._max_waiting:
            raise Unavailable("Too many requests of this kind are under way; try again")
        self._waiting.append(work)
        if len(self._runners) < self._max_running:
            runner = asyncio.create_task(self._run(), name="background")
            self._runners.add(runner)
            runner.add_done_callback(self._runners.discard)

    async def idle(self) -> None:
        """Wait until everything submitted is done."""
        while self._runners:
            await asyncio.wait(self._runners)

    async def stop(self, timeout_s: float = STOP_S) -> None:
        """Finish what is under way, if that is quick, and drop what waits."""
        if self._waiting:
            logger.warning("%d pieces of background work are dropped", len(self._waiting))
            self._waiting.clear()
        if self._runners:
            await asyncio.wait(self._runners, timeout=timeout_s)
        for runner in self._runners:
            runner.cancel()
        await asyncio.gather(*self._runners, return_exceptions=True)

    async def finish(self, timeout_s: float = STOP_S) -> None:
        """Do everything submitted, if that is quick, and drop the rest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self.idle()
        await self.stop(timeout_s=0)

    async def _run(self) -> None:
        while self._waiting:
            work = self._waiting.popleft()
            try:
                await work()
            except Exception:
                logger.exception("background work failed")
