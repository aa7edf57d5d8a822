"""A link between a gateway and the platform that a test can cut, or make lose the answers."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from tests.e2e.server import free_port

RETRY_S = 0.05


class Link:
    """A TCP proxy in a thread of its own.

    Who connects while the platform is away waits for it: a gateway that is refused pauses longer
    and longer, which shows nothing more and takes a test minutes.

    Args:
        to_port: to which what is said to ``port`` is passed on.
    """

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._is_answering = True
        self._bytes_left: int | None = None
        self._garbled: tuple[bytes, bytes] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.port = free_port()
        self._run(self._listen())

    def lose_answers(self) -> None:
        """Pass on what is said, but no answer, until the link is restored."""
        self._is_answering = False

    def break_after(self, size: int) -> None:
        """Break the connection that has brought so many bytes of answers from now on, once."""
        self._bytes_left = size

    def garble(self, what: bytes, into: bytes) -> None:
        """Bring something else than what was answered, once."""
        self._garbled = what, into

    def cut(self) -> None:
        """Break the connections, and let nobody connect any more."""
        self._run(self._cut())

    def restore(self) -> None:
        """Take connections again."""
        self._is_answering = True
        self._run(self._listen())

    def stop(self) -> None:
        self._run(self._cut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
        for end in self._ends:
            end.transport.abort()
        # What passes something on ends now, and with it the last of the connections.
        while self._ends:  # noqa: ASYNC110 - some turns of the loop
            await asyncio.sleep(0)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = {writer}
        self._ends |= ends
        while not writer.is_closing():
            try:
                there, back = await asyncio.open_connection("127.0.0.1", self._to_port)
            except OSError:
                await asyncio.sleep(RETRY_S)
                continue
            self._ends.add(back)
            ends.add(back)
            await asyncio.gather(
                self._pass(reader, back), self._pass(there, writer, is_answer=True)
            )
        self._ends -= ends

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool = False
    ) -> None:
        try:
            while data := await reader.read(65536):
                if is_answer and not self._is_answering:
                    continue
                writer.write(self._garble(data) if is_answer else data)
                await writer.drain()
                if is_answer and self._is_used_up(len(data)):
                    break
        except OSError:
            pass
        finally:
            writer.transport.abort()

    def _garble(self, data: bytes) -> bytes:
        if self._garbled is None or self._garbled[0] not in data:
            return data
        (what, into), self._garbled = self._garbled, None
        return data.replace(what, into)

    def _is_used_up(self, size: int) -> bool:
        if self._bytes_left is None:
            return False
        self._bytes_left -= size
        if self._bytes_left > 0:
            return False
        self._bytes_left = None
        return True
