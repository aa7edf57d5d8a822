"""Keeps what a benchmark measured, with the machine that it was measured on."""

import json
import platform
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def save(name: str, **measured: object) -> Path:
    """Write a benchmark's result and return where it is."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    body = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "python": platform.python_version(),
        },
        **measured,
    }
    path.write_text(json.dumps(body, indent=2) + "\n")
    return path
