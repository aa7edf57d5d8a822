"""Whether the last run ended in good order: a file in the data folder that is there meanwhile."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

logger = logging.getLogger(__name__)

MARK = "running"


@contextmanager
def noted(folder: Path) -> Iterator[None]:
    """Note that the platform runs, and when it has ended; tell if the last run was cut off."""
    mark = folder / MARK
    if mark.exists():
        logger.warning(
            "Fieldline was not stopped in good order the last time: it was killed, or its machine"
            " went down. What it acknowledged is there; what the rules had not finished with is"
            " told to them again"
        )
    with suppress(OSError):  # a full disk
        mark.touch()
    try:
        yield
    finally:
        with suppress(OSError):
            mark.unlink(missing_ok=True)
