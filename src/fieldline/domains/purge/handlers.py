"""Reactions to deletions: the readings of entities that are gone are deleted too.

Which ones is noted in the transaction of the deletion (``service.note``), so that a purge
interrupted by a stop goes on after the start.
"""

import asyncio
import logging
from uuid import UUID

from fieldline.database.engine import Database
from fieldline.domains.purge import service
from fieldline.kit.errors import Unavailable
from fieldline.messaging.bus import Bus
from fieldline.messaging.events import Change, EntityChanged
from fieldline.timeseries.store import TimeseriesStore

logger = logging.getLogger(__name__)
GRACE_S = 5.0
"""Between a deletion and its purge: readings on their way through the rules come in meanwhile."""
RETRY_S = 5.0
"""Between attempts while the database or the store is away."""
STOP_S = 5.0
"""How long a stop waits for the entity that is being purged."""
BATCH = 100
"""Entities purged between two looks at the list."""


class Purger:
    """Deletes the readings and attributes of deleted entities, one after the other."""

    def __init__(
        self, database: Database, store: TimeseriesStore, bus: Bus, *, grace_s: float = GRACE_S
    ) -> None:
        self._database = database
        self._store = store
        self._bus = bus
        self._grace_s = grace_s
        self._is_due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._purging: asyncio.Task[int] | None = None
        self._is_stopping = False

    async def start(self) -> None:
        """Begin with what was left over from the last run."""
        self._is_due.set()
        self._stop_listening = self._bus.listen(EntityChanged, self._on_change)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Finish the entity at hand, if that is quick; the next start goes on with the rest."""
        if self._task is None:
            return
        self._stop_listening()
        self._is_stopping = True
        self._task.cancel()
        if self._purging is not None:
            # Not cut off in the middle: a connection that is being opened would be left behind.
            await asyncio.wait({self._purging}, timeout=STOP_S)
            self._purging.cancel()
            await asyncio.gather(self._purging, return_exceptions=True)
        await asyncio.gather(self._task, return_exceptions=True)

    async def purge(self) -> int:
        """Purge every deleted entity now; returns how many there were.

        Raises:
            Unavailable: the database or the store is away; what was purged stays so.
        """
        count = 0
        while not self._is_stopping:
            async with self._database.read() as session:
                gone = await service.waiting(session, BATCH)
            if not gone:
                break
            count += await self._purge_batch(gone)
        return count

    async def _purge_batch(self, gone: list[UUID]) -> int:
        purged = []
        for entity_id in gone:
            if self._is_stopping:
                break
            await self._store.purge(entity_id)
            purged.append(entity_id)
        async with self._database.write() as session:
            await service.forget(session, purged)
        return len(purged)

    async def _run(self) -> None:
        while True:
            await self._is_due.wait()
            await asyncio.sleep(self._grace_s)
            self._is_due.clear()
            self._purging = asyncio.create_task(self.purge(), name="purge of deleted entities")
            try:
                await asyncio.shield(self._purging)
            except Unavailable as error:
                logger.warning("the readings of deleted entities wait: %s", error.message)
                self._is_due.set()
                await asyncio.sleep(RETRY_S)

    def _on_change(self, event: EntityChanged) -> None:
        if event.change is Change.DELETED and event.entity.type in service.WITH_DATA:
            self._is_due.set()
