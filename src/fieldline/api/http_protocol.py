"""uvicorn's HTTP server, with bounds on what comes before a request is known.

The parser takes a head, trailers or a chunk's extension of any length and for any time; the
application learns of a request only after that. Here a connection that sends more than
:data:`MAX_HEAD_BYTES` of it is answered 431, and one that does not bring a whole head in
:data:`HEAD_TIMEOUT_S` is closed. Bodies are bounded by ``limits.py`` and ``transports/http``.

Source: RFC 6585 section 5; ``uvicorn.protocols.http.httptools_impl`` of 0.54.
"""

import asyncio
import logging

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fieldline.kit.clock import MonotonicClock
from fieldline.kit.complaints import Complaints

MAX_HEAD_BYTES = 64 * 1024
"""Request line and headers; a read that brings the rest of the head may exceed it."""
HEAD_TIMEOUT_S = 20.0
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)

_complaints = Complaints(logging.getLogger(__name__), MonotonicClock().now_ms)
"""Of the process: uvicorn makes the protocols."""


class HttpProtocol(HttpToolsProtocol):
    """See the module's text."""

    _unparsed = 0
    """Bytes since the last head, piece of a body, or end of a request."""
    _is_in_head = True
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unparsed += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._unparsed > MAX_HEAD_BYTES:
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif self._is_in_head and self._timer is None and self._unparsed:
            self._await_head()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        self._is_in_head, self._unparsed = False, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unparsed = 0
        super().on_body(body)

    def on_message_begin(self) -> None:
        self._unparsed = self._unparsed or 1
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._is_in_head, self._unparsed = True, 0
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._is_in_head, self._unparsed = False, 0
        super().handle_websocket_upgrade()

    def _await_head(self) -> None:
        self._timer = self.loop.call_later(HEAD_TIMEOUT_S, self._give_up)

    def _give_up(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            if self._unparsed:  # else it was a connection that is kept for later
                who = self.client[0] if self.client else "somewhere"
                text = f"an HTTP client at {who} is given up: no head in {HEAD_TIMEOUT_S:g} s"
                _complaints.say("time", text)
            self.transport.close()
        else:
            self._await_head()

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
