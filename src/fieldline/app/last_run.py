"""Whether the last run ended in good order: a file in the data folder that is there meanwhile."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

logger = logging.getLogger(__name__)

MARK = "running"


@contextmanager
def noted(folder: Path) -> Iterator[None]:
    """Note that the platform runs, and when it has ended; tell if the last run was cut off.

    A second process on the same folder, which will find its ports taken, notes nothing.
    """
    mark = folder / MARK
    was_there = mark.exists()
    try:
        file = mark.open("ab")
    except OSError:  # a full disk
        yield
        return
    with file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except OSError:
            yield
            return
        if was_there:
            logger.warning(
                "Fieldline was not stopped in good order the last time: it was killed, or its"
                " machine went down. What it acknowledged is there; what the rules had not finished"
                " with is told to them again"
            )
        try:
            yield
        finally:
            with suppress(OSError):
                mark.unlink(missing_ok=True)
