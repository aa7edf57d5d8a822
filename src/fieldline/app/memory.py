"""Gives memory back to the system after a crowd of connections, or much that was written.

Dead cycles wait for the collector, and glibc keeps what was freed in the middle of its heaps: after
5,000 connections that came at once and went, 15 MB of 36; of the heap of SQLite's thread, which has
its pages in small pieces, 18 MB of 21 after a minute in which the disk was slow.
"""

import asyncio
import ctypes
import gc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from fieldline.timeseries.writer import Saves, TimeseriesWriter
from fieldline.transports.mqtt.transport import MqttTransport

LOOK_S = 10.0
CROWD = 1_000
"""So many connections that have ended are worth it; it takes some milliseconds."""
ROWS = 500_000
"""So many rows that were written are worth it: half a minute's at full speed."""


@dataclass(frozen=True, slots=True)
class Past:
    """What came and went since the start: connections that have ended, rows that were written."""

    ended: int = 0
    rows: int = 0


def past_of(writer: Saves, mqtt: MqttTransport | None) -> Past:
    """Return it from those who count."""
    return Past(
        0 if mqtt is None else mqtt.stats.connections_opened - mqtt.connections,
        writer.counts.rows if isinstance(writer, TimeseriesWriter) else 0,
    )


class Trimmer:
    """Looks now and then what came and went so far, and trims the heap after much of it.

    Args:
        past: tells it.
        trim: does it; it is told whether dead cycles are to be collected before.
    """

    def __init__(
        self, past: Callable[[], Past], trim: Callable[[bool], object] | None = None
    ) -> None:
        self._past = past
        self._trim = trim or trim_heap
        self._before = Past()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="trimmer")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> None:
        """Trim if much came and went since the last time."""
        now, before = self._past(), self._before
        is_crowd = now.ended - before.ended >= CROWD
        if is_crowd or now.rows - before.rows >= ROWS:
            self._before = now if is_crowd else Past(before.ended, now.rows)
            await asyncio.to_thread(self._trim, is_crowd)

    async def _run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)


def trim_heap(collect: bool) -> None:  # noqa: FBT001 - the only argument
    """Give free pages of the C heaps back to the system, where that is known.

    ``collect``: dead cycles first, which stops everything for some milliseconds.
    """
    if collect:
        gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
