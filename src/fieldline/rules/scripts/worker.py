"""A thread that runs scripts' jobs one after the other, and may be given up when one never ends.

QuickJS stops a script at its time limit nearly everywhere, but some built-in functions (``join`` of
an array of four thousand million elements) do not look at the clock. Such a thread cannot be ended;
it is left behind, and another takes over what it had not begun. It is a daemon, so that the process
can end in spite of it.
"""

import logging
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread

logger = logging.getLogger(__name__)

Job = Callable[[], None]


class Worker:
    """One thread with its queue."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._started_s: float | None = None
        self._is_given_up = False
        Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, job: Job) -> None:
        """Run a job after those that were given before it."""
        self._jobs.put(job)

    @property
    def busy_s(self) -> float:
        """For how long the present job has been running, 0 without one."""
        started_s = self._started_s
        return 0.0 if started_s is None else time.monotonic() - started_s

    def give_up(self) -> list[Job]:
        """Leave the thread to itself; returns the jobs that it has not begun."""
        self._is_given_up = True
        left: list[Job] = []
        while True:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                break
            if job is not None:
                left.append(job)
        self._jobs.put(None)
        return left

    def stop(self) -> None:
        """End the thread after the jobs that it was given."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._started_s = time.monotonic()
            try:
                job()
            except Exception:  # a job tells its own errors; this is a bug, and others must run
                logger.exception("a script's job failed")
            if self._is_given_up:
                return
            self._started_s = None
