"""Bodies that are too large for a time limit of all of them: they must keep coming."""

import asyncio

from starlette.requests import Request
from starlette.types import Message

from fieldline.kit.errors import Invalid

PATIENCE_S = 30.0
"""That long anything may take."""
SLOWEST_BYTES_PER_S = 16 * 1024
"""Of all that has come; the slowest mobile network brings more."""


def timely(request: Request) -> Request:
    """Return a request whose body must come at some speed, else reading it raises Invalid."""
    now = asyncio.get_running_loop().time
    begin, size = now(), 0

    async def receive() -> Message:
        nonlocal size
        try:
            async with asyncio.timeout_at(begin + PATIENCE_S + size / SLOWEST_BYTES_PER_S):
                message = await request.receive()
        except TimeoutError:
            msg = (
                f"The body came too slowly: {size} bytes in {now() - begin:.0f} s; "
                f"{SLOWEST_BYTES_PER_S} bytes a second are the least"
            )
            raise Invalid(msg) from None
        size += len(message.get("body", b""))
        return message

    return Request(request.scope, receive)
