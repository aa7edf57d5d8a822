"""The writer of events: takes records at once, stores them a little later, many in one transaction.

Events are for looking at and promise nothing, so nobody waits for them: what is beyond the buffer
is dropped and counted, and an event of the chain says so when the store is there again. Readings go
first: batches are small, with a pause between them.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from fieldline.database.engine import Database, emit_after_commit
from fieldline.domains.event.events import EventsStored
from fieldline.domains.event.quota import Quota, Quotas
from fieldline.domains.event.record import EventType, Record
from fieldline.domains.event.repository import EventRepository
from fieldline.domains.rule_chain import service as rule_chain_service
from fieldline.kit.clock import Clock
from fieldline.kit.errors import Conflict, Unavailable
from fieldline.kit.ids import EntityRef, EntityType

logger = logging.getLogger(__name__)

MAX_BATCH = 500
"""Events of one transaction: some 20 ms of SQLite's only writer."""
PAUSE_S = 0.1
"""Between two batches."""
LOG_INTERVAL_MS = 10_000
STOP_TIMEOUT_S = 5.0
OVER_QUOTA = "Reached debug mode rate limit!"
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0
_CLASHES = 3


@dataclass(frozen=True, slots=True)
class EventLimits:
    """What bounds the writer: the memory of what waits, and each tenant's debug events."""

    max_waiting_bytes: int = 16 * 1024 * 1024
    quota: Quota = field(default_factory=Quota)


@dataclass(slots=True)
class EventCounts:
    """What the writer did since it was made."""

    stored: int = 0
    dropped: int = 0
    over_quota: int = 0


class EventWriter:
    """See the module's text; implements ``record.Records``. All calls are on the event loop."""

    def __init__(self, database: Database, clock: Clock, limits: EventLimits | None = None) -> None:
        self.counts = EventCounts()
        self._database = database
        self._clock = clock
        self._limits = limits or EventLimits()
        self._quotas = Quotas(self._limits.quota)
        self._waiting: deque[Record] = deque()
        self._waiting_bytes = 0
        self._dropped: dict[tuple[UUID, UUID], int] = {}
        self._logged_ms = 0
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None

    def admits(self, tenant_id: UUID, rule_chain_id: UUID) -> bool:
        """See ``record.Records``."""
        now_ms = self._clock.now_ms()
        if self._quotas.admits(tenant_id, now_ms):
            return True
        self.counts.over_quota += 1
        if self._quotas.is_to_be_told(tenant_id, now_ms):
            self.put(_note(tenant_id, rule_chain_id, OVER_QUOTA, now_ms))
        return False

    def put(self, record: Record) -> None:
        """See ``record.Records``."""
        size = record.size_bytes
        if self._waiting_bytes + size > self._limits.max_waiting_bytes:
            self._drop([record])
            return
        self._waiting.append(record)
        self._waiting_bytes += size
        self._idle.clear()
        self._wake.set()

    async def flush(self) -> None:
        """Wait until everything is stored, or dropped."""
        await self._idle.wait()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="event writer")

    async def stop(self) -> None:
        """Store what waits, if that works in time, then stop."""
        if self._task is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self.flush()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                batch = self._take()
                try:
                    await self._store(batch)
                except Exception:  # the writer must outlive one bad batch
                    logger.exception("a batch of events could not be stored")
                    self._drop(batch)
                self._tell_what_was_dropped()
                if self._waiting:
                    await asyncio.sleep(PAUSE_S)
            self._idle.set()

    def _take(self) -> list[Record]:
        count = min(len(self._waiting), MAX_BATCH)
        batch = [self._waiting.popleft() for _ in range(count)]
        self._waiting_bytes -= sum(record.size_bytes for record in batch)
        return batch

    async def _store(self, batch: Sequence[Record]) -> None:
        """Store a batch, however long the database is away; leave out what is of deleted chains."""
        pause_s, clashes = _FIRST_PAUSE_S, 0
        while True:
            try:
                self.counts.stored += await self._commit(batch)
            except Conflict:
                # PostgreSQL: a chain was deleted between our look and our commit.
                clashes += 1
                if clashes == _CLASHES:
                    raise
            except Unavailable as error:
                logger.warning("events wait to be stored: %s", error.message)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            else:
                return

    async def _commit(self, batch: Sequence[Record]) -> int:
        chains = {record.rule_chain_id for record in batch}
        async with self._database.write() as session:
            there = await rule_chain_service.existing(session, chains)
            kept = [record for record in batch if record.rule_chain_id in there]
            if kept:
                await EventRepository(session).add_all(kept)
                emit_after_commit(session, *_told(kept))
        return len(kept)

    def _drop(self, records: Iterable[Record]) -> None:
        for record in records:
            self.counts.dropped += 1
            if record.type is EventType.DEBUG_RULE_CHAIN:
                continue  # a note about what was dropped: no notes about notes
            chain = (record.tenant_id, record.rule_chain_id)
            self._dropped[chain] = self._dropped.get(chain, 0) + 1
        now_ms = self._clock.now_ms()
        if now_ms - self._logged_ms >= LOG_INTERVAL_MS:
            self._logged_ms = now_ms
            logger.warning("%d debug events were dropped since the start", self.counts.dropped)

    def _tell_what_was_dropped(self) -> None:
        dropped, self._dropped = self._dropped, {}
        for (tenant_id, chain_id), count in dropped.items():
            text = f"{count} events were not recorded: the store was too slow"
            self.put(_note(tenant_id, chain_id, text, self._clock.now_ms()))


def _note(tenant_id: UUID, rule_chain_id: UUID, text: str, now_ms: int) -> Record:
    """Return an event of a chain itself."""
    chain = EntityRef(EntityType.RULE_CHAIN, rule_chain_id)
    kind = EventType.DEBUG_RULE_CHAIN
    return Record(tenant_id, rule_chain_id, chain, kind, now_ms, name=text)


def _told(records: Iterable[Record]) -> list[EventsStored]:
    chains: dict[tuple[UUID, UUID], list[Record]] = {}
    for record in records:
        chains.setdefault((record.tenant_id, record.rule_chain_id), []).append(record)
    return [EventsStored(*chain, tuple(found)) for chain, found in chains.items()]
