"""The writer of kept commands: takes their changes at once, stores them together, in order.

A database that is away is waited for. What is not stored yet when the process dies is done again
when the device comes back; a command is answered for only once it is stored.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from fieldline.database.engine import Database
from fieldline.domains.rpc import service
from fieldline.domains.rpc.command import Command, RpcStatus
from fieldline.kit.clock import Clock
from fieldline.kit.errors import Conflict, Unavailable

logger = logging.getLogger(__name__)

MAX_BATCH = 500
MAX_WAITING = 20_000
"""Changes that wait for the database; with more, no further commands are taken."""
STOP_TIMEOUT_S = 10.0
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0

Kept = Callable[[bool], None]
"""Called once: whether the command is kept; it is not when the device is gone."""


@dataclass(frozen=True, slots=True)
class _Change:
    rpc_id: UUID
    status: RpcStatus
    command: Command | None = None
    then: Kept | None = None
    response: str | None = None


class RpcWriter:
    """See the module's text. All calls are made on the event loop's thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._now_ms = clock.now_ms
        self._waiting: deque[_Change] = deque()
        self._wake = asyncio.Event()
        self._put_count = self._stored_count = 0
        self._flushing: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether no more commands can be taken now."""
        return len(self._waiting) >= MAX_WAITING

    def keep(self, command: Command, then: Kept) -> None:
        """Keep a command; ``then`` is called when that is stored."""
        self._put(_Change(command.id, RpcStatus.QUEUED, command, then))

    def move(self, rpc_id: UUID, status: RpcStatus, response: str | None = None) -> None:
        """Note how far a command is, and what the device answered."""
        self._put(_Change(rpc_id, status, response=response))

    async def pending(self, device_id: UUID) -> list[Command]:
        """Return what a device has to do yet, oldest first.

        Raises:
            Unavailable: the database is away.
        """
        await self.flush()
        async with self._database.read() as session:
            return await service.pending(session, device_id, self._now_ms())

    async def devices_with_pending(self) -> Collection[UUID]:
        """Return the devices that have something to do yet.

        Raises:
            Unavailable: the database is away.
        """
        async with self._database.read() as session:
            return await service.devices_with_pending(session, self._now_ms())

    async def expire(self) -> None:
        """Note that the time of some commands is over.

        Raises:
            Unavailable: the database is away.
        """
        while True:
            async with self._database.read() as session:
                ids = await service.expired(session, self._now_ms(), MAX_BATCH)
            for rpc_id in ids:
                self.move(rpc_id, RpcStatus.EXPIRED)
            if len(ids) < MAX_BATCH:
                return
            await self.flush()

    async def flush(self) -> None:
        """Wait until everything is stored that was put in before; more may come all the time."""
        if self._stored_count < self._put_count:
            stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._flushing.append((self._put_count, stored))
            await stored

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="RPC writer")

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

    def _put(self, change: _Change) -> None:
        self._waiting.append(change)
        self._put_count += 1
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                count = min(len(self._waiting), MAX_BATCH)
                await self._store([self._waiting.popleft() for _ in range(count)])
                self._note_stored(count)

    def _note_stored(self, count: int) -> None:
        self._stored_count += count
        while self._flushing and self._flushing[0][0] <= self._stored_count:
            stored = self._flushing.popleft()[1]
            if not stored.done():
                stored.set_result(None)

    async def _store(self, batch: list[_Change]) -> None:
        """Store a batch, however long the database is away."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await self._commit(batch)
            except Unavailable as error:
                logger.warning("changes of RPCs wait to be stored: %s", error.message)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            except Exception as error:  # the writer must outlive one bad change
                if len(batch) > 1:
                    for change in batch:
                        await self._store([change])
                    return
                if not isinstance(error, Conflict):  # a Conflict: the device is gone
                    logger.exception("a change of an RPC could not be stored")
                _tell(batch, is_kept=False)
                return
            else:
                _tell(batch, is_kept=True)
                return

    async def _commit(self, batch: list[_Change]) -> None:
        async with self._database.write() as session:
            for change in batch:
                if change.command is not None:
                    await service.keep(session, change.command)
                else:
                    await service.move(session, change.rpc_id, change.status, change.response)


def _tell(batch: list[_Change], *, is_kept: bool) -> None:
    for change in batch:
        if change.then is not None:
            change.then(is_kept)
