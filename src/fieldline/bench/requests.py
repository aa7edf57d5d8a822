"""Requests over HTTP/1.1, as many and as fast as one light process sends them."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast
from urllib.parse import urlsplit

from fieldline.bench.measuring import CONNECTING_AT_ONCE


@dataclass(slots=True)
class Answers:
    """What came back; ``failure`` is the first answer that was no 200."""

    count: int = 0
    failure: str | None = None
    latencies_s: list[float] = field(default_factory=list)


class HttpConnection(asyncio.Protocol):
    """A connection to a server, for one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, request: bytes) -> None:
        """Write a request; :meth:`answered` gets what comes back, status 0 if nothing can."""
        if self._transport is None:
            self.answered(0, b"the connection was lost before")
        else:
            self._transport.write(request)

    def ask(self, request: bytes) -> "asyncio.Future[tuple[int, bytes]]":
        """Write a request; returns status and body of its answer, 0 when the connection is lost."""
        self._answer = asyncio.get_running_loop().create_future()
        self.send(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        if len(body) < int(length):
            return
        self._buffer = b""
        self.answered(int(head.split(b" ", 2)[1]), body)

    def answered(self, status: int, body: bytes) -> None:
        """Take an answer."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((status, body))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._transport = None
            self.answered(0, str(exc or "closed by the server").encode())

    def close(self) -> None:
        """Cut the connection; what is not answered yet stays so."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()


class _Client(HttpConnection):
    """A connection that keeps one request under way."""

    def __init__(self, request: bytes, answers: Answers) -> None:
        super().__init__()
        self._request = request
        self._answers = answers
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._again()

    def _again(self) -> None:
        self._sent_at = time.perf_counter()
        self.send(self._request)

    def answered(self, status: int, body: bytes) -> None:
        if status != HTTPStatus.OK and self._answers.failure is None:
            self._answers.failure = f"{status} {body[:500].decode(errors='replace')}"
        self._answers.count += 1
        self._answers.latencies_s.append(time.perf_counter() - self._sent_at)
        if status:
            self._again()


def request(url: str, method: str, path: str, token: str, body: bytes = b"") -> bytes:
    """Return a request of a logged-in user; the body is JSON."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n"
        f"Authorization: Bearer {token}\r\n"
    )
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n".encode() + body


async def open_connections(url: str, connections: Sequence[HttpConnection]) -> None:
    """Connect to a server, some connections at a time."""
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    for start in range(0, len(connections), CONNECTING_AT_ONCE):
        await asyncio.gather(
            *(
                loop.create_connection(
                    lambda each=each: each,  # type: ignore[misc]
                    parts.hostname or "127.0.0.1",
                    parts.port or 80,
                )
                for each in connections[start : start + CONNECTING_AT_ONCE]
            )
        )


async def load(url: str, paths: list[str], token: str, *, seconds: float) -> Answers:
    """Ask for paths, one connection each, for so long; the first second is not counted."""
    answers = Answers()
    clients = [_Client(request(url, "GET", path, token), answers) for path in paths]
    await open_connections(url, clients)
    await asyncio.sleep(1)
    answers.count = 0
    answers.latencies_s.clear()
    await asyncio.sleep(seconds)
    for client in clients:
        client.close()
    return answers
