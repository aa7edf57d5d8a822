"""One connection to a broker: bytes to messages for the feed, and its answers to bytes."""

import asyncio
from collections.abc import Callable
from typing import cast

from fieldline.protocols.mqtt.client import ClientOptions, ClientSession, ClientState
from fieldline.protocols.mqtt.errors import RemoteProtocolError
from fieldline.transports.mqtt_connector.feed import Feed

MAX_WRITE_BUFFER = 1_048_576
"""Bytes that wait for a broker that does not read; then the connection is cut."""


class BrokerConnection(asyncio.Protocol):
    """See the module's text.

    Args:
        options: what the connection is to be.
        feed: where the messages go.
        now_ms: the time.
        on_ready: called when the broker granted the subscriptions.

    Attributes:
        lost: done when the connection is over; its result says why, None when it was closed here.
    """

    def __init__(
        self,
        options: ClientOptions,
        feed: Feed,
        now_ms: Callable[[], int],
        on_ready: Callable[[ClientSession], None],
    ) -> None:
        self.lost: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._session = ClientSession(options, feed.inbox, now_ms())
        self._feed = feed
        self._now_ms = now_ms
        self._on_ready = on_ready
        self._transport: asyncio.Transport | None = None
        self._is_reading = True
        self._is_dirty = False
        self._is_leaving = False

    @property
    def is_ready(self) -> bool:
        return self._session.state is ClientState.READY

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._feed.inbox.on_answers = self._flush_soon
        self._feed.on_room = self._read_on
        self._write()

    def data_received(self, data: bytes) -> None:
        if self._is_leaving:
            return
        session = self._session
        was_ready = self.is_ready
        try:
            self._feed.take(session.receive(data, self._now_ms()))
        except Exception as error:  # noqa: BLE001 - the outermost loop of this edge
            self._fail(f"internal error: {type(error).__name__}: {error}")
            return
        if self.is_ready and not was_ready:
            self._on_ready(session)
        if session.error is not None:
            self._fail_with(session.error)
        elif self._feed.is_waiting and self._is_reading and self._transport is not None:
            self._is_reading = False
            self._transport.pause_reading()
        # Answers may be owed again: for messages that came once more.
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._feed.disconnected()
        if not self.lost.done():
            is_over = self._is_leaving and exc is None
            self.lost.set_result(
                None if is_over else f"the connection was lost: {exc or 'the broker closed it'}"
            )

    def tick(self) -> None:
        """Keep the connection alive, or give it up; called every second."""
        if self._is_leaving:
            return  # what would answer a ping is not looked at
        self._session.expire(self._now_ms(), is_reading=self._is_reading)
        if self._session.error is not None:
            self._fail_with(self._session.error)
        self._write()

    def pause(self) -> None:
        """Take no more messages, which the broker sends again; answers are still sent.

        What comes is read all the same: a socket that is closed with something unread in it resets
        the connection, and the broker might lose the last answers.
        """
        self._is_leaving = True
        if self._transport is not None and not self._is_reading:
            self._is_reading = True
            self._transport.resume_reading()

    def close(self, *, forget: bool) -> None:
        """Say good-bye, upon which the broker closes; ``forget``: it is to keep nothing for us."""
        self._is_leaving = True
        if self._session.state is ClientState.AWAITING_CONNACK:
            self.abort()  # nobody would close upon it
            return
        self._flush()
        self._session.disconnect(self._now_ms(), forget=forget)
        self._write()

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _read_on(self) -> None:
        if not self._is_reading and not self._is_leaving and self._transport is not None:
            self._is_reading = True
            self._transport.resume_reading()

    def _flush_soon(self) -> None:
        """Send answers at the end of this tick, with those that become ready meanwhile."""
        if not self._is_dirty:
            self._is_dirty = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._is_dirty = False
        if self._transport is None or self._transport.is_closing():
            return  # what is not answered is sent again, and answered then
        self._session.answer(self._now_ms())
        self._write()

    def _write(self) -> None:
        data = self._session.data_to_send()
        if not data or self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MAX_WRITE_BUFFER:
            self._fail("the broker does not read what it is sent")

    def _fail_with(self, error: RemoteProtocolError) -> None:
        self._fail(str(error))

    def _fail(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)
        self._is_leaving = True
        self.abort()
