"""What a process, with its children, has used: Linux's /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor seconds, user and system, of every thread."""

    cpu_s: float


def usage(pid: int | None) -> Usage:
    """Return what the process and its living descendants have used; nothing without a pid."""
    return Usage(0.0 if pid is None else sum(_cpu_s(each) for each in _family(pid)))


def memory_bytes(pid: int) -> int:
    """Return the resident size now, the descendants' added."""
    return sum(_status_bytes(each, "VmRSS:") for each in _family(pid))


def peak_memory_bytes(pid: int) -> int:
    """Return the largest resident size so far, the descendants' added."""
    return sum(_status_bytes(each, "VmHWM:") for each in _family(pid))


def _family(pid: int) -> list[int]:
    family = [pid]
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in path.read_text().split():
            family += _family(int(child))
    return family


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def _status_bytes(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0
