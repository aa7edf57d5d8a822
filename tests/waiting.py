"""Waiting for what has no event."""

import asyncio
from collections.abc import Awaitable, Callable

TIMEOUT_S = 20
"""Far more than anything takes: other tests have the machine meanwhile."""


async def until(is_so: Callable[[], object]) -> None:
    """Let the event loop run until something is so."""
    async with asyncio.timeout(TIMEOUT_S):
        while not is_so():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)


async def until_async(ask: Callable[[], Awaitable[object]]) -> None:
    """Ask, for example over REST, until the answer is that something is so."""
    async with asyncio.timeout(TIMEOUT_S):
        while not await ask():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
