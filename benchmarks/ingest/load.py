"""Drives the devices against one server and measures."""

import asyncio
import time
from dataclasses import asdict, dataclass

from benchmarks.ingest.device import POINTS, Device, Pace
from benchmarks.ingest.process import Usage, peak_memory_bytes, usage

CONNECTING_AT_ONCE = 100
DRAIN_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: how many, how long; ``server_pid`` None measures no processor time."""

    host: str
    port: int
    tokens: list[str]
    window: int
    seconds: float
    warm_up_s: float
    server_pid: int | None


@dataclass(frozen=True, slots=True)
class Result:
    """What came out; rates are of the measured time, ``acknowledged`` of the whole run."""

    connections: int
    window: int
    seconds: float
    messages_per_s: float
    points_per_s: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    server_cpu_s: float | None
    messages_per_cpu_s: float | None
    server_peak_memory_mb: float | None
    sent: int
    acknowledged: int
    first_ms: int
    last_ms: int
    failures: list[str]

    def to_json(self) -> dict[str, object]:
        """Return it as plain values."""
        return asdict(self)


async def run(plan: Plan) -> Result:
    """Connect, warm up, measure, drain."""
    pace = Pace()
    first_ms = int(time.time() * 1000)
    devices = [Device(token, plan.window, first_ms, pace) for token in plan.tokens]
    await _connect(devices, plan)
    for device in devices:
        device.begin()
    await asyncio.sleep(plan.warm_up_s)
    before = usage(plan.server_pid)
    pace.is_measuring = True
    started = time.perf_counter()
    await asyncio.sleep(plan.seconds)
    elapsed_s = time.perf_counter() - started
    pace.is_measuring = False
    after = usage(plan.server_pid)
    pace.is_sending = False
    await _drain(devices)
    for device in devices:
        device.close()
    await asyncio.sleep(0.1)
    return _result(plan, pace, devices, elapsed_s, (before, after))


async def _connect(devices: list[Device], plan: Plan) -> None:
    loop = asyncio.get_running_loop()
    for start in range(0, len(devices), CONNECTING_AT_ONCE):
        group = devices[start : start + CONNECTING_AT_ONCE]
        await asyncio.gather(
            *(
                loop.create_connection(lambda device=device: device, plan.host, plan.port)  # type: ignore[misc]
                for device in group
            )
        )
        await asyncio.gather(*(device.is_connected.wait() for device in group))


async def _drain(devices: list[Device]) -> None:
    waits = [device.is_done.wait() for device in devices if device.acknowledged < device.sent]
    try:
        await asyncio.wait_for(asyncio.gather(*waits), DRAIN_TIMEOUT_S)
    except TimeoutError:
        print(f"not everything was acknowledged within {DRAIN_TIMEOUT_S:.0f} s")


def _result(
    plan: Plan, pace: Pace, devices: list[Device], elapsed_s: float, used: tuple[Usage, Usage]
) -> Result:
    latencies = sorted(pace.latencies_s)
    measured = pace.acknowledged_measured
    before, after = used
    cpu_s = None if plan.server_pid is None else after.cpu_s - before.cpu_s
    return Result(
        connections=len(devices),
        window=plan.window,
        seconds=round(elapsed_s, 3),
        messages_per_s=round(measured / elapsed_s),
        points_per_s=round(POINTS * measured / elapsed_s),
        p50_ms=_percentile_ms(latencies, 0.50),
        p99_ms=_percentile_ms(latencies, 0.99),
        max_ms=_percentile_ms(latencies, 1.0),
        server_cpu_s=None if cpu_s is None else round(cpu_s, 2),
        messages_per_cpu_s=round(measured / cpu_s) if cpu_s else None,
        server_peak_memory_mb=_memory_mb(plan.server_pid),
        sent=sum(device.sent for device in devices),
        acknowledged=sum(device.acknowledged for device in devices),
        first_ms=min(device.first_ms for device in devices),
        last_ms=max(device.last_ms for device in devices),
        failures=[device.failure for device in devices if device.failure is not None],
    )


def _percentile_ms(ordered_s: list[float], share: float) -> float:
    if not ordered_s:
        return 0.0
    at = min(len(ordered_s) - 1, int(len(ordered_s) * share))
    return round(ordered_s[at] * 1000, 2)


def _memory_mb(pid: int | None) -> float | None:
    return None if pid is None else round(peak_memory_bytes(pid) / 1e6, 1)
