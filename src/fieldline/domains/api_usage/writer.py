"""The writer of API usage: stores every few seconds what was counted, and begins new months.

What was counted since the last time is added to what is stored. A process that is killed loses the
counts of :data:`EVERY_S` at the most; one whose database hangs up in the middle of a commit may add
them twice.
"""

import asyncio
import logging
from contextlib import suppress

from fieldline.database.engine import Database
from fieldline.domains.api_usage.counters import Usage
from fieldline.domains.api_usage.repository import UsageRepository
from fieldline.kit.clock import Clock
from fieldline.kit.errors import Conflict, Unavailable
from fieldline.kit.ids import EntityType
from fieldline.messaging.bus import Bus
from fieldline.messaging.events import Change, EntityChanged

logger = logging.getLogger(__name__)

EVERY_S = 10.0
"""Between two times that use is stored: what a crash may lose."""
BATCH = 500
"""Tenants in one transaction, so that readings wait little."""
STOP_S = 5.0


class UsageWriter:
    """See the module's text.

    Args:
        database: where use is stored.
        usage: what counts it.
        clock: tells which month it is.
        bus: tells of deleted tenants.
    """

    def __init__(self, database: Database, usage: Usage, clock: Clock, bus: Bus) -> None:
        self._database = database
        self._usage = usage
        self._clock = clock
        self._turn = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._must_restore = True
        self._task: asyncio.Task[None] | None = None
        self._stop_listening = bus.listen(EntityChanged, self._on_entity)

    async def start(self) -> None:
        """Go on from what is stored.

        Raises:
            Unavailable: the database is away.
        """
        await self.flush()
        self._task = asyncio.create_task(self._run(), name="usage writer")

    async def stop(self) -> None:
        """Store what was counted, if that works in time, then stop."""
        self._stop_listening()
        if self._task is None:
            return
        self._stopping.set()
        await asyncio.wait({self._task}, timeout=STOP_S)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def flush(self) -> None:
        """Begin the month that it is, and store what was counted.

        Raises:
            Unavailable: the database is away; nothing is forgotten.
        """
        async with self._turn:
            if self._usage.turn(self._clock.now_ms()):
                self._must_restore = True
            if self._must_restore:
                await self._restore()
            unsaved = self._usage.unsaved()
            for start in range(0, len(unsaved), BATCH):
                uses = unsaved[start : start + BATCH]
                async with self._database.write() as session:
                    there = await UsageRepository(session).add(uses)
                self._usage.note_saved(uses)
                for tenant_id in {use.tenant_id for use in uses} - there:
                    self._usage.forget(tenant_id)
        self._usage.tell()

    async def _restore(self) -> None:
        async with self._database.read() as session:
            stored = await UsageRepository(session).of_month(self._usage.month_ms)
        self._usage.restore(stored)
        self._must_restore = False

    async def _run(self) -> None:
        while not self._stopping.is_set():
            until_end_s = (self._usage.month_end_ms - self._clock.now_ms()) / 1000
            with suppress(TimeoutError):
                pause_s = max(0.0, min(EVERY_S, until_end_s))
                await asyncio.wait_for(self._stopping.wait(), pause_s)
            try:
                await self.flush()
            except (
                Unavailable,
                Conflict,
            ) as error:  # Conflict: a tenant went meanwhile
                logger.warning("API usage waits to be stored: %s", error.message)
            except Exception:  # its outermost loop: it must go on
                logger.exception("API usage could not be stored")

    def _on_entity(self, event: EntityChanged) -> None:
        if event.entity.type is EntityType.TENANT and event.change is Change.DELETED:
            self._usage.forget(event.entity.id)
