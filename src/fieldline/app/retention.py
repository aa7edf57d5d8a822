"""Deletes what is older than the settings allow, a little at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fieldline.database.engine import Database
from fieldline.domains.audit_log import service as audit_log_service
from fieldline.domains.event import service as event_service
from fieldline.domains.rpc import service as rpc_service
from fieldline.kit.clock import Clock
from fieldline.kit.errors import Unavailable
from fieldline.timeseries.store import TimeseriesStore

logger = logging.getLogger(__name__)
ROUND_S = 3_600.0
"""Between two looks for what has become too old."""
BATCH_POINTS = 5_000
"""Readings deleted in one transaction, so that writers wait little."""
BATCH_RECORDS = 1_000
"""Records of the audit log deleted in one transaction; each stands in six indexes."""
BATCH_EVENTS = 500
"""Events of rule chains deleted in one transaction."""
BATCH_RPCS = 500
"""Persistent RPCs deleted in one transaction."""
STOP_S = 5.0
"""How long a stop waits for the batch that is being deleted."""
PAUSE_S = 0.05
"""Between two batches: what comes in goes first."""
DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Aging:
    """A kind of thing that becomes too old.

    ``expire`` deletes some of what was made before a time in ms and returns how many went; 0 means
    that nothing is left. With 0 days all is kept for ever; with None the time that ``expire`` gets
    is the present one, and it knows itself what is too old.
    """

    what: str
    setting: str
    ttl_days: int | None
    expire: Callable[[int], Awaitable[int]]


def readings(store: TimeseriesStore, ttl_days: int) -> Aging:
    async def expire(before_ms: int) -> int:
        return await store.expire(before_ms, limit=BATCH_POINTS)

    return Aging("readings", "TELEMETRY_TTL_DAYS", ttl_days, expire)


def audit_logs(database: Database, ttl_days: int) -> Aging:
    async def expire(before_ms: int) -> int:
        async with database.write() as session:
            return await audit_log_service.expire(session, before_ms, BATCH_RECORDS)

    return Aging("records of the audit log", "AUDIT_LOG_TTL_DAYS", ttl_days, expire)


def events(database: Database, ttl_days: int) -> Aging:
    async def expire(before_ms: int) -> int:
        async with database.write() as session:
            return await event_service.expire(session, before_ms, BATCH_EVENTS)

    return Aging("events of rule chains", "DEBUG_EVENTS_TTL_DAYS", ttl_days, expire)


def rpcs(database: Database) -> Aging:
    async def expire(now_ms: int) -> int:
        async with database.read() as session:
            ids = await rpc_service.outdated(session, now_ms, BATCH_RPCS)
        if not ids:
            return 0
        async with database.write() as session:
            return await rpc_service.remove(session, ids)

    return Aging("persistent RPCs", f"{rpc_service.TTL} of their tenant's profile", None, expire)


class Retention:
    """The task that keeps the stores from growing for ever."""

    def __init__(self, clock: Clock, *agings: Aging) -> None:
        self._clock = clock
        self._agings = [aging for aging in agings if aging.ttl_days != 0]
        self._task: asyncio.Task[None] | None = None
        self._deleting: asyncio.Task[int] | None = None
        self._is_stopping = False

    def start(self) -> None:
        if self._agings:
            self._task = asyncio.create_task(self._run(), name="retention")

    async def stop(self) -> None:
        """Finish the batch at hand, if that is quick; the next start goes on with the rest."""
        if self._task is None:
            return
        self._is_stopping = True
        self._task.cancel()
        if self._deleting is not None:
            # Not cut off in the middle: a connection that is being opened would be left behind.
            await asyncio.wait({self._deleting}, timeout=STOP_S)
            self._deleting.cancel()
            await asyncio.gather(self._deleting, return_exceptions=True)
        await asyncio.gather(self._task, return_exceptions=True)

    async def expire(self, aging: Aging) -> int:
        """Delete everything of a kind that is too old now; returns how many went.

        Raises:
            Unavailable: the store is away; what was deleted stays so.
        """
        before_ms = self._clock.now_ms() - (aging.ttl_days or 0) * DAY_MS
        total = 0
        while True:
            count = await aging.expire(before_ms)
            total += count
            if count == 0 or self._is_stopping:
                return total
            await asyncio.sleep(PAUSE_S)

    async def _run(self) -> None:
        while True:
            for aging in self._agings:
                await self._try(aging)
            await asyncio.sleep(ROUND_S)

    async def _try(self, aging: Aging) -> None:
        self._deleting = asyncio.create_task(self.expire(aging), name="deleting what is too old")
        try:
            if count := await asyncio.shield(self._deleting):
                logger.info("%d %s older than %s are deleted", count, aging.what, aging.setting)
        except Unavailable as error:
            logger.warning("old %s wait to be deleted: %s", aging.what, error.message)
