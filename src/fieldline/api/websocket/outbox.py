"""What waits to be sent to one socket, and the one task that sends it.

Replies wait in a short queue, whose length holds back the next command. Live updates are not queued
at all: a subscription with something to say is marked, and asked for one frame when the socket can
take it; what came meanwhile is in that frame. So updates of one tick of the loop are one frame, and
a reader that is slow gets fewer frames, not later ones. The :class:`Backlog` counts the values that
subscriptions keep for that.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from fieldline.api.websocket.closing import Close, CloseCode
from fieldline.api.websocket.limits import SocketLimits

TOO_SLOW = "Max pending updates limit reached!"


class Source(Protocol):
    """A subscription that has something to send."""

    def take(self) -> bytes | None:
        """Return one frame of everything that is pending; nothing is pending afterwards."""


class Backlog:
    """Counts values that wait for a reader; over the limit it calls ``on_full``, once."""

    def __init__(self, limits: SocketLimits, on_full: Callable[[], None]) -> None:
        self._limits = limits
        self._on_full = on_full
        self._points = 0
        self._bytes = 0

    @property
    def points(self) -> int:
        return self._points

    def add(self, points: int, size_bytes: int) -> None:
        """Count more values, or with negative numbers fewer."""
        self._points += points
        self._bytes += size_bytes
        limits = self._limits
        if self._points > limits.max_pending_points or self._bytes > limits.max_pending_bytes:
            self._on_full()


class Outbox:
    """The way out of one socket.

    Args:
        send: sends one frame; waits while the socket's buffer is full.
        limits: see there.
    """

    def __init__(self, send: Callable[[str], Awaitable[None]], limits: SocketLimits) -> None:
        self._send = send
        self._limits = limits
        self._replies: deque[bytes] = deque()
        self._reply_bytes = 0
        self._marked: dict[Source, None] = {}
        self._wake = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()

    def post(self, frame: bytes) -> None:
        """Send a reply, before any update that is not sent yet."""
        self._replies.append(frame)
        self._reply_bytes += len(frame)
        if not self._may_take_more():
            self._has_room.clear()
        self._wake.set()

    def mark(self, source: Source) -> None:
        """Ask the source for a frame as soon as the socket can take it."""
        if source not in self._marked:
            self._marked[source] = None
            self._wake.set()

    def forget(self, source: Source) -> None:
        """Ask the source for nothing any more."""
        self._marked.pop(source, None)

    async def room(self) -> None:
        """Wait until another reply may be posted."""
        await self._has_room.wait()

    async def run(self) -> None:
        """Send until cancelled.

        Raises:
            Close: the reader did not take a frame in time.
        """
        while True:
            await self._wake.wait()
            self._wake.clear()
            while (frame := self._next()) is not None:
                try:
                    async with asyncio.timeout(self._limits.send_timeout_s):
                        await self._send(frame.decode())
                except TimeoutError as error:
                    raise Close(CloseCode.NOT_RELIABLE, "session not reliable") from error

    def _may_take_more(self) -> bool:
        limits = self._limits
        return (
            len(self._replies) < limits.max_waiting_replies
            and self._reply_bytes < limits.max_pending_bytes
        )

    def _next(self) -> bytes | None:
        if self._replies:
            reply = self._replies.popleft()
            self._reply_bytes -= len(reply)
            if self._may_take_more():
                self._has_room.set()
            return reply
        while self._marked:
            source = next(iter(self._marked))
            del self._marked[source]
            if (frame := source.take()) is not None:
                return frame
        return None
