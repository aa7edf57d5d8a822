"""What every load has: connecting, measuring for a while, waiting for what is in flight."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from fieldline.bench.publisher import Pace, Publisher
from fieldline.bench.usage import memory_bytes, usage

CONNECTING_AT_ONCE = 100
DRAIN_TIMEOUT_S = 60.0
MEMORY_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Span:
    """A measured time; ``memory`` holds seconds since its begin and the server's bytes then."""

    elapsed_s: float
    server_cpu_s: float
    own_cpu_s: float
    memory: list[tuple[float, int]]

    @property
    def server_cpu_percent(self) -> float:
        return round(100 * self.server_cpu_s / self.elapsed_s, 1)

    @property
    def generator_cpu_percent(self) -> float:
        return round(100 * self.own_cpu_s / self.elapsed_s, 1)


async def connect(devices: Sequence[Publisher], host: str, port: int) -> None:
    """Connect devices, some at a time, and wait until each is signed on."""
    loop = asyncio.get_running_loop()
    for start in range(0, len(devices), CONNECTING_AT_ONCE):
        group = devices[start : start + CONNECTING_AT_ONCE]
        await asyncio.gather(
            *(
                loop.create_connection(lambda device=device: device, host, port)  # type: ignore[misc]
                for device in group
            )
        )
        await asyncio.gather(*(device.is_connected.wait() for device in group))


async def measure(pace: Pace, server_pid: int, seconds: float) -> Span:
    """Measure for so long; what is acknowledged meanwhile is counted in ``pace``."""
    before, own_before = usage(server_pid), time.process_time()
    pace.is_measuring = True
    started = time.perf_counter()
    memory: list[tuple[float, int]] = []
    while (left_s := started + seconds - time.perf_counter()) > 0:
        memory.append((round(time.perf_counter() - started, 1), memory_bytes(server_pid)))
        await asyncio.sleep(min(left_s, MEMORY_EVERY_S))
    elapsed_s = time.perf_counter() - started
    pace.is_measuring = False
    memory.append((round(elapsed_s, 1), memory_bytes(server_pid)))
    server_cpu_s = usage(server_pid).cpu_s - before.cpu_s
    return Span(elapsed_s, server_cpu_s, time.process_time() - own_before, memory)


async def drain(devices: Sequence[Publisher], timeout_s: float = DRAIN_TIMEOUT_S) -> None:
    """Wait until everything is acknowledged; what is not in time is a failure of its device."""
    waits = [device.is_done.wait() for device in devices if device.acknowledged < device.sent]
    try:
        await asyncio.wait_for(asyncio.gather(*waits), timeout_s)
    except TimeoutError:
        for device in devices:
            if device.acknowledged < device.sent and device.failure is None:
                device.failure = f"not everything was acknowledged within {timeout_s:.0f} s"


def percentile_ms(ordered_s: Sequence[float], share: float) -> float:
    """Return the time that so large a share of the (sorted) times does not exceed, in ms."""
    if not ordered_s:
        return 0.0
    at = min(len(ordered_s) - 1, int(len(ordered_s) * share))
    return round(ordered_s[at] * 1000, 2)
