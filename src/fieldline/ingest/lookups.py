"""Answers that need the store: a few at a time, in the order they were asked."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from fieldline.kit.errors import Unavailable

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 1.0
ATTEMPTS = 20
"""Times that an answer is tried while the store is away; devices give up after about 20 s."""

Lookup = Callable[[], Awaitable[None]]


class Lookups:
    """Runs lookups in a fixed number of tasks.

    Args:
        at_once: tasks.
        waiting: lookups that may wait for one.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._queue: asyncio.Queue[Lookup] = asyncio.Queue(waiting)
        self._at_once = at_once
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._at_once)]

    async def stop(self) -> None:
        """End the tasks; what waits stays unanswered, its connection is going away too."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def submit(self, lookup: Lookup) -> None:
        """Run a lookup when its turn comes.

        Raises:
            Unavailable: too many wait.
        """
        try:
            self._queue.put_nowait(lookup)
        except asyncio.QueueFull:
            msg = "Too many requests wait for the store; try again"
            raise Unavailable(msg) from None

    async def _work(self) -> None:
        while True:
            lookup = await self._queue.get()
            try:
                await _try(lookup)
            except Exception:  # one device's answer must not end the others'
                logger.exception("a device's request could not be answered")


async def _try(lookup: Lookup) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await lookup()
        except Unavailable:
            if attempt == ATTEMPTS:
                logger.warning("a device's request stays unanswered: the store is away")
                return
            await asyncio.sleep(RETRY_AFTER_S)
        else:
            return
