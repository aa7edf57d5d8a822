"""Deletes readings that are older than ``TELEMETRY_TTL_DAYS``, a little at a time."""

import asyncio
import logging

from fieldline.kit.clock import Clock
from fieldline.kit.errors import Unavailable
from fieldline.timeseries.store import TimeseriesStore

logger = logging.getLogger(__name__)
ROUND_S = 3_600.0
"""Between two looks for readings that have become too old."""
BATCH_POINTS = 5_000
"""Deleted in one transaction, so that writers wait little."""
PAUSE_S = 0.05
"""Between two batches: readings that come in go first."""
DAY_MS = 24 * 60 * 60 * 1000


class Retention:
    """The task that keeps the store from growing for ever; with 0 days it does nothing."""

    def __init__(self, store: TimeseriesStore, clock: Clock, ttl_days: int) -> None:
        self._store = store
        self._clock = clock
        self._ttl_ms = ttl_days * DAY_MS
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._ttl_ms:
            self._task = asyncio.create_task(self._run(), name="retention")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def expire(self) -> int:
        """Delete everything that is too old now; returns how many points went.

        Raises:
            Unavailable: the store is away; what was deleted stays so.
        """
        before_ms = self._clock.now_ms() - self._ttl_ms
        total = 0
        while True:
            count = await self._store.expire(before_ms, limit=BATCH_POINTS)
            total += count
            if count == 0:
                return total
            await asyncio.sleep(PAUSE_S)

    async def _run(self) -> None:
        while True:
            try:
                if count := await self.expire():
                    logger.info("%d readings older than TELEMETRY_TTL_DAYS are deleted", count)
            except Unavailable as error:
                logger.warning("old readings wait to be deleted: %s", error.message)
            await asyncio.sleep(ROUND_S)
