"""Answers that need the store: a few at a time, in the order they were asked."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from fieldline.kit.errors import Unavailable

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 1.0
STOP_S = 1.0
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
        self._busy: set[asyncio.Task[Any]] = set()
        self._is_stopping = False

    def start(self) -> None:
        self._is_stopping = False
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._at_once)]

    async def stop(self) -> None:
        """End the tasks; what waits stays unanswered, its connection is going away too."""
        self._is_stopping = True
        for task in self._tasks:
            if task not in self._busy:
                task.cancel()
        if self._busy:
            # A connection that is being made when its task is cut off is closed by nobody.
            await asyncio.wait(tuple(self._busy), timeout=STOP_S)
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
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - it runs in one
        while not self._is_stopping:
            lookup = await self._queue.get()
            self._busy.add(task)
            try:
                await _try(lookup)
            except Exception:  # one device's answer must not end the others'
                logger.exception("a device's request could not be answered")
            finally:
                self._busy.discard(task)


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
