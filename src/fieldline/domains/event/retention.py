"""Deletes events that are older than ``DEBUG_EVENTS_TTL_DAYS``, a little at a time."""

import asyncio
import logging

from fieldline.database.engine import Database
from fieldline.domains.event.repository import EventRepository
from fieldline.kit.clock import Clock
from fieldline.kit.errors import Unavailable

logger = logging.getLogger(__name__)
ROUND_S = 3_600.0
"""Between two looks for events that have become too old."""
BATCH = 500
"""Deleted in one transaction, so that writers wait little."""
PAUSE_S = 0.05
DAY_MS = 24 * 60 * 60 * 1000


class EventRetention:
    """The task that keeps events from growing for ever; with 0 days it does nothing."""

    def __init__(self, database: Database, clock: Clock, ttl_days: int) -> None:
        self._database = database
        self._clock = clock
        self._ttl_ms = ttl_days * DAY_MS
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._ttl_ms:
            self._task = asyncio.create_task(self._run(), name="event retention")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def expire(self) -> int:
        """Delete everything that is too old now; returns how many events went.

        Raises:
            Unavailable: the database is away; what was deleted stays so.
        """
        before_ms = self._clock.now_ms() - self._ttl_ms
        total = 0
        while True:
            async with self._database.write() as session:
                count = await EventRepository(session).delete_before(before_ms, BATCH)
            total += count
            if count < BATCH:
                return total
            await asyncio.sleep(PAUSE_S)

    async def _run(self) -> None:
        while True:
            try:
                if count := await self.expire():
                    logger.info("%d events older than DEBUG_EVENTS_TTL_DAYS are deleted", count)
            except Unavailable as error:
                logger.warning("old events wait to be deleted: %s", error.message)
            await asyncio.sleep(ROUND_S)
