"""Devices that are not a user's yet: those that want to be known, and those that may be claimed."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fieldline.domains.claim.request import ClaimRequest
from fieldline.domains.provision.request import (
    MalformedProvisionRequest,
    ProvisionAnswer,
    ProvisionRequest,
    Status,
)
from fieldline.ingest.guard import Login, LoginGuard
from fieldline.ingest.lookups import RETRY_AFTER_S, Lookups
from fieldline.ingest.parts import DoorParts, IngestOptions
from fieldline.ingest.session import DeviceSession
from fieldline.kit.errors import FieldlineError, Unavailable
from fieldline.messaging.receipt import Receipt

__all__ = ["MalformedProvisionRequest", "Onboarding", "ProvisionAnswer", "ProvisionRequest"]

logger = logging.getLogger(__name__)

AT_ONCE = 4
"""Requests of each kind that are worked on at a time: each one is a few transactions."""


class Onboarding:
    """See the module's text.

    Args:
        parts: the clock, and what provisions and claims.
        limits: how many requests may wait.
        guard: keeps keys and secrets from being guessed.
    """

    def __init__(self, parts: DoorParts, limits: IngestOptions, guard: LoginGuard) -> None:
        self._now_ms = parts.clock.now_ms
        self._provisions = parts.provisions
        self._chains = parts.chains
        self._claims = parts.claims
        self._guard = guard
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._limit = limits.waiting_provisions
        self._waiting = 0
        self._lookups = Lookups(AT_ONCE, limits.waiting_claims)

    def start(self) -> None:
        self._lookups.start()

    async def stop(self) -> None:
        """End what is under way; it was not acknowledged, so that the device tries again."""
        await self._lookups.stop()

    async def provision(self, request: ProvisionRequest, address: str) -> ProvisionAnswer:
        """Do what a request asks for.

        Args:
            request: of a device.
            address: where it comes from, "" where that is not known.

        Raises:
            RateLimited: too many wrong keys came from there.
            Unavailable: too many requests wait, or the database is away.
        """
        keys = (request.key, request.secret)
        login = Login(address, keys, keys)
        self._guard.check(login, self._now_ms())
        async with self._in_turn():
            # Others from there may have failed meanwhile.
            self._guard.check(login, self._now_ms())
            answer = await self._provisions.provision(request)
        if answer.status is Status.NOT_FOUND:
            self._guard.note_wrong(login, self._now_ms())
        else:
            self._guard.note_right(login)
        return answer

    async def by_chain(self, chain: Sequence[bytes]) -> bool:
        """Make a verified chain's first certificate that of the device which it names.

        Raises:
            Unavailable: too many wait, or the database is away.
        """
        async with self._in_turn():
            return await self._chains.provision(chain)

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        if self._waiting >= self._limit:
            raise Unavailable("Too many devices wait to be provisioned; try again later")
        self._waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1

    def claim(self, session: DeviceSession, request: ClaimRequest, receipt: Receipt) -> None:
        """Keep a device's word that it may be claimed; the receipt is held until that is stored.

        A device that may not be claimed is not told so, as ThingsBoard does not.

        Raises:
            Unavailable: too many wait.
        """
        device = session.device

        async def keep() -> None:
            while True:
                try:
                    await self._claims.keep(device.tenant_id, device.id, request)
                except Unavailable:
                    await asyncio.sleep(RETRY_AFTER_S)
                    continue
                except FieldlineError as error:
                    logger.info("device %s cannot be claimed: %s", device.id, error.message)
                receipt.release()
                return

        self._lookups.submit(keep)
        receipt.hold()
