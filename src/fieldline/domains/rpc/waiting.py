"""Those who sent a command and wait for what becomes of it.

The answer comes over the bus, so that it finds the process in which the request waits.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from fieldline.domains.rpc.command import Answer, RpcError
from fieldline.domains.rpc.events import RpcAnswered
from fieldline.kit.errors import Conflict, Unavailable
from fieldline.messaging.bus import Bus

MAX_WAITING = 20_000
GRACE_S = 5.0
"""After a command's time is over, for the answer that says so and why.

It comes within a second of it (``ingest.server_rpc.SWEEP_S``), later where the process is busy.
"""


class Waiting:
    """The requests of this process that wait for an answer."""

    def __init__(self, bus: Bus) -> None:
        self._answers: dict[tuple[UUID, UUID], asyncio.Future[Answer]] = {}
        bus.listen(RpcAnswered, self._on_answered)

    @contextmanager
    def expect(self, tenant_id: UUID, request_id: UUID) -> Iterator[asyncio.Future[Answer]]:
        """Give what the answer arrives at; begin before the command is sent.

        Ids are of one tenant: another one's rules, which may write any, answer nobody here.

        Raises:
            Unavailable: too many wait.
            Conflict: another request of this id waits.
        """
        key = (tenant_id, request_id)
        if len(self._answers) >= MAX_WAITING:
            raise Unavailable("Too many RPC requests wait for an answer; try again")
        if key in self._answers:
            msg = f"An RPC request with requestUUID {request_id} waits already; choose another one"
            raise Conflict(msg)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[key] = answer
        try:
            yield answer
        finally:
            del self._answers[key]

    def end_all(self) -> None:
        """Answer every request as if its time was over, because the server stops."""
        for key in list(self._answers):
            self._on_answered(RpcAnswered(*key, Answer(error=RpcError.TIMEOUT)))

    def _on_answered(self, event: RpcAnswered) -> None:
        answer = self._answers.get((event.tenant_id, event.request_id))
        if answer is not None and not answer.done():
            answer.set_result(event.answer)


async def answer_within(answer: asyncio.Future[Answer], timeout_s: float) -> Answer:
    """Wait for an answer; without one in time it is a time-out."""
    try:
        async with asyncio.timeout(timeout_s + GRACE_S):
            return await answer
    except TimeoutError:
        return Answer(error=RpcError.TIMEOUT)
