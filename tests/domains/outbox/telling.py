"""An outbox that tells whoever consumes the bus."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fieldline.domains.outbox.delivery import Outbox
from fieldline.rest.services import Services
from tests.waiting import until


@asynccontextmanager
async def telling(services: Services) -> AsyncIterator[Outbox]:
    """Tell what is posted while the block runs, at once; first what was posted before."""
    async with running(Outbox(services.database, services.bus)) as outbox:
        await until(lambda: not outbox.is_behind)
        yield outbox


@asynccontextmanager
async def running(outbox: Outbox) -> AsyncIterator[Outbox]:
    """Start and stop it."""
    outbox.start()
    try:
        yield outbox
    finally:
        await outbox.stop()
