"""Reading a request's body within its limit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import Request

from fieldline.kit.errors import Invalid, TooLarge

READ_TIMEOUT_S = 60.0
SMALL_BYTES = 65_536
"""A body up to this is read whenever it comes; of larger ones only a few are at a time."""


class Bodies:
    """Reads bodies so that the memory of all of them is bounded.

    Args:
        large_at_once: bodies over 64 KiB that are worked on at a time; others wait unread.
    """

    def __init__(self, large_at_once: int) -> None:
        self._large = asyncio.Semaphore(large_at_once)

    @asynccontextmanager
    async def read(self, request: Request, max_bytes: int) -> AsyncIterator[bytes]:
        """Give the body to the block; a large one counts as being there until the block ends.

        Raises:
            TooLarge: it is over ``max_bytes``, by its Content-Length or in fact.
            Invalid: it did not come within a minute.
        """
        if _announced(request) > max_bytes:
            raise _too_large(max_bytes)
        async with AsyncExitStack() as turn:
            yield await self._read(request, max_bytes, turn)

    async def _read(self, request: Request, max_bytes: int, turn: AsyncExitStack) -> bytes:
        chunks: list[bytes] = []
        size = 0
        has_turn = False
        try:
            async with asyncio.timeout(READ_TIMEOUT_S) as limit:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > max_bytes:
                        raise _too_large(max_bytes)
                    chunks.append(chunk)
                    if size > SMALL_BYTES and not has_turn:
                        limit.reschedule(None)
                        await turn.enter_async_context(self._large)
                        has_turn = True
                        limit.reschedule(asyncio.get_running_loop().time() + READ_TIMEOUT_S)
        except TimeoutError:
            msg = f"The body did not come within {READ_TIMEOUT_S:.0f} seconds"
            raise Invalid(msg) from None
        return b"".join(chunks)


def _announced(request: Request) -> int:
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"The body is larger than {max_bytes} bytes; send it in parts")
