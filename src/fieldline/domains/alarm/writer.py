"""The one writer of the alarm changes that rules decide: in order, many in one short transaction.

Rules give changes and a callback. While one transaction commits, the next changes are collected;
then they are applied in order to the alarms as they are stored by then (a user may have cleared one
meanwhile), written in one transaction, and called back in order. A database that is away is waited
for: nothing that was given is dropped.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.database.engine import Database, announce, emit_after_commit
from fieldline.domains.alarm.changes import (
    Change,
    Clear,
    Forget,
    Key,
    Move,
    Outcome,
    Raise,
    Stored,
)
from fieldline.domains.alarm.changes import cleared as apply_clear
from fieldline.domains.alarm.changes import raised as apply_raise
from fieldline.domains.alarm.events import alarm_changed
from fieldline.domains.alarm.models import Alarm
from fieldline.domains.alarm.propagation import propagation_of, spread
from fieldline.domains.alarm.repository import AlarmRepository
from fieldline.domains.alarm.schemas import Alarm as WireAlarm
from fieldline.domains.alarm.status import Severity
from fieldline.kit.clock import Clock
from fieldline.kit.errors import Conflict, Unavailable
from fieldline.messaging.events import Change as EntityChange
from fieldline.messaging.events import EntityChanged

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

logger = logging.getLogger(__name__)

OnStored = Callable[[Stored | None, Exception | None], None]
"""Called after the commit with what became of the change, or with why it alone was refused."""

MAX_BATCH = 500
"""Changes of one transaction: some 50 ms of SQLite's only writer."""
MAX_QUEUED = 20_000
"""From here on :attr:`AlarmWriter.is_full` asks the edges to slow down."""
STOP_TIMEOUT_S = 10.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_CLASHES_UNTIL_SINGLE = 3


class AlarmWriter:
    """See the module's text. All calls are made on the event loop's thread.

    Args:
        database: of the entities.
        clock: gives creation times.
        max_queued: see :data:`MAX_QUEUED`.
    """

    def __init__(self, database: Database, clock: Clock, *, max_queued: int = MAX_QUEUED) -> None:
        self._database = database
        self._clock = clock
        self._max_queued = max_queued
        self._queue: deque[tuple[Change, OnStored]] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        return len(self._queue) >= self._max_queued

    def put(self, change: Change, on_stored: OnStored) -> None:
        """Store a change after all that were put before it."""
        self._queue.append((change, on_stored))
        self._idle.clear()
        self._wake.set()

    async def flush(self) -> None:
        """Wait until everything is stored and called back."""
        await self._idle.wait()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="alarm writer")

    async def stop(self) -> None:
        """Store what waits, if that works in time, then stop.

        What could not be stored is not called back; its readings were never acknowledged.
        """
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
            while self._queue:
                count = min(len(self._queue), MAX_BATCH)
                await self._store([self._queue.popleft() for _ in range(count)])
            self._idle.set()

    async def _store(self, batch: Sequence[tuple[Change, OnStored]]) -> None:
        """Store a batch, however long it takes; one change that cannot be stored fails alone."""
        changes = [change for change, _on_stored in batch]
        try:
            results = await self._commit_patiently(changes)
        except Exception as error:  # noqa: BLE001 - told to whoever asked for the change
            if len(batch) > 1:
                logger.warning("a batch of alarm changes was refused (%s): one by one", error)
                for single in batch:
                    await self._store([single])
                return
            await self._give_up(*batch[0], error)
            return
        for (_change, on_stored), result in zip(batch, results, strict=True):
            _call_back(on_stored, result, None)

    async def _give_up(self, change: Change, on_stored: OnStored, error: Exception) -> None:
        if isinstance(error, Conflict) and isinstance(change, Raise | Move) and change.customer_id:
            # The customer was deleted meanwhile; its devices are nobody's now.
            await self._store([(replace(change, customer_id=None), on_stored)])
            return
        logger.error("an alarm change was refused", exc_info=error)
        _call_back(on_stored, None, error)

    async def _commit_patiently(self, changes: Sequence[Change]) -> list[Stored]:
        clashes = 0
        pause_s = _FIRST_PAUSE_S
        batch: _Batch | None = None
        while True:
            try:
                async with self._database.write() as session:
                    alarms = AlarmRepository(session)
                    if batch is None or not await _is_stored(batch, alarms):
                        batch = await _apply(changes, session, self._clock.now_ms())
                        await _announce(session, batch)
                    else:
                        emit_after_commit(session, *batch.events)
            except Conflict:
                # PostgreSQL: somebody raised or changed one of the alarms at this very moment.
                batch = None
                clashes += 1
                if clashes == _CLASHES_UNTIL_SINGLE:
                    raise
            except Unavailable as error:
                logger.warning("alarms cannot be stored: %s; next try in %.1f s", error, pause_s)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            else:
                return batch.results


