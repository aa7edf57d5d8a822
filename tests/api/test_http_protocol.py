"""What comes before a request is known is bounded in size and time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI, Request

from fieldline.api import http_protocol
from fieldline.api.http_protocol import MAX_HEAD_BYTES, HttpProtocol
from tests.api.websocket.server import serving

LARGEST_READ = 256 * 1024
"""Of uvloop and asyncio; so much may be taken beyond a limit."""


@dataclass
class Echo:
    app: FastAPI


@pytest.fixture
async def port() -> AsyncIterator[int]:
    app = FastAPI()

    @app.post("/echo")
    async def echo(request: Request) -> int:
        return len(await request.body())

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(0.3)
        return "done"

    async with serving(Echo(app), http=HttpProtocol) as port:
        yield port


async def answer_to(port: int, *parts: bytes, pause_s: float = 0.0) -> bytes:
    """Send the parts; returns everything until the server closes, or nothing comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)
        async with asyncio.timeout(5):
            received = await reader.read(100_000)
    except ConnectionError:
        pass
    finally:
        writer.close()
    return received


ENDLESS = [
    pytest.param(b"GET /" + b"a" * 1_000, b"a" * 1_000, id="request line"),
    pytest.param(b"GET / HTTP/1.1\r\nX: ", b"a" * 1_000, id="one header"),
    pytest.param(b"GET / HTTP/1.1\r\n", b"X-Name: value\r\n" * 70, id="many headers"),
    pytest.param(
        b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
        b"X-Name: value\r\n" * 70,
        id="trailers",
    ),
]


@pytest.mark.parametrize(("start", "more"), ENDLESS)
async def test_an_endless_head_is_refused(port: int, start: bytes, more: bytes) -> None:
    count = (MAX_HEAD_BYTES + LARGEST_READ) // len(more)

    answer = await answer_to(port, start, *[more] * count)

    # The connection may be reset before the answer is read.
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


async def test_a_large_body_is_no_head(port: int) -> None:
    size = 20 * MAX_HEAD_BYTES
    head = f"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode()

    answer = await answer_to(port, head, b"a" * size)

    assert answer.endswith(str(size).encode())


@pytest.mark.parametrize("start", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n", b"\r\n"])
async def test_a_head_that_does_not_come_ends_the_connection(
    port: int, start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT_S", 0.05)

    assert await answer_to(port, start) == b""


async def test_an_answer_may_take_longer_than_a_head(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT_S", 0.05)
    request = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"

    assert (await answer_to(port, request)).endswith(b'"done"')
    assert (await answer_to(port, request + b"\r\n")).endswith(b'"done"')


async def test_requests_follow_each_other_on_one_connection(port: int) -> None:
    one = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"

    answer = await answer_to(port, one, one + one, pause_s=0.1)

    assert answer.count(b"HTTP/1.1 200") == 3
