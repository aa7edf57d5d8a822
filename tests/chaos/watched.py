"""What is looked at during and after a fault: memory, and what is stored."""

import time

from fieldline.bench.usage import memory_bytes
from tests.chaos import IS_LONG
from tests.chaos.fleet import Fleet
from tests.e2e.server import Server

SETTLES_S = 60
LOOKS = 20
SHARE = 1.2
MB = 1_000_000
BOUND_MB = 150
"""What all buffers may take together while a store is away; the limits are in the settings."""


def resident_mb(server: Server) -> float:
    return memory_bytes(server.pid) / MB


class Watched:
    """Holds a server's memory against what it was when this was made."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.before_mb = resident_mb(server)
        self.highest_mb = self.before_mb

    def check_bound(self) -> None:
        self.highest_mb = max(self.highest_mb, resident_mb(self._server))
        assert self.highest_mb - self.before_mb < BOUND_MB

    def check_return(self) -> None:
        """In the long form, a minute later memory is within 20 % of what it was."""
        if not IS_LONG:
            return
        end_s = time.monotonic() + SETTLES_S
        while resident_mb(self._server) > SHARE * self.before_mb and time.monotonic() < end_s:
            time.sleep(1)
        assert resident_mb(self._server) <= SHARE * self.before_mb


def wait(seconds: float, memory: Watched) -> None:
    """Let a fault last, and look at the memory meanwhile."""
    for _ in range(LOOKS):
        time.sleep(seconds / LOOKS)
        memory.check_bound()


def check_all(server: Server, fleet: Fleet, memory: Watched) -> None:
    """Let everything flow again, and hold what is stored against what was sent."""
    fleet.await_more()
    fleet.finish()
    fleet.check(server.login(), is_equal=True)
    memory.check_return()


def await_log(server: Server, text: str) -> bool:
    """Wait until the server's log has a text."""
    end_s = time.monotonic() + 30
    while text not in server.log.read_text():
        assert time.monotonic() < end_s, server.log.read_text()[-2000:]
        time.sleep(0.05)
    return True
