"""Drives smart meters against one server and measures."""

import asyncio
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from fieldline.bench.meter import POINTS, Device, Pace
from fieldline.bench.subscriber import Subscribers
from fieldline.bench.usage import memory_bytes, peak_memory_bytes, usage

CONNECTING_AT_ONCE = 100
DRAIN_TIMEOUT_S = 60.0
TICK_S = 0.002
"""How often a paced load looks for what is due."""
MEMORY_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One run of the load generator.

    Attributes:
        tokens: one connection for each.
        rate: messages a second over all connections, sent when they are due whatever became of
            the ones before; 0 sends with each acknowledgement the next.
        server_pid: whose processor time and memory to measure.
        http_url, user_token, watched: ids of devices with a WebSocket subscriber each.
    """

    host: str
    port: int
    tokens: list[str]
    window: int
    seconds: float
    warm_up_s: float
    server_pid: int
    rate: float = 0
    is_idle: bool = False
    http_url: str = ""
    user_token: str = ""
    watched: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Result:
    """What came out; rates are of the measured time, ``acknowledged`` of the whole run.

    ``memory`` holds seconds and bytes; ``late_s`` is how far the generator fell behind its plan.
    """

    connections: int
    seconds: float
    messages_per_s: float
    points_per_s: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    watch_p50_ms: float
    watch_p99_ms: float
    watched_share: float
    server_cpu_percent: float
    generator_cpu_percent: float
    messages_per_cpu_s: float
    peak_memory_mb: float
    memory: list[tuple[float, int]]
    late_s: float
    sent: int
    acknowledged: int
    first_ms: int
    last_ms: int
    failures: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


async def run(plan: Plan) -> Result:
    """Connect, warm up, measure, drain."""
    pace = Pace()
    pace.is_paced = bool(plan.rate) or plan.is_idle
    first_ms = int(time.time() * 1000)
    devices = [
        Device(token, plan.window, first_ms, pace, phase=7 * number)
        for number, token in enumerate(plan.tokens)
    ]
    await _connect(devices, plan)
    subscribers = await Subscribers.open(plan.http_url, plan.user_token, plan.watched)
    pacer = Pacer(devices, plan.rate, subscribers)
    pacing = asyncio.create_task(pacer.run()) if plan.rate else None
    if not pace.is_paced:
        for device in devices:
            device.begin()
    await asyncio.sleep(plan.warm_up_s)
    before, own_before = usage(plan.server_pid), time.process_time()
    pace.is_measuring = subscribers.is_measuring = True
    started = time.perf_counter()
    memory = await _watch_memory(plan, started)
    elapsed_s = time.perf_counter() - started
    pace.is_measuring = subscribers.is_measuring = False
    server_cpu_s = usage(plan.server_pid).cpu_s - before.cpu_s
    own_cpu_s = time.process_time() - own_before
    pace.is_sending = False
    if pacing is not None:
        pacing.cancel()
        await asyncio.gather(pacing, return_exceptions=True)
    await _drain(devices)
    await subscribers.close()
    for device in devices:
        device.close()
    await asyncio.sleep(0.1)
    latencies = sorted(pace.latencies_s)
    seen = sorted(subscribers.latencies_s)
    measured = pace.acknowledged_measured
    return Result(
        connections=len(devices),
        seconds=round(elapsed_s, 3),
        messages_per_s=round(measured / elapsed_s, 1),
        points_per_s=round(POINTS * measured / elapsed_s, 1),
        p50_ms=percentile_ms(latencies, 0.50),
        p99_ms=percentile_ms(latencies, 0.99),
        max_ms=percentile_ms(latencies, 1.0),
        watch_p50_ms=percentile_ms(seen, 0.50),
        watch_p99_ms=percentile_ms(seen, 0.99),
        watched_share=round(len(seen) / measured, 3) if measured else 0.0,
        server_cpu_percent=round(100 * server_cpu_s / elapsed_s, 1),
        generator_cpu_percent=round(100 * own_cpu_s / elapsed_s, 1),
        messages_per_cpu_s=round(measured / server_cpu_s, 1) if server_cpu_s else 0.0,
        peak_memory_mb=round(peak_memory_bytes(plan.server_pid) / 1e6, 1),
        memory=memory,
        late_s=round(pacer.late_s, 3),
        sent=sum(device.sent for device in devices),
        acknowledged=sum(device.acknowledged for device in devices),
        first_ms=first_ms,
        last_ms=max(device.last_ms for device in devices),
        failures=[device.failure for device in devices if device.failure is not None],
    )


class Pacer:
    """Sends what is due, spread evenly over the devices.

    A message's latency counts from when it was due: what a stall of the server or of the generator
    holds up is measured, not left out.
    """

    def __init__(self, devices: list[Device], rate: float, subscribers: Subscribers) -> None:
        self.late_s = 0.0
        self._devices = devices
        self._rate = rate
        self._subscribers = subscribers

    async def run(self) -> None:
        """Send for ever."""
        started = time.perf_counter()
        sent = 0
        while True:
            now = time.perf_counter()
            due = int((now - started) * self._rate)
            while sent < due:
                due_s = started + sent / self._rate
                number = sent % len(self._devices)
                device = self._devices[number]
                device.publish(due_s)
                self._subscribers.published(number, device.last_ms, due_s)
                sent += 1
            self.late_s = max(self.late_s, time.perf_counter() - now)
            await asyncio.sleep(TICK_S)


async def _watch_memory(plan: Plan, started: float) -> list[tuple[float, int]]:
    """Wait for the measured time; returns the server's memory now and then."""
    memory: list[tuple[float, int]] = []
    while (left_s := started + plan.seconds - time.perf_counter()) > 0:
        memory.append((round(time.perf_counter() - started, 1), memory_bytes(plan.server_pid)))
        await asyncio.sleep(min(left_s, MEMORY_EVERY_S))
    memory.append((round(time.perf_counter() - started, 1), memory_bytes(plan.server_pid)))
    return memory


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
        for device in devices:
            if device.acknowledged < device.sent and device.failure is None:
                device.failure = f"not everything was acknowledged within {DRAIN_TIMEOUT_S:.0f} s"


def percentile_ms(ordered_s: list[float], share: float) -> float:
    """Return the time that so large a share of the (sorted) times does not exceed, in ms."""
    if not ordered_s:
        return 0.0
    at = min(len(ordered_s) - 1, int(len(ordered_s) * share))
    return round(ordered_s[at] * 1000, 2)
