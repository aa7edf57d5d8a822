"""The threads that scripts run in, and the watch over them."""

import asyncio
import logging
from collections.abc import Callable

from fieldline.domains.api_usage.counters import Usage
from fieldline.kit.clock import Clock
from fieldline.rules.backlog import Backlog
from fieldline.rules.scripts.sandbox import ScriptError, ScriptLimits
from fieldline.rules.scripts.script import Script
from fieldline.rules.scripts.worker import Worker

logger = logging.getLogger(__name__)

LOST_AFTER_TIMEOUTS = 10
LOST_AFTER_S = 5.0
"""A thread busy with one hop for this much longer is given up: the script cannot be stopped."""
MAX_LOST = 8
"""Threads given up before scripts are run no more; each one uses a processor for ever."""
_WATCH_S = 1.0


class ScriptPool:
    """The threads that scripts run in; a script stays in one thread.

    Args:
        clock: tells when a blocked script may run again.
        backlog: counts the calls that wait.
        usage: counts the calls of each tenant.
        limits: of each script.
        threads: how many; a script that uses all its time holds up those of its thread.
    """

    def __init__(
        self,
        clock: Clock,
        backlog: Backlog,
        usage: Usage,
        limits: ScriptLimits | None = None,
        *,
        threads: int = 2,
    ) -> None:
        self.clock = clock
        self.backlog = backlog
        self.usage = usage
        self.limits = limits or ScriptLimits()
        self._workers = [Worker(f"script-{index}") for index in range(threads)]
        self._load = [0] * threads
        self._scripts: set[Script] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._lost = 0

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    @property
    def is_off(self) -> bool:
        """Whether too many threads were lost to run any script."""
        return self._lost > MAX_LOST

    async def load(self, body: str) -> Script:
        """Compile a script.

        Raises:
            ScriptError: it does not compile.
        """
        thread = self._load.index(min(self._load))
        script = Script(body, thread, self)
        self._load[thread] += 1
        self._scripts.add(script)
        try:
            await self._do(thread, script.compile)
        except BaseException:
            self._forget(script)
            raise
        return script

    async def unload(self, script: Script) -> None:
        """Let a script finish what it was given, then forget it."""
        if script in self._scripts:
            await self._do(script.thread, script.dispose)
            self._forget(script)

    def _forget(self, script: Script) -> None:
        if script in self._scripts:
            self._load[script.thread] -= 1
            self._scripts.discard(script)

    def submit(self, thread: int, job: Callable[[], None]) -> None:
        """Run a job in a thread, and watch that it comes back."""
        self._workers[thread].submit(job)
        if self._watch is None:
            self._watch = self.loop.call_later(_WATCH_S, self._look)

    def wake(self, land: Callable[..., None], *args: object) -> None:
        """Call on the event loop, from a worker's thread."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(land, *args)

    async def stop(self) -> None:
        """End the threads; calls that still wait are not answered."""
        self._scripts.clear()
        if self._watch is not None:
            self._watch.cancel()
        for worker in self._workers:
            worker.stop()

    async def _do(self, thread: int, function: Callable[[], object]) -> None:
        """Run a function in a thread and wait for its end."""
        done: asyncio.Future[None] = self.loop.create_future()

        def job() -> None:
            try:
                function()
            except ScriptError as error:
                self.wake(_settle, done, error)
            else:
                self.wake(_settle, done, None)

        self.submit(thread, job)
        await done

    def _look(self) -> None:
        """Give up threads that do not come back."""
        longest_s = self.limits.timeout_s * LOST_AFTER_TIMEOUTS + LOST_AFTER_S
        self._watch = None
        for thread, worker in enumerate(self._workers):
            if worker.busy_s > longest_s:
                self._replace(thread)
        is_needed = any(script.is_under_way for script in self._scripts)
        if self._watch is None and is_needed:
            self._watch = self.loop.call_later(_WATCH_S, self._look)

    def _replace(self, thread: int) -> None:
        logger.error("a script cannot be stopped; its thread is left behind and uses a processor")
        self._lost += 1
        left = self._workers[thread].give_up()
        self._workers[thread] = Worker(f"script-{thread}-{self._lost}")
        for script in tuple(self._scripts):
            if script.thread == thread:
                script.lose_thread()
        for job in left:
            self.submit(thread, job)


def _settle(done: "asyncio.Future[None]", error: Exception | None) -> None:
    if done.done():
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(None)