async def _apply(changes: Sequence[Change], session: "AsyncSession", now_ms: int) -> "_Batch":
    alarms = AlarmRepository(session)
    found = await alarms.active(
        {change.originator.id for change in changes},
        {change.type for change in changes if isinstance(change, Raise | Clear)},
        lock=True,
    )
    batch = _Batch({(alarm.originator_id, alarm.type): alarm for alarm in found}, now_ms)
    batch.results = [batch.apply(change) for change in changes]
    # Alarms that were cleared must be stored as such before new ones of the same kind come in:
    # the database allows one active alarm of a kind, at any moment.
    await alarms.flush()
    if batch.forgotten:
        await alarms.remove_of(batch.forgotten)
    await alarms.add_all(batch.new)
    for originator_id, customer_id in batch.moved.items():
        await alarms.move_active(originator_id, customer_id)
    if batch.moved:
        batch.spread.extend(await alarms.shown_to_owner(batch.moved))
    if batch.spread:
        await spread(session, batch.spread)
    return batch


async def _announce(session: "AsyncSession", batch: "_Batch") -> None:
    """Have reactions see every change but those of alarms that went in the same batch."""
    for event in batch.events:
        if (event.detail or {})["originator"].id in batch.forgotten:
            emit_after_commit(session, event)
        else:
            await announce(session, event)


async def _is_stored(batch: "_Batch", alarms: AlarmRepository) -> bool:
    """Tell whether a commit whose answer got lost did take place.

    Without new or cleared alarms to know it by, all that the batch did was to renew alarms, and
    doing so again changes nothing.
    """
    if batch.new:
        return await alarms.get(batch.new[0].id) is not None
    if batch.cleared:
        ours = batch.cleared[-1]
        stored = await alarms.get(ours.id)
        return stored is not None and stored.cleared and stored.clear_ts == ours.clear_ts
    return False


class _Batch:
    """The alarms of one transaction while changes are applied to them in memory."""

    def __init__(self, active: dict[Key, Alarm], now_ms: int) -> None:
        self._active = active
        self._now_ms = now_ms
        self.new: list[Alarm] = []
        self.cleared: list[Alarm] = []
        self.results: list[Stored] = []
        self.forgotten: set[UUID] = set()
        self.moved: dict[UUID, UUID | None] = {}
        self.events: list[EntityChanged] = []
        self.spread: list[Alarm] = []

    def apply(self, change: Change) -> Stored:
        if isinstance(change, Raise):
            return self._raise(change)
        if isinstance(change, Clear):
            return self._clear(change)
        return self._move(change) if isinstance(change, Move) else self._forget(change)

    def _raise(self, change: Raise) -> Stored:
        key = (change.originator.id, change.type)
        active = self._active.get(key)
        shown = propagation_of(active) if active is not None else None
        about = {"old_severity": active.severity} if active is not None else {}
        outcome, alarm = apply_raise(change, active, self._now_ms)
        if outcome is Outcome.CREATED:
            self._active[key] = alarm
            self.new.append(alarm)
        if propagation_of(alarm) != shown:
            self.spread.append(alarm)
        if outcome is not Outcome.UNCHANGED:
            self._tell(
                alarm, outcome, change, about if outcome is Outcome.SEVERITY_UPDATED else None
            )
        return Stored(outcome, _json(alarm), Severity(alarm.severity))

    def _clear(self, change: Clear) -> Stored:
        alarm = self._active.pop((change.originator.id, change.type), None)
        if alarm is None:
            return Stored(Outcome.UNCHANGED, None, None)
        apply_clear(change, alarm)
        self.cleared.append(alarm)
        self._tell(alarm, Outcome.CLEARED, change)
        return Stored(Outcome.CLEARED, _json(alarm), None)

    def _forget(self, change: Forget) -> Stored:
        gone = change.originator.id
        self.forgotten.add(gone)
        self._active = {key: a for key, a in self._active.items() if key[0] != gone}
        self.new = [alarm for alarm in self.new if alarm.originator_id != gone]
        self.spread = [alarm for alarm in self.spread if alarm.originator_id != gone]
        return Stored(Outcome.UNCHANGED, None, None)

    def _move(self, change: Move) -> Stored:
        moved = change.originator.id
        self.moved[moved] = change.customer_id
        for key, alarm in self._active.items():
            if key[0] == moved:
                alarm.customer_id = change.customer_id
        return Stored(Outcome.UNCHANGED, None, None)

    def _tell(
        self,
        alarm: Alarm,
        outcome: Outcome,
        change: Raise | Clear,
        about: dict[str, str] | None = None,
    ) -> None:
        kind = EntityChange.CREATED if outcome is Outcome.CREATED else EntityChange.UPDATED
        event = alarm_changed(
            alarm, kind, action=outcome.value, source_id=change.source_id, about=about
        )
        self.events.append(event)


def _json(alarm: Alarm) -> dict[str, object]:
    return WireAlarm.model_validate(alarm).model_dump(mode="json", by_alias=True)


def _call_back(on_stored: OnStored, stored: Stored | None, error: Exception | None) -> None:
    try:
        on_stored(stored, error)
    except Exception:
        logger.exception("a rule failed after its alarm was stored")
