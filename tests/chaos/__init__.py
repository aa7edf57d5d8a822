"""Faults that the platform survives: each test breaks something under load and looks at the rest.

After each: what was acknowledged is stored with its value, what is stored was sent (after a
graceful stop the two are equal), and the log says what happened. ``make chaos`` is the long form,
which also waits for memory to come back; ``make chaos-short`` the form of ``.ci/run``.
"""

import os

IS_LONG = os.environ.get("FIELDLINE_CHAOS") == "long"


def form(short: float, long: float) -> float:
    """Return the length of a fault in the form that is run."""
    return long if IS_LONG else short
