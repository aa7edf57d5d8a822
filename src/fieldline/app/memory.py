"""Gives memory back to the system when a crowd of connections has left.

Dead cycles wait for the collector, and glibc keeps what was freed in the middle of its heap: after
5,000 connections that came at once and went, 15 MB of 36.
"""

import asyncio
import ctypes
import gc
from collections.abc import Callable
from contextlib import suppress

LOOK_S = 10.0
CROWD = 1_000
"""So many connections that have ended are worth it; it takes some milliseconds."""


class Trimmer:
    """Looks now and then how many connections have ended so far, and trims the heap after many."""

    def __init__(self, ended: Callable[[], int], trim: Callable[[], object] | None = None) -> None:
        self._ended = ended
        self._trim = trim or trim_heap
        self._before = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="trimmer")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> None:
        """Trim if many have ended since the last time."""
        ended = self._ended()
        if ended - self._before >= CROWD:
            self._before = ended
            await asyncio.to_thread(self._trim)

    async def _run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)


def trim_heap() -> None:
    """Collect, and give free pages of the C heap back to the system, where that is known."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
