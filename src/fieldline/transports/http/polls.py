"""Waiting for something to tell a device: long polls and calls of the HTTP device API."""

import asyncio

from fieldline.ingest.session import CloseReason, RpcRequest
from fieldline.kit.errors import FieldlineError, Forbidden, Unauthenticated, Unavailable


class Poll:
    """Waits for the first news of the kind that its session wants; the listener of one request."""

    def __init__(self) -> None:
        self._news: asyncio.Future[dict[str, object] | None] = (
            asyncio.get_running_loop().create_future()
        )
        self.number: int | None = None

    async def wait(self, timeout_s: float) -> dict[str, object] | None:
        """Return the news for the device, None when nothing happened in time, or it left.

        Raises:
            Forbidden: the device was deleted.
            Unauthenticated: its credentials were changed.
            Unavailable: the server stops.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self._news
        except TimeoutError:
            # The news may have come in the very moment in which the time was over.
            came = self._news.done() and not self._news.cancelled()
            return self._news.result() if came else None

    def leave(self) -> None:
        """Take no news any more: the client hung up."""
        if not self._news.done():
            self._news.set_result(None)

    def on_attributes(self, updated: dict[str, object], deleted: list[str]) -> None:
        if not self._news.done():
            self._news.set_result({**updated, "deleted": deleted} if deleted else updated)

    def on_rpc(self, request: RpcRequest) -> None:
        """Take one command; the others are for the polls to come."""
        if not self._news.done():
            self.number = request.number
            self._news.set_result(
                {"id": request.number, "method": request.method, "params": request.params}
            )

    def on_close(self, reason: CloseReason) -> None:
        if not self._news.done():
            self._news.set_exception(_closed(reason))


class DeviceCall:
    """Waits for the answer to one call of a device."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def wait(self, timeout_s: float) -> bytes | None:
        """Return the answer, None when none came.

        Raises:
            Forbidden: the device was deleted.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self._answer
        except TimeoutError:
            return None

    def on_answer(self, answer: bytes) -> None:
        if not self._answer.done():
            self._answer.set_result(answer)

    def on_gone(self) -> None:
        if not self._answer.done():
            self._answer.set_exception(_closed(CloseReason.DEVICE_DELETED))


def _closed(reason: CloseReason) -> FieldlineError:
    if reason is CloseReason.DEVICE_DELETED:
        return Forbidden("Device was deleted!")
    if reason is CloseReason.CREDENTIALS_CHANGED:
        return Unauthenticated("The device's credentials were changed")
    return Unavailable("The server stops; ask again")
