"""GET requests over HTTP/1.1, as fast as one light process sends them."""

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(slots=True)
class Answers:
    """What came back; ``failure`` is the first answer that was no 200."""

    count: int = 0
    failure: str | None = None
    latencies_s: list[float] = field(default_factory=list)


class _Client(asyncio.Protocol):
    """A connection that keeps one request under way."""

    def __init__(self, request: bytes, answers: Answers) -> None:
        self._request = request
        self._answers = answers
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - it is one of TCP
        self._transport = transport
        self._send()

    def _send(self) -> None:
        assert self._transport is not None  # noqa: S101 - there was an answer
        self._sent_at = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        if len(body) < int(length):
            return
        self._buffer = b""
        if not head.startswith(b"HTTP/1.1 200") and self._answers.failure is None:
            self._answers.failure = (head + body)[:500].decode(errors="replace")
        self._answers.count += 1
        self._answers.latencies_s.append(time.perf_counter() - self._sent_at)
        self._send()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


async def load(url: str, paths: list[str], token: str, *, seconds: float) -> Answers:
    """Ask for paths, one connection each, for so long; the first second is not counted."""
    parts = urlsplit(url)
    answers = Answers()
    loop = asyncio.get_running_loop()
    clients = []
    for path in paths:
        head = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
        client = _Client(f"{head}\r\n".encode(), answers)
        await loop.create_connection(
            lambda client=client: client,  # type: ignore[misc]
            parts.hostname or "127.0.0.1",
            parts.port or 80,
        )
        clients.append(client)
    await asyncio.sleep(1)
    answers.count = 0
    answers.latencies_s.clear()
    await asyncio.sleep(seconds)
    for client in clients:
        client.close()
    return answers
