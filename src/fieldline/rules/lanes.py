"""Runs the nodes that wait: one originator's messages in order, different ones side by side.

Each originator with messages waiting at a node has a lane. A lane is served by one task at a time,
one message after the other; at most ``concurrency`` lanes of a node are served at once, and a lane
that still has messages goes to the end of the queue, so that a busy device does not starve others.
"""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fieldline.kit.errors import Unavailable
from fieldline.messaging.message import Message
from fieldline.rules.backlog import Backlog
from fieldline.rules.chain import Step
from fieldline.rules.node import AsyncNode, Context, Outcome

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AsyncLimits:
    """What bounds the nodes that wait.

    ``concurrency`` is how many messages of one node are under way at once;
    ``store_concurrency`` the same for nodes that wait for the store, which commits them together.
    """

    timeout_s: float = 30.0
    concurrency: int = 32
    store_concurrency: int = 500


class Lanes:
    """The messages that wait at one node, by originator.

    ``step`` is where the node stands now; a reload of the chain sets another.
    """

    def __init__(self, node: AsyncNode[Any], limits: AsyncLimits, backlog: Backlog) -> None:
        self.step: Step
        self._node = node
        waits = node.waits_for_store
        self._timeout_s = None if waits else limits.timeout_s
        self._concurrency = limits.store_concurrency if waits else limits.concurrency
        self._backlog = backlog
        self._lanes: dict[UUID, deque[Message]] = {}
        self._ready: deque[UUID] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, message: Message, context: Context) -> Outcome:
        """Queue a message; its task goes on with it later."""
        del context
        self._backlog.add()
        originator = message.originator.id
        lane = self._lanes.get(originator)
        if lane is not None:
            lane.append(message)
            return None
        self._lanes[originator] = deque((message,))
        self._ready.append(originator)
        if len(self._tasks) < self._concurrency:
            task = asyncio.get_running_loop().create_task(self._serve())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return None

    async def drain(self) -> None:
        """Wait until nothing waits here any more."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    def cancel(self) -> None:
        """Give up what waits: it is not acknowledged, so whoever sent it sends it again."""
        for task in tuple(self._tasks):
            task.cancel()

    async def _serve(self) -> None:
        while self._ready:
            originator = self._ready.popleft()
            lane = self._lanes[originator]
            message = lane.popleft()
            outcome = await self._process(message)
            self._backlog.remove()
            if lane:
                self._ready.append(originator)
            else:
                del self._lanes[originator]
            try:
                if isinstance(outcome, Exception):
                    self.step.fail(message, outcome)
                else:
                    self.step.resume(outcome, message)
            except Exception:  # a worker's outermost loop: other lanes must go on
                logger.exception("going on after the node '%s' failed", self.step.node_name)

    async def _process(self, message: Message) -> Outcome | Exception:
        """Return what the node answers, or why it failed."""
        limit = asyncio.timeout(self._timeout_s)
        try:
            async with limit:
                return await self._node.process(message, self.step)
        except TimeoutError as error:
            if not limit.expired():
                return error  # of what the node waited for
            return Unavailable(f"The node did not finish within {self._timeout_s:g} s")
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise  # the lanes are given up
            return Unavailable("What the node waited for was cancelled")
        except Exception as error:  # noqa: BLE001 - the node's outermost loop: any error is a Failure
            return error
