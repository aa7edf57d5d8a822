"""Waiting for something to tell a device: the long poll of the HTTP device API."""

import asyncio

from fieldline.ingest.session import CloseReason
from fieldline.kit.errors import FieldlineError, Forbidden, Unauthenticated, Unavailable


class AttributesPoll:
    """Waits for the first change of a shared attribute; the listener of one request's session."""

    def __init__(self) -> None:
        self._news: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()

    async def wait(self, timeout_s: float) -> dict[str, object] | None:
        """Return ``{"k": v}`` or ``{"deleted": [..]}``, None when nothing happened in time.

        Raises:
            Forbidden: the device was deleted.
            Unauthenticated: its credentials were changed.
            Unavailable: the server stops.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self._news
        except TimeoutError:
            return None

    def on_attributes(self, updated: dict[str, object], deleted: list[str]) -> None:
        if not self._news.done():
            self._news.set_result({**updated, "deleted": deleted} if deleted else updated)

    def on_close(self, reason: CloseReason) -> None:
        if not self._news.done():
            self._news.set_exception(_closed(reason))


def _closed(reason: CloseReason) -> FieldlineError:
    if reason is CloseReason.DEVICE_DELETED:
        return Forbidden("Device was deleted!")
    if reason is CloseReason.CREDENTIALS_CHANGED:
        return Unauthenticated("The device's credentials were changed")
    return Unavailable("The server stops; ask again")
