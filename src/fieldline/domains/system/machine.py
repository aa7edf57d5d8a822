"""Processor, memory and disk of the machine, as the kernel tells them (Linux: ``/proc``)."""

import os
import shutil
import time
from pathlib import Path

from fieldline.domains.system.schemas import SystemData
from fieldline.kit.service_id import SERVICE_ID

STAT, MEMINFO = Path("/proc/stat"), Path("/proc/meminfo")
SAMPLE_S = 0.1
"""Between two readings of the processor's counters."""
_IDLE = slice(3, 5)
"""Where ``/proc/stat`` has the ticks of idling and of waiting for a disk (proc(5))."""


def measure(folder: Path) -> SystemData:
    """Return what the machine has and uses now; the disk is that of ``folder``.

    It takes a tenth of a second: call it in a thread.
    """
    disk = shutil.disk_usage(folder)
    memory = _memory()
    total, available = memory or (None, None)
    return SystemData(
        service_id=SERVICE_ID,
        service_type="MONOLITH",
        cpu_usage=_cpu_percent(),
        cpu_count=os.cpu_count(),
        memory_usage=None if not total or available is None else _percent(total - available, total),
        total_memory=total,
        disc_usage=_percent(disk.used, disk.total),
        total_disc_space=disk.total,
    )


def _cpu_percent() -> int | None:
    """Return how busy all processors were in the last moment, None where it cannot be read."""
    before = _ticks()
    if before is None:
        return None
    time.sleep(SAMPLE_S)
    after = _ticks()
    if after is None:
        return None
    elapsed, idle = after[0] - before[0], after[1] - before[1]
    return _percent(elapsed - idle, elapsed) if elapsed > 0 else 0


def _ticks() -> tuple[int, int] | None:
    """Return the ticks of all processors since the start, and those idle."""
    try:
        first = STAT.read_text().split("\n", 1)[0]
    except OSError:
        return None
    ticks = [int(text) for text in first.split()[1:9]]  # the rest is counted in these already
    return sum(ticks), sum(ticks[_IDLE])


def _memory() -> tuple[int, int] | None:
    """Return bytes of memory: all, and what could be had without swapping."""
    try:
        lines = MEMINFO.read_text().splitlines()
    except OSError:
        return None
    kib = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return kib["MemTotal"] * 1024, kib["MemAvailable"] * 1024


def _percent(part: int, whole: int) -> int:
    return min(100, max(0, round(100 * part / whole))) if whole else 0
