"""Tells devices of their packages: first that an update is queued, then, in their turn, of which.

What is to be told stands in the database, so that a restart goes on where the former process was;
what was done and not yet noted is done again. Only so many devices a minute are told, for each of
them then downloads its package. Source: ``provisioning_ota_claim.md`` section 3.2.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from fieldline.domains.ota_package import service as ota_package_service
from fieldline.domains.ota_package import uploads
from fieldline.domains.ota_update import service
from fieldline.domains.ota_update.models import State
from fieldline.domains.ota_update.repository import OpenUpdate
from fieldline.domains.ota_update.service import Moved, Of, Rollout, UpdatesWanted
from fieldline.domains.ota_update.telling import Packages, Teller
from fieldline.kit.errors import Unavailable
from fieldline.kit.rate_limit import Part, RateLimit
from fieldline.rest.services import Services

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

logger = logging.getLogger(__name__)

BATCH = 100
"""Devices that are told together."""
LOOK_AT = 1_000
"""Devices that are found together."""
ROLLOUTS = 100
"""Profiles whose devices are looked through in one round."""
RETRY_S = 1.0
LOOK_S = 15.0
"""Between two looks at what nobody told of: profiles that are looked through once more."""
CLEAN_MS = 15 * 60_000
"""Between two looks at what uploads left that never ended."""
STOP_S = 5.0
DEFAULT_PER_MINUTE = 600

Tell = Callable[[list[OpenUpdate], Packages, int], Awaitable[None]]


class Write(Protocol[Of]):
    """Writes about devices; returns those that somebody is saving, unless it waits for them."""

    def __call__(
        self, session: "AsyncSession", found: list[Of], *, wait: bool
    ) -> Awaitable[list[Of]]:
        """See the class."""


class OtaUpdater:
    """See the module's text.

    Args:
        services: the parts below.
        per_minute: devices that are told of a package in a minute at the most.
    """

    def __init__(self, services: Services, per_minute: int = DEFAULT_PER_MINUTE) -> None:
        self._services = services
        self._database = services.database
        self._teller = Teller(services.writer, services.store, services.bus)
        self._now_ms = services.clock.now_ms
        self._limit = RateLimit((Part(per_minute, 60),), self._now_ms())
        self._at_once = max(1, min(BATCH, per_minute // 60))
        self._clean_ms = 0
        self._looked: set[Rollout] = set()
        self._wake = asyncio.Event()
        self._is_stopping = False
        self._end: Callable[[], None] = lambda: None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, first with what an earlier run left."""
        self._end = self._services.bus.listen(UpdatesWanted, lambda _event: self._wake.set())
        self._task = asyncio.create_task(self._run(), name="OTA updates")

    async def stop(self) -> None:
        """Finish the devices at hand, if that is quick; the next start goes on with the rest."""
        self._end()
        if self._task is None:
            return
        self._is_stopping = True
        self._wake.set()
        await asyncio.wait({self._task}, timeout=STOP_S)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def work(self) -> float:
        """Do what there is to do now; returns after how many seconds there may be more.

        Raises:
            Unavailable: the database or the store is away; what was done stays so.
        """
        while not self._is_stopping:
            await self._look_through()
            is_more = await self._step(State.UNASSIGNED, None, self._teller.unassign)
            is_more |= await self._step(State.ASSIGNED, State.QUEUED, self._teller.queue)
            # Those of one second together: each time costs as much for one device as for many.
            wait_ms = self._limit.wait_ms(self._at_once, self._now_ms())
            if wait_ms == 0:
                is_more |= await self._step(State.QUEUED, State.INITIATED, self._teller.initiate)
            if not is_more:
                return max(wait_ms / 1000, 0.05) if wait_ms else LOOK_S
        return 0

    async def _run(self) -> None:
        while not self._is_stopping:
            self._wake.clear()
            pause_s = RETRY_S
            try:
                await self._clean()
                pause_s = await self.work()
            except Unavailable as error:
                logger.warning("OTA updates wait for the store: %s", error.message)
            except Exception:  # the updater's outermost loop: it must go on
                logger.exception("OTA updates could not be worked on")
            if self._is_stopping:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()

    async def _clean(self) -> None:
        now_ms = self._now_ms()
        if now_ms >= self._clean_ms:
            await uploads.drop_abandoned(self._database, now_ms)
            self._clean_ms = now_ms + CLEAN_MS

    async def _look_through(self) -> None:
        """Find the devices of the profiles that have changed, twice: see :mod:`service`."""
        async with self._database.read() as session:
            pending = await service.rollouts(session, ROLLOUTS)
        self._looked &= set(pending)
        for rollout in pending:
            is_last = self._now_ms() >= rollout.again_ms
            if rollout in self._looked and not is_last:
                continue
            if not await self._look_at_all(rollout):
                return
            self._looked.add(rollout)
            if is_last:
                async with self._database.write() as session:
                    await service.finish(session, rollout)

    async def _look_at_all(self, rollout: Rollout) -> bool:
        """Look at all devices of a profile; False when there was no time for it."""
        after: UUID | None = None
        while not self._is_stopping:
            async with self._database.read() as session:
                wanted = await service.look_through(session, rollout, after, LOOK_AT)
            if wanted:
                await self._each(wanted, partial(service.want, kind=rollout.kind))
                after = wanted[-1].device_id
            if len(wanted) < LOOK_AT:
                return True
        return False

    async def _step(
        self,
        state: State,
        then: State | None,
        tell: Tell,
    ) -> bool:
        """Work on the oldest updates of a state; True when there may be more of them."""
        limit = BATCH if state is not State.QUEUED else self._turns()
        async with self._database.read() as session:
            found = await service.open_in(session, state, limit)
            ids = {each.package_id for each in found if each.package_id is not None}
            packages = await ota_package_service.by_ids(session, sorted(ids))
        if not found:
            return False
        is_there = {each: each.package_id is None or each.package_id in packages for each in found}
        done = [each for each in found if is_there[each]]
        if state is State.QUEUED:
            self._limit.take(len(done))
        now_ms = self._now_ms()
        told = await self._tell(done, tell, packages, now_ms)
        await self._each(told, partial(service.move, moved=Moved(then, now_ms)))
        # The package went while the device got another one, or none.
        lost = [each for each in found if each not in set(told)]
        await self._each(lost, partial(service.move, moved=Moved(None, now_ms)))
        return True

    async def _each(self, found: list[Of], write: Write[Of]) -> None:
        """Write about devices: all at once that nobody is saving, then the others one by one.

        So nobody is waited for while other devices are held, and no two wait for each other.
        """
        if not found:
            return
        async with self._database.write() as session:
            others = await write(session, found, wait=False)
        for each in others:
            async with self._database.write() as session:
                await write(session, [each], wait=True)

    async def _tell(
        self, wanted: list[OpenUpdate], tell: Tell, packages: Packages, now_ms: int
    ) -> list[OpenUpdate]:
        """Tell devices; return those that could be told, and do not let one be in all others' way.

        Raises:
            Unavailable: the store is away.
        """
        if not wanted:
            return []
        try:
            await tell(wanted, packages, now_ms)
        except Unavailable:
            raise
        except Exception:
            if len(wanted) == 1:
                logger.exception("device %s cannot be told of its OTA package", wanted[0].device_id)
                return []
            return [
                told for each in wanted for told in await self._tell([each], tell, packages, now_ms)
            ]
        return wanted

    def _turns(self) -> int:
        """Return how many devices may be told of their packages now."""
        now_ms = self._now_ms()
        return next(
            (count for count in range(BATCH, 1, -1) if not self._limit.wait_ms(count, now_ms)), 1
        )
