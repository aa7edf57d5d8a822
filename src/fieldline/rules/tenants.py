"""Which tenants' rules are in memory: loads them, keeps them up to date, lets the idlest go.

A tenant's rules are loaded when its first message comes, and again when a chain was saved; messages
that come meanwhile wait in order. So whoever has saved a chain knows that every later message takes
it.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fieldline.kit.errors import NotFound, Unavailable
from fieldline.messaging.message import Message
from fieldline.rules.runner import Workshop
from fieldline.rules.tenant import TenantGraphs, TenantRules

logger = logging.getLogger(__name__)

LoadGraphs = Callable[[UUID], Awaitable[TenantGraphs]]
"""Reads what is stored of a tenant's rules. Raises NotFound, or Unavailable to be asked again."""
Go = Callable[[TenantRules, Message], None]


@dataclass(frozen=True, slots=True)
class RetryDelays:
    """How long to wait before asking a store again that was away: doubled up to the longest."""

    first_s: float = 0.2
    longest_s: float = 10.0


class _Entry:
    """One tenant; ``waiting`` is None once its rules can be used.

    ``is_used``: it had a message since it was last looked at for one to let go.
    """

    __slots__ = ("debug_end", "is_stale", "is_used", "rules", "task", "waiting")

    def __init__(self, rules: TenantRules) -> None:
        self.rules = rules
        self.waiting: deque[Message] | None = deque()
        self.task: asyncio.Task[None] | None = None
        self.is_stale = False
        self.is_used = False
        self.debug_end: asyncio.TimerHandle | None = None


class Tenants:
    """The rules of the tenants that were active last.

    Args:
        workshop: what chains are built with.
        load: reads a tenant's chains.
        go: takes a message that had to wait, in order, once its tenant's rules are there.
        limit: tenants kept; beyond it the one that was idle longest is let go.
        delays: between attempts to load.
    """

    def __init__(
        self,
        workshop: Workshop,
        load: LoadGraphs,
        go: Go,
        *,
        limit: int,
        delays: RetryDelays,
    ) -> None:
        self._workshop = workshop
        self._backlog = workshop.services.backlog
        self._load_graphs = load
        self._go = go
        self._limit = limit
        self._delays = delays
        self._entries: OrderedDict[UUID, _Entry] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def rules_for(self, message: Message) -> TenantRules | None:
        """Return the rules of a message's tenant; None means that the message waits for them."""
        tenant_id = message.tenant_id
        entry = self._entries.get(tenant_id)
        if entry is None:
            entry = self._open(tenant_id)
        entry.is_used = True
        if entry.waiting is None:
            return entry.rules
        self._backlog.add()
        entry.waiting.append(message)
        return None

    def reload(self, tenant_id: UUID) -> None:
        """Load a tenant's rules anew, if they are in memory."""
        entry = self._entries.get(tenant_id)
        if entry is None:
            return
        entry.is_stale = True
        if entry.waiting is None:
            entry.waiting = deque()
        if entry.task is None:
            entry.task = self._spawn(self._load(tenant_id, entry))

    def reload_all(self) -> None:
        """Load the rules of every tenant in memory anew, one after the other."""
        self._spawn(self._reload_each())

    async def _reload_each(self) -> None:
        for tenant_id in tuple(self._entries):
            self.reload(tenant_id)
            entry = self._entries.get(tenant_id)
            if entry is not None and entry.task is not None:
                await asyncio.wait((entry.task,))

    def drop(self, tenant_id: UUID) -> None:
        """Forget a tenant that was deleted; nobody needs what it still had waiting."""
        entry = self._entries.pop(tenant_id, None)
        if entry is None:
            return
        if entry.task is not None:
            entry.task.cancel()
        for message in entry.waiting or ():
            self._backlog.remove()
            message.receipt.release()
        self._spawn(entry.rules.stop())

    async def stop(self, grace_s: float) -> None:
        """Stop loading, and let nodes finish what waits for them.

        What has not finished after ``grace_s`` is given up: it is not acknowledged.
        """
        entries, self._entries = list(self._entries.values()), OrderedDict()
        for entry in entries:
            if entry.task is not None:
                entry.task.cancel()
            else:
                self._spawn(entry.rules.stop())
        if not self._tasks:
            return
        _done, late = await asyncio.wait(self._tasks, timeout=grace_s)
        if late:
            logger.warning("some rule nodes did not finish within %g s and were cut off", grace_s)
            for entry in entries:
                entry.rules.cancel()
            await asyncio.wait(late, timeout=grace_s)

    def _open(self, tenant_id: UUID) -> _Entry:
        entry = self._entries[tenant_id] = _Entry(TenantRules(self._workshop))
        entry.task = self._spawn(self._load(tenant_id, entry))
        if len(self._entries) > self._limit:
            self._let_go()
        return entry

    def _let_go(self) -> None:
        """Stop the rules of a tenant that had no message since the last look at it.

        Looks go round, oldest first, twice at most; one that is still being loaded stays.
        """
        for _ in range(2 * len(self._entries)):
            tenant_id, entry = next(iter(self._entries.items()))
            if entry.task is None and not entry.is_used:
                del self._entries[tenant_id]
                self._spawn(entry.rules.stop())
                return
            entry.is_used = False
            self._entries.move_to_end(tenant_id)

    async def _load(self, tenant_id: UUID, entry: _Entry) -> None:
        entry.is_stale = True
        while entry.is_stale:
            entry.is_stale = False
            await entry.rules.load(await self._graphs(tenant_id))
            if not entry.is_stale:
                self._drain(entry)
        entry.waiting = None
        entry.task = None
        self._reload_when_debug_ends(tenant_id, entry)

    def _reload_when_debug_ends(self, tenant_id: UUID, entry: _Entry) -> None:
        """Take what records messages out of the chains when it has nothing to do any more."""
        if entry.debug_end is not None:
            entry.debug_end.cancel()
            entry.debug_end = None
        ends_ms = entry.rules.debug_ends_ms
        if ends_ms is not None:
            left_ms = max(ends_ms - self._workshop.services.clock.now_ms(), 0)
            loop = asyncio.get_running_loop()
            entry.debug_end = loop.call_later(left_ms / 1000, self.reload, tenant_id)

    def _drain(self, entry: _Entry) -> None:
        """Send on what waited; what these messages cause comes behind them."""
        while entry.waiting and not entry.is_stale:
            message = entry.waiting.popleft()
            self._backlog.remove()
            try:
                self._go(entry.rules, message)
            except Exception:  # the outermost loop of messages that waited
                logger.exception("a message that had waited for its tenant's rules failed")

    async def _graphs(self, tenant_id: UUID) -> TenantGraphs:
        """Read a tenant's chains, asking again for as long as the store does not answer."""
        delay_s = self._delays.first_s
        while True:
            try:
                return await self._load_graphs(tenant_id)
            except NotFound:
                return TenantGraphs(())
            except Unavailable as error:
                logger.warning("rules of tenant %s: %s; asking again", tenant_id, error.message)
            except Exception:  # its messages wait; giving up would lose them
                logger.exception("the rules of tenant %s could not be read", tenant_id)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, self._delays.longest_s)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
