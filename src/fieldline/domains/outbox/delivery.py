"""Gives the outbox to the rules, and takes from it what they have finished with.

At most :data:`MAX_OPEN` messages are with the rules at a time; what comes beyond stays in the table
and is read from there when there is room, as it is at start. A message is told again when the
process dies after the rules have finished with it and before its row is gone.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from fieldline.database.engine import Database
from fieldline.domains.outbox.packing import unpack
from fieldline.domains.outbox.repository import OutboxRepository
from fieldline.domains.outbox.service import Posted
from fieldline.kit.errors import Unavailable
from fieldline.messaging.bus import Bus, publish_alone
from fieldline.messaging.message import Message
from fieldline.messaging.receipt import Receipt

logger = logging.getLogger(__name__)

MAX_OPEN = 1_000
"""Messages with the rules at a time, each from its row until that is deleted."""
PAUSE_S = 0.1
"""What is finished meanwhile is deleted in one transaction."""
RETRY_S = 1.0


class Outbox:
    """See the module's text. All calls are made on the event loop's thread."""

    def __init__(self, database: Database, bus: Bus, *, max_open: int = MAX_OPEN) -> None:
        self._database = database
        self._bus = bus
        self._max_open = max_open
        self._open: set[int] = set()
        self._finished: list[int] = []
        self._is_behind = True
        self._has_more = False
        self._wake = asyncio.Event()
        self._is_stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._end: Callable[[], None] = lambda: None

    @property
    def open(self) -> int:
        """How many messages are with the rules."""
        return len(self._open)

    @property
    def is_behind(self) -> bool:
        """Whether messages wait in the table, or are looked for there."""
        return self._is_behind

    def start(self) -> None:
        """Begin to tell, first what an earlier run left; the rules must be there."""
        self._end = self._bus.listen(Posted, self._on_posted)
        self._task = asyncio.create_task(self._run(), name="outbox")
        self._wake.set()

    async def stop(self) -> None:
        """Tell nothing more; delete what is finished, if the database is there."""
        self._end()
        if self._task is None:
            return
        self._is_stopping.set()
        self._wake.set()
        # Not cancelled: that would leave the statement that runs, and its connection, as they are.
        await self._task
        self._task = None

    def _on_posted(self, posted: Posted) -> None:
        if posted.id in self._open:
            return  # the table was read between the commit and this
        if self._is_behind or len(self._open) >= self._max_open:
            # It stays in the table, behind the others that wait there.
            self._is_behind = self._has_more = True
            self._wake.set()
            return
        self._tell(posted.id, posted.message)

    def _tell(self, row_id: int, message: Message) -> None:
        def finish(_receipt: Receipt) -> None:
            self._finished.append(row_id)
            self._wake.set()

        self._open.add(row_id)
        message.receipt = Receipt(finish)
        publish_alone(self._bus, message)

    async def _run(self) -> None:
        while not self._is_stopping.is_set():
            await self._wake.wait()
            self._wake.clear()
            pause_s = PAUSE_S
            try:
                await self._delete_finished()
                await self._catch_up()
            except Unavailable as error:
                logger.warning("the outbox waits for the database: %s", error.message)
                self._wake.set()
                pause_s = RETRY_S
            except Exception:  # the outbox's outermost loop: it must go on
                logger.exception("the outbox could not be worked on")
                self._wake.set()
                pause_s = RETRY_S
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._is_stopping.wait()
        with suppress(Unavailable):
            await self._delete_finished()

    async def _delete_finished(self) -> None:
        while self._finished:
            ids = self._finished[: self._max_open]
            async with self._database.write() as session:
                await OutboxRepository(session).remove(ids)
            del self._finished[: len(ids)]
            self._open.difference_update(ids)

    async def _catch_up(self) -> None:
        """Tell what stands in the table, as far as there is room."""
        while self._is_behind and not self._is_stopping.is_set():
            self._has_more = False
            async with self._database.read() as session:
                found = await OutboxRepository(session).oldest(2 * self._max_open)
            for row in found:
                if row.id in self._open:
                    continue
                if len(self._open) >= self._max_open:
                    return
                self._tell(row.id, unpack(row.content))
            # What was posted during the reading may be missing from it.
            self._is_behind = self._has_more
