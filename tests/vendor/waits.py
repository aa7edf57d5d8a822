"""Waiting for programs of others, which tell nobody when they have done something."""

import socket
import time
from collections.abc import Callable
from typing import Any

PAUSE_S = 0.05


def within(seconds: float, what: Callable[[], Any]) -> Any:
    """Return the first answer that is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(PAUSE_S)
    raise AssertionError(f"it did not come in {seconds:.0f} s; the last answer was {found!r}")


def is_open(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0
