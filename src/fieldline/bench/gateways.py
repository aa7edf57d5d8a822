"""Drives gateways with many devices each against one server and measures.

First all devices are brought in as gateways do, each named on ``v1/gateway/connect``; then the
gateways come a second time, when their devices are known; then they send the devices' readings,
several devices a message.
"""

import asyncio
import math
import time
from dataclasses import asdict, dataclass
from typing import Any

from fieldline.bench.measuring import connect, drain, measure, percentile_ms
from fieldline.bench.meter import POINTS, payload
from fieldline.bench.publisher import Pace, Publisher
from fieldline.bench.usage import memory_bytes, peak_memory_bytes
from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.packets import MQTT_311, Publish

CONNECT_TOPIC = "v1/gateway/connect"
TELEMETRY_TOPIC = "v1/gateway/telemetry"
AT_ONCE = 10
"""Devices of a message with readings, one reading of each."""

JOIN_TIMEOUT_S = 600.0
"""From when the gateways name their devices until all of these are there."""


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    """One run: a gateway for each token, with so many ``devices`` each."""

    host: str
    port: int
    tokens: list[str]
    devices: int
    window: int
    seconds: float
    warm_up_s: float
    server_pid: int


@dataclass(frozen=True, slots=True)
class GatewayResult:
    """What came out; rates are of the measured time, ``readings`` of the whole run.

    ``new_s`` and ``known_s`` are from the first connection until the last device was acknowledged.
    """

    new_s: float
    known_s: float
    memory_before: int
    memory_after: int
    messages_per_s: float
    readings_per_s: float
    points_per_s: float
    p50_ms: float
    p99_ms: float
    server_cpu_percent: float
    generator_cpu_percent: float
    peak_memory_mb: float
    readings: int
    first_ms: int
    last_ms: int
    failures: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


class Gateway(Publisher):
    """A gateway, which first names its devices, then sends their readings.

    Args:
        token, window, pace: as every publisher's.
        devices: how many, named ``token/0`` and so on.
        first_ms: time of the first message's readings; each next one's is 1 ms later.
    """

    def __init__(self, token: str, window: int, pace: Pace, devices: int, first_ms: int) -> None:
        super().__init__(token, window, pace)
        self._devices = devices
        self._first_ms = first_ms
        names = device_names(token, devices)
        self._groups = [names[start : start + AT_ONCE] for start in range(0, devices, AT_ONCE)]

    def bring_in(self) -> None:
        """Name every device; the gateway is done when each of them is acknowledged."""
        self._send(self._devices, time.perf_counter())

    @property
    def readings(self) -> int:
        """Readings of devices that are acknowledged."""
        whole, rest = divmod(max(self.acknowledged - self._devices, 0), len(self._groups))
        return whole * self._devices + sum(len(group) for group in self._groups[:rest])

    @property
    def last_ms(self) -> int:
        """Time of the newest readings that were sent."""
        return self._first_ms + self.sent

    def packet(self, number: int) -> bytes:
        if number < self._devices:
            name = self._groups[number // AT_ONCE][number % AT_ONCE]
            topic, body = CONNECT_TOPIC, b'{"device":"%b"}' % name.encode()
        else:
            number_of_readings = number - self._devices
            group = self._groups[number_of_readings % len(self._groups)]
            reading = payload(self._first_ms + number_of_readings)
            parts = (b'"%b":[%b]' % (name.encode(), reading) for name in group)
            topic, body = TELEMETRY_TOPIC, b"{%b}" % b",".join(parts)
        return encode(Publish(topic, body, 1, self.packet_id(number)), MQTT_311)


def device_names(token: str, devices: int) -> list[str]:
    """Return the names of a gateway's devices."""
    return [f"{token}/{number}" for number in range(devices)]


async def run(plan: GatewayPlan) -> GatewayResult:
    """Bring all devices in, twice; then warm up, measure, drain."""
    pace = Pace()
    first_ms = int(time.time() * 1000)
    memory_before = memory_bytes(plan.server_pid)
    gateways, new_s = await _bring_in(plan, pace, first_ms)
    memory_after = memory_bytes(plan.server_pid)
    failures = [gateway.failure for gateway in gateways if gateway.failure is not None]
    for gateway in gateways:
        gateway.close()
    gateways, known_s = await _bring_in(plan, pace, first_ms)
    pace.is_sending = True
    for gateway in gateways:
        gateway.is_done.clear()
        gateway.begin()
    await asyncio.sleep(plan.warm_up_s)
    span = await measure(pace, plan.server_pid, plan.seconds)
    pace.is_sending = False
    await drain(gateways)
    failures += [gateway.failure for gateway in gateways if gateway.failure is not None]
    for gateway in gateways:
        gateway.close()
    await asyncio.sleep(0.1)
    latencies = sorted(pace.latencies_s)
    messages_per_s = pace.acknowledged_measured / span.elapsed_s
    readings_per_s = messages_per_s * plan.devices / math.ceil(plan.devices / AT_ONCE)
    return GatewayResult(
        new_s=round(new_s, 3),
        known_s=round(known_s, 3),
        memory_before=memory_before,
        memory_after=memory_after,
        messages_per_s=round(messages_per_s, 1),
        readings_per_s=round(readings_per_s, 1),
        points_per_s=round(POINTS * readings_per_s, 1),
        p50_ms=percentile_ms(latencies, 0.50),
        p99_ms=percentile_ms(latencies, 0.99),
        server_cpu_percent=span.server_cpu_percent,
        generator_cpu_percent=span.generator_cpu_percent,
        peak_memory_mb=round(peak_memory_bytes(plan.server_pid) / 1e6, 1),
        readings=sum(gateway.readings for gateway in gateways),
        first_ms=first_ms,
        last_ms=max(gateway.last_ms for gateway in gateways),
        failures=failures,
    )


async def _bring_in(plan: GatewayPlan, pace: Pace, first_ms: int) -> tuple[list[Gateway], float]:
    """Connect the gateways, each of which names its devices; returns them and the seconds."""
    gateways = [Gateway(token, plan.window, pace, plan.devices, first_ms) for token in plan.tokens]
    pace.is_sending = False
    started = time.perf_counter()
    await connect(gateways, plan.host, plan.port)
    for gateway in gateways:
        gateway.bring_in()
    await drain(gateways, JOIN_TIMEOUT_S)
    return gateways, time.perf_counter() - started
