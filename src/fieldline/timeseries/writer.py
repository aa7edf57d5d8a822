"""The one writer of readings and attributes: makes batches, waits for the store, tells others.

Savers give rows and a callback; the writer collects what comes while a commit runs, commits it as
one batch, then calls the callbacks in the order of the calls, and after some hundred of them tells
``on_readings`` and ``on_attributes`` in the same order: acknowledgements leave first. Meanwhile the
next commit runs. All calls are on the event loop.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from uuid import UUID

from fieldline.kit.clock import Clock, MonotonicClock
from fieldline.kit.complaints import Complaints
from fieldline.kit.errors import Invalid, Unavailable
from fieldline.kit.ids import NULL_UUID, EntityRef, EntityType
from fieldline.kit.values import INT64_MAX, INT64_MIN, Value
from fieldline.timeseries.checks import Checks
from fieldline.timeseries.saves import (
    AttributesSave,
    CommittedReadings,
    OnAttributes,
    OnAttributesSaved,
    OnReadings,
    OnSaved,
    ReadingsSave,
    Save,
    batch_of,
)
from fieldline.timeseries.store import AttributeWrite, ReadingsWrite, Scope, TimeseriesStore

log = logging.getLogger(__name__)

STOP_TIMEOUT_S = 10.0
"""How long a stop waits for what is left; what then is not stored was never acknowledged."""
SLOW_S = 2.0
"""A commit that takes longer is worth a line in the log."""
_SLICE = 100
"""Saves that are called back before other work gets its turn: a millisecond or two."""
_VIEW = EntityType.ENTITY_VIEW
"""A member of an enum is looked up each time that it is named, and this one for every reading."""


_Committed: TypeAlias = "tuple[list[Save], list[set[str]] | Exception]"
"""Saves of one commit with the attribute keys that were written, or one that the store refused."""


class Saves(Protocol):
    """What rules, ingest and services see of the writer (``TimeseriesWriter`` implements it)."""

    @property
    def is_full(self) -> bool:
        """Whether too many rows wait; edges then stop reading until :meth:`when_room` calls."""

    def when_room(self, callback: Callable[[], None]) -> None:
        """Call back once, when there is room again."""

    def save_readings(  # noqa: PLR0913 - one call per reading, no object to carry them
        self,
        tenant_id: UUID,
        entity: EntityRef,
        ts_ms: int,
        values: Mapping[str, Value],
        on_saved: OnSaved | None = None,
        *,
        to_history: bool = True,
        to_latest: bool = True,
        notify: bool = True,
    ) -> None:
        """Store values of one time; ``on_saved`` is called after the commit.

        ``values`` belongs to the writer from now on. ``notify`` tells the writer's
        ``on_readings`` after the commit (WebSocket subscriptions).

        Raises:
            Invalid: a key is blank, over 255 characters or holds HTML or ``{{ }}``, a value is not
                finite, beyond 64 bits or not valid Unicode, the time beyond 64 bits, or the entity
                a view; nothing is stored then.
        """

    def save_attributes(  # noqa: PLR0913 - as above
        self,
        tenant_id: UUID,
        entity: EntityRef,
        scope: Scope,
        values: Mapping[str, Value],
        on_saved: OnAttributesSaved | None = None,
        *,
        only_changed: bool = False,
        notify_device: bool = True,
    ) -> None:
        """Store attributes as of now; ``on_saved`` gets the keys that were really written.

        Tells the writer's ``on_attributes`` after the commit, with those keys only.

        Raises:
            Invalid: as for readings.
        """

    @property
    def is_store_away(self) -> bool:
        """Whether the last try to write failed and rows wait for the store."""

    async def flush(self) -> None:
        """Wait until everything that was given so far is committed and called back."""


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """How much waits, how much is committed at once, and how often a store that is away is tried.

    Rows of long text weigh more than one (``checks.Checks``). A batch of all that waits makes
    devices that wait for an acknowledgement march in step: while the store commits for all of them
    the event loop has nothing to do, and the other way round. At 1,500 rows several batches of
    1,000 such devices are on their way (13,700 messages/s on PostgreSQL, 10,900 at 5,000), and few
    devices with many messages each lose little. When the store falls behind, a batch takes
    more, up to ``max_batch_rows``, and leaves ``batch_rows`` to the next one: the more points of a
    series go into one commit, the fewer pages are written (SQLite, 3,000 series with pages of
    their own: 33,000 rows/s at 1,500 a batch, 89,000 at 12,000).
    """

    max_pending_rows: int = 100_000
    batch_rows: int = 1_500
    max_batch_rows: int = 12_000
    retry_delays_s: Sequence[float] = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(slots=True)
class WriterCounts:
    """What the writer did since it was made."""

    commits: int = 0
    rows: int = 0
    saves: int = 0
    refused_saves: int = 0
    retries: int = 0
    largest_batch: int = 0
    failed_callbacks: int = 0


class TimeseriesWriter:
    """Implements :class:`Saves` over a store.

    Args:
        store: where rows go; it is started and stopped by whoever made it.
        clock: stamps attributes.
        on_readings: told of committed readings, except those saved with ``notify=False``.
        on_attributes: told of committed attributes that were really written.
        limits: of the queue and of batches.
    """

    def __init__(
        self,
        store: TimeseriesStore,
        clock: Clock,
        *,
        on_readings: OnReadings,
        on_attributes: OnAttributes,
        limits: WriterLimits | None = None,
    ) -> None:
        self.counts = WriterCounts()
        self._store = store
        self._clock = clock
        self._on_readings = on_readings
        self._on_attributes = on_attributes
        self._limits = limits or WriterLimits()
        self._checks = Checks()
        self._waiting: deque[Save] = deque()
        self._pending_rows = 0
        self._is_full = False
        self._wait_for_room: list[Callable[[], None]] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._away_since: float | None = None
        self._complaints = Complaints(log, MonotonicClock().now_ms)

    def start(self) -> None:
        """Begin to write; must be called on the event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="timeseries-writer")

    async def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Write what is left, if that works in time, and end.

        What could not be written gets no callback: its senders were never told that it was stored.
        """
        if self._task is None:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self.flush(), timeout_s)
        if self._pending_rows:
            log.error("Stopped with %d rows that the store did not take", self._pending_rows)
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._task = None

    @property
    def is_full(self) -> bool:
        return self._is_full

    @property
    def is_store_away(self) -> bool:
        """Whether the last try to write failed and rows wait for the store."""
        return self._away_since is not None

    @property
    def pending_rows(self) -> int:
        """Rows that wait or are being committed."""
        return self._pending_rows

    def when_room(self, callback: Callable[[], None]) -> None:
        if self._is_full:
            self._wait_for_room.append(callback)
        else:
            asyncio.get_running_loop().call_soon(callback)

    def save_readings(  # noqa: PLR0913 - one call per reading, no object to carry them
        self,
        tenant_id: UUID,
        entity: EntityRef,
        ts_ms: int,
        values: Mapping[str, Value],
        on_saved: OnSaved | None = None,
        *,
        to_history: bool = True,
        to_latest: bool = True,
        notify: bool = True,
    ) -> None:
        if not INT64_MIN <= ts_ms <= INT64_MAX:
            msg = f"The time {ts_ms} is beyond 64 bits; expected milliseconds since 1970"
            raise Invalid(msg)
        if entity.type is _VIEW:
            msg = "An entity view has no readings of its own: write those of the entity it shows"
            raise Invalid(msg)
        values, weight = self._checks.storable(values)
        write = ReadingsWrite(entity.id, ts_ms, values, to_history, to_latest)
        self._enqueue(ReadingsSave(tenant_id, entity, write, weight, on_saved, notify=notify))

    def save_attributes(  # noqa: PLR0913 - as above
        self,
        tenant_id: UUID,
        entity: EntityRef,
        scope: Scope,
        values: Mapping[str, Value],
        on_saved: OnAttributesSaved | None = None,
        *,
        only_changed: bool = False,
        notify_device: bool = True,
    ) -> None:
        values, weight = self._checks.storable(values)
        write = AttributeWrite(entity.id, scope, values, self._clock.now_ms(), only_changed)
        save = AttributesSave(tenant_id, entity, write, weight, on_saved, self._on_attributes)
        save.notify_device = notify_device
        self._enqueue(save)

    async def flush(self) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def on_saved(_error: Exception | None) -> None:
            if not done.done():
                done.set_result(None)

        # Readings without rows: they go through the queue behind all others.
        nobody = EntityRef(EntityType.TENANT, NULL_UUID)
        write = ReadingsWrite(NULL_UUID, 0, {})
        self._enqueue(ReadingsSave(NULL_UUID, nobody, write, 0, on_saved, notify=False))
        await done

    def _enqueue(self, save: Save) -> None:
        self._waiting.append(save)
        self._pending_rows += save.weight
        if self._pending_rows >= self._limits.max_pending_rows:
            self._is_full = True
        self._wake.set()

    async def _run(self) -> None:
        committed: list[_Committed] = []
        while True:
            if not self._waiting and not committed:
                self._wake.clear()
                await self._wake.wait()
            writing = None
            if self._waiting:
                # The store begins with the next batch before the last one is told: what is told
                # makes room at the door, so that while the store is behind, telling takes as long
                # as taking in new messages, and each of the two would wait for the other.
                writing = asyncio.create_task(self._commit(self._take()), name="timeseries-batch")
                await asyncio.sleep(0)
            try:
                for saves, outcome in committed:
                    await self._settle(saves, outcome)
                committed = await writing if writing is not None else []
            finally:
                if writing is not None:
                    writing.cancel()

    def _take(self) -> list[Save]:
        """Take what waits, up to the size of a batch; at least one save."""
        waiting = self._waiting
        limits = self._limits
        room = max(limits.batch_rows, self._pending_rows - limits.batch_rows)
        room = min(room, limits.max_batch_rows)
        saves: list[Save] = []
        while waiting and (not saves or waiting[0].weight <= room):
            save = waiting.popleft()
            room -= save.weight
            saves.append(save)
        return saves

    async def _commit(self, saves: list[Save]) -> list[_Committed]:
        """Commit saves as one batch; when some row is refused, halve until it stands alone."""
        try:
            return [(saves, await self._write(saves))]
        except Exception as error:  # noqa: BLE001 - whatever the driver raises for one row
            if len(saves) == 1:
                return [(saves, error)]
            middle = len(saves) // 2
            return await self._commit(saves[:middle]) + await self._commit(saves[middle:])

    async def _write(self, saves: list[Save]) -> list[set[str]]:
        """Write until the store takes it or refuses it; returns the attribute keys written."""
        batch = batch_of(saves)
        if not batch.readings and not batch.attributes:
            return []
        delays = self._limits.retry_delays_s
        tries = 0
        loop = asyncio.get_running_loop()
        while True:
            slow = loop.call_later(SLOW_S, self._note_slow, len(saves))
            try:
                result = await self._store.write(batch)
            except Unavailable as error:
                slow.cancel()  # the wait is not its commit's
                self._note_away(error)
                await asyncio.sleep(delays[min(tries, len(delays) - 1)])
                tries += 1
            else:
                self._note_back()
                return result.written_keys
            finally:
                slow.cancel()

    async def _settle(self, saves: list[Save], outcome: list[set[str]] | Exception) -> None:
        """Call back every save in order, and tell the listeners; others have their turn between."""
        if isinstance(outcome, Exception):
            self._refuse(saves[0], outcome)
            return
        keys = iter(outcome)
        rows = self._call_back(saves[:_SLICE], keys)
        for start in range(_SLICE, len(saves), _SLICE):
            await asyncio.sleep(0)
            rows += self._call_back(saves[start : start + _SLICE], keys)
        counts = self.counts
        counts.commits += 1
        counts.saves += len(saves)
        counts.rows += rows
        counts.largest_batch = max(counts.largest_batch, rows)

    def _call_back(self, saves: list[Save], keys: Iterator[set[str]]) -> int:
        """Call back in order, then tell the listeners in the same order; returns how many rows."""
        rows = 0
        written: list[set[str]] = []
        for save in saves:
            rows += save.weight
            try:
                if type(save) is ReadingsSave:
                    if save.on_saved is not None:
                        save.on_saved(None)
                else:
                    written.append(next(keys))
                    save.call_back(written[-1], None)
            except Exception as error:  # noqa: BLE001 - the callee's, which must not stop the writer
                self._note_failure(error)
        self._tell(saves, written)
        self._make_room(rows)
        return rows

    def _tell(self, saves: list[Save], written: list[set[str]]) -> None:
        """Tell the listeners: readings that follow each other together."""
        readings: list[CommittedReadings] = []
        keys = iter(written)
        for save in saves:
            if type(save) is ReadingsSave:
                if save.notify:
                    readings.append(save.committed)
            elif type(save) is AttributesSave:
                if readings:
                    self._guard(self._on_readings, readings)
                    readings = []
                self._guard(save.tell, next(keys))
        if readings:
            self._guard(self._on_readings, readings)

    def _refuse(self, save: Save, error: Exception) -> None:
        kind = type(error).__name__
        log.error("The store cannot hold the values given for %s: %s", save.entity.id, kind)
        self.counts.refused_saves += 1
        self._guard(save.call_back, None, error)
        self._make_room(save.weight)

    def _guard(self, call: Callable[..., None], *args: object) -> None:
        """Call; an error of the callee is its own and must not stop the writer."""
        try:
            call(*args)
        except Exception as error:  # noqa: BLE001 - as above
            self._note_failure(error)

    def _note_failure(self, error: Exception) -> None:
        self.counts.failed_callbacks += 1
        log.error("A callback of saved values failed", exc_info=error)

    def _make_room(self, rows: int) -> None:
        """Forget committed rows; at half the limit, whoever waits for room is called."""
        self._pending_rows -= rows
        if self._is_full and self._pending_rows <= self._limits.max_pending_rows // 2:
            self._is_full = False
            callbacks, self._wait_for_room = self._wait_for_room, []
            for callback in callbacks:
                self._guard(callback)

    def _note_slow(self, saves: int) -> None:
        text = f"The store is slow: {saves} messages are not committed after {SLOW_S:g} s"
        self._complaints.say("slow", text)

    def _note_away(self, error: Unavailable) -> None:
        self.counts.retries += 1
        if self._away_since is None:
            self._away_since = time.monotonic()
            log.warning("Readings wait until the store is back: %s", error)

    def _note_back(self) -> None:
        if self._away_since is not None:
            log.warning("The store is back after %.1f s", time.monotonic() - self._away_since)
            self._away_since = None
