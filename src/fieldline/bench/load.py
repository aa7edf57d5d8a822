"""Drives smart meters against one server and measures."""

import asyncio
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from fieldline.bench.measuring import connect, drain, measure, percentile_ms
from fieldline.bench.meter import POINTS, Device
from fieldline.bench.publisher import Pace
from fieldline.bench.subscriber import Subscribers
from fieldline.bench.usage import peak_memory_bytes

TICK_S = 0.002
"""How often a paced load looks for what is due."""


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
    await connect(devices, plan.host, plan.port)
    subscribers = await Subscribers.open(plan.http_url, plan.user_token, plan.watched)
    pacer = Pacer(devices, plan.rate, subscribers)
    pacing = asyncio.create_task(pacer.run()) if plan.rate else None
    if not pace.is_paced:
        for device in devices:
            device.begin()
    await asyncio.sleep(plan.warm_up_s)
    subscribers.is_measuring = True
    span = await measure(pace, plan.server_pid, plan.seconds)
    subscribers.is_measuring = False
    pace.is_sending = False
    if pacing is not None:
        pacing.cancel()
        await asyncio.gather(pacing, return_exceptions=True)
    await drain(devices)
    await subscribers.close()
    for device in devices:
        device.close()
    await asyncio.sleep(0.1)
    latencies = sorted(pace.latencies_s)
    seen = sorted(subscribers.latencies_s)
    measured = pace.acknowledged_measured
    return Result(
        connections=len(devices),
        seconds=round(span.elapsed_s, 3),
        messages_per_s=round(measured / span.elapsed_s, 1),
        points_per_s=round(POINTS * measured / span.elapsed_s, 1),
        p50_ms=percentile_ms(latencies, 0.50),
        p99_ms=percentile_ms(latencies, 0.99),
        max_ms=percentile_ms(latencies, 1.0),
        watch_p50_ms=percentile_ms(seen, 0.50),
        watch_p99_ms=percentile_ms(seen, 0.99),
        watched_share=round(len(seen) / measured, 3) if measured else 0.0,
        server_cpu_percent=span.server_cpu_percent,
        generator_cpu_percent=span.generator_cpu_percent,
        messages_per_cpu_s=round(measured / span.server_cpu_s, 1) if span.server_cpu_s else 0.0,
        peak_memory_mb=round(peak_memory_bytes(plan.server_pid) / 1e6, 1),
        memory=span.memory,
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
