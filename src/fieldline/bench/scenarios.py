"""The scenarios of ``fieldline bench``: what each does, and what it must reach.

A scenario is a function from :class:`Bench` to figures; :data:`SCENARIOS` lists them in the order
in which they run. Targets are those of a machine with two cores that runs server, database and load
generator together.
"""

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fieldline.bench import requests
from fieldline.bench.crowds import gateways, rpc
from fieldline.bench.load import Plan
from fieldline.bench.meter import POINTS
from fieldline.bench.platforms import Server, database, server
from fieldline.bench.results import Figure, Measured, results_of
from fieldline.bench.stage import Bench, IncompleteError, Scenario, generate
from fieldline.bench.tenant import Tenant
from fieldline.bench.usage import memory_bytes, usage

SETTLE_S = 3.0
"""From the last start or connection until memory is read."""
GET_CONNECTIONS = 16
WATCHED_RATE = 1_111
HISTORY_BUCKETS = 500
FLAT_MB_PER_HOUR = 5.0
"""A few percent of what a server has: what a stall of the disk at the end can look like."""
SLOPE_S = 1_800.0
"""In less time such a stall is most of the slope."""
WARM_UP_SHARE = 0.2
"""Of a soak."""
SOAK_SHARE = 0.7


def smart_meter(bench: Bench) -> list[Measured]:
    """Smart meters at full speed: each sends its next message when the last is acknowledged."""
    must, aim = (8_000, 12_000) if bench.is_sqlite else (11_111, 20_000)
    with bench.platform(alarm_rule=True) as (running, tenant):
        results = [_metered(bench, running, tenant, number) for number in range(bench.runs)]
        alarms = tenant.count_alarms()
    return [
        Measured(
            Figure("rate", "msg/s", must, aim, is_more_better=True),
            results_of("messages_per_s", results),
        ),
        Measured(
            Figure("points", "points/s", is_more_better=True), results_of("points_per_s", results)
        ),
        *_usual(results),
        Measured(Figure("alarms", "raised", is_more_better=True), [alarms]),
    ]


def half_load(bench: Bench) -> list[Measured]:
    """Smart meters at half the rate that must be reached, each message sent when it is due."""
    rate = bench.rate or (4_000 if bench.is_sqlite else 11_111 / 2)
    with bench.platform(alarm_rule=True) as (running, tenant):
        results = [
            _metered(bench, running, tenant, number, rate=rate, window=bench.devices)
            for number in range(bench.runs)
        ]
    return [
        Measured(Figure("PUBLISH to PUBACK, p99", "ms", 100, 20), results_of("p99_ms", results)),
        Measured(Figure("PUBLISH to PUBACK, p50", "ms"), results_of("p50_ms", results)),
        Measured(
            Figure("rate", "msg/s", is_more_better=True), results_of("messages_per_s", results)
        ),
        Measured(Figure("generator late", "s"), results_of("late_s", results)),
        *_usual(results)[2:],
    ]


def websocket(bench: Bench) -> list[Measured]:
    """100 devices send 1,111 messages/s together; each has a WebSocket subscriber."""
    count = min(100, bench.devices)
    with bench.platform() as (running, tenant):
        results = []
        for number in range(bench.runs):
            created = tenant.create_devices(count, f"watched-{number}")
            plan = bench.plan(
                running,
                list(created),
                rate=WATCHED_RATE,
                http_url=running.http_url,
                user_token=tenant.token,
                watched=list(created.values()),
            )
            results.append(_run(bench, tenant, plan, list(created.values())))
    return [
        Measured(
            Figure("PUBLISH to subscriber, p99", "ms", 150, 50), results_of("watch_p99_ms", results)
        ),
        Measured(Figure("PUBLISH to subscriber, p50", "ms"), results_of("watch_p50_ms", results)),
        Measured(
            Figure("updates seen", "share", is_more_better=True),
            results_of("watched_share", results),
        ),
        *_usual(results)[2:],
    ]


def idle_connections(bench: Bench) -> list[Measured]:
    """Devices that are connected and silent: what one costs the server in memory."""
    count = bench.idle_connections
    with bench.platform() as (running, tenant):
        bench.say(f"  creating {count:,} devices")
        tokens = list(tenant.create_devices(count, "idle"))
        time.sleep(SETTLE_S)
        before = memory_bytes(running.pid)
        result = generate(
            bench.plan(running, tokens, is_idle=True, warm_up_s=SETTLE_S, seconds=SETTLE_S)
        )
        connected = result["memory"][-1][1]
    return [
        Measured(
            Figure("memory per connection", "KB", 15, 7), [(connected - before) / count / 1_000]
        ),
        Measured(Figure("connections", "", is_more_better=True), [count]),
        Measured(Figure("resident before", "MB"), [before / 1e6]),
    ]


def start(bench: Bench) -> list[Measured]:
    """From the command to ``/readyz``, and memory when nothing happens.

    The crash is a ``kill -9`` while meters send at full speed.
    """
    empty, existing, crashed, idle = [], [], [], []
    for _ in range(bench.runs):
        with (
            TemporaryDirectory(prefix="fieldline-bench-") as folder,
            database(bench.database) as settings,
        ):
            with server(settings, Path(folder)) as first:
                empty.append(first.start_s)
            with server(settings, Path(folder)) as second:
                existing.append(second.start_s)
                time.sleep(SETTLE_S)
                idle.append(memory_bytes(second.pid) / 1e6)
            with server(settings, Path(folder)) as third:
                _crash(bench, third)
            with server(settings, Path(folder)) as fourth:
                crashed.append(fourth.start_s)
    return [
        Measured(Figure("empty folder", "s", 5, 3), empty),
        Measured(Figure("existing store", "s", 2, 1), existing),
        Measured(Figure("after a crash", "s", 5), crashed),
        Measured(Figure("idle resident memory", "MB", 150, 100), idle),
    ]


def _crash(bench: Bench, running: Server) -> None:
    tenant = Tenant(running.http_url)
    try:
        tokens = list(tenant.create_devices(bench.devices, "crashed"))
    finally:
        tenant.close()
    seconds = bench.warm_up_s + bench.seconds
    killer = threading.Timer(seconds, os.kill, (running.pid, signal.SIGKILL))
    killer.start()
    # It ends with the connections.
    generate(bench.plan(running, tokens, seconds=2 * seconds), may_fail=True)
    killer.join()


def reads(bench: Bench) -> list[Measured]:
    """GET requests of one kind at a time, over 16 connections, with 1,000 devices."""
    with bench.platform() as (running, tenant):
        created = tenant.create_devices(bench.devices, "read")
        now_ms = time.time_ns() // 1_000_000
        for token in list(created)[:GET_CONNECTIONS]:
            values = {"pulseCounter": 1_234_567, "leakage": False, "batteryLevel": 81}
            tenant.send(token, [{"ts": now_ms, "values": values}])
        ids = (list(created.values()) * GET_CONNECTIONS)[:GET_CONNECTIONS]
        kinds = {
            "one device": (["/api/v1/devices/{id}"], 1_500, 3_000),
            "page of 100 devices": (["/api/v1/devices?limit=100"], 400, 800),
            "latest telemetry": (
                ["/api/v1/telemetry/DEVICE/{id}/values/timeseries"],
                1_500,
                3_000,
            ),
            "one device, ThingsBoard's": (["/api/device/{id}"], None, None),
            "page of 100, ThingsBoard's": (["/api/tenant/devices?pageSize=100&page=0"], None, None),
            "latest, ThingsBoard's": (
                ["/api/plugins/telemetry/DEVICE/{id}/values/timeseries"],
                None,
                None,
            ),
        }
        measured = []
        for name, ((path,), must, aim) in kinds.items():
            paths = [path.format(id=device_id) for device_id in ids]
            rates, cpu = [], []
            for _ in range(bench.runs):
                cpu_before = usage(running.pid).cpu_s
                answers = asyncio.run(
                    requests.load(running.http_url, paths, tenant.token, seconds=bench.seconds)
                )
                if answers.failure is not None:
                    msg = f"GET {paths[0]} was answered: {answers.failure}"
                    raise IncompleteError(msg)
                used_s = usage(running.pid).cpu_s - cpu_before
                rates.append(answers.count / bench.seconds)
                cpu.append(100 * used_s / (bench.seconds + 1))
            figure = Figure(name, "req/s", must, aim, is_more_better=True)
            measured.append(Measured(figure, rates))
            measured.append(Measured(Figure(f"{name}: server", "% of a core"), cpu))
    return measured


def history(bench: Bench) -> list[Measured]:
    """One series of 1,000,000 points, asked for as 500 averages."""
    step_ms = 1_000
    count, chunk = bench.history_points, 5_000
    first_ms = (time.time_ns() // 1_000_000) - count * step_ms
    first_ms -= first_ms % step_ms
    with bench.platform() as (_running, tenant):
        ((token, device_id),) = tenant.create_devices(1, "history").items()
        bench.say(f"  storing {count:,} points")
        for start_at in range(0, count, chunk):
            tenant.send(
                token,
                [
                    {"ts": first_ms + number * step_ms, "values": {"t": number % 997 / 10}}
                    for number in range(start_at, min(start_at + chunk, count))
                ],
            )
        end_ms = first_ms + count * step_ms
        path = (
            f"/api/plugins/telemetry/DEVICE/{device_id}/values/timeseries?keys=t&agg=AVG"
            f"&startTs={first_ms}&endTs={end_ms}&interval={count * step_ms // HISTORY_BUCKETS}"
        )
        times = []
        for _ in range(bench.runs):
            started = time.perf_counter()
            buckets = json.loads(tenant.get(path))["t"]
            times.append(time.perf_counter() - started)
            if len(buckets) != HISTORY_BUCKETS:
                msg = f"{len(buckets)} buckets came, not {HISTORY_BUCKETS}"
                raise IncompleteError(msg)
    return [Measured(Figure("500 averages", "s", 1, 0.2), times)]


def soak(bench: Bench) -> list[Measured]:
    """One hour at 70 % of the rate that must be reached: memory stays, nothing is lost."""
    must = 8_000 if bench.is_sqlite else 11_111
    rate = bench.rate or SOAK_SHARE * must
    with bench.platform(alarm_rule=True) as (running, tenant):
        result = _metered(
            bench, running, tenant, 0, rate=rate, window=bench.devices, seconds=bench.soak_s
        )
    slope = slope_per_hour(result["memory"]) / 1e6
    # On a slow day the heaps of Python and of SQLite's thread settle within half an hour.
    later = slope_per_hour(result["memory"], warm_up_share=0.5) / 1e6
    flat = FLAT_MB_PER_HOUR if bench.soak_s >= SLOPE_S else None
    return [
        Measured(Figure("resident memory slope", "MB/h", flat), [slope]),
        Measured(Figure("resident memory slope, second half", "MB/h", flat), [later]),
        *(
            Measured(Figure(f"resident memory, {name} quarter", "MB"), [size / 1e6])
            for name, size in zip(
                ("first", "second", "third", "last"), quarters(result["memory"]), strict=True
            )
        ),
        Measured(Figure("rate", "msg/s", is_more_better=True), [result["messages_per_s"]]),
        *_usual([result]),
    ]


SCENARIOS: dict[str, Scenario] = {
    "smart-meter": smart_meter,
    "half-load": half_load,
    "websocket": websocket,
    "idle-connections": idle_connections,
    "start": start,
    "reads": reads,
    "history": history,
    "gateways": gateways,
    "rpc": rpc,
    "soak": soak,
}


def slope_per_hour(
    memory: Sequence[tuple[float, float]], *, warm_up_share: float = WARM_UP_SHARE
) -> float:
    """Return by how much memory grows in an hour: least squares, the warm-up left out."""
    begin_s = memory[-1][0] * warm_up_share
    settled = [(at_s, size) for at_s, size in memory if at_s >= begin_s]
    if len(settled) < 2:
        return 0.0
    mean_s = sum(at_s for at_s, _ in settled) / len(settled)
    mean = sum(size for _, size in settled) / len(settled)
    spread = sum((at_s - mean_s) ** 2 for at_s, _ in settled)
    return 3_600 * sum((at_s - mean_s) * (size - mean) for at_s, size in settled) / spread


def quarters(memory: Sequence[tuple[float, float]]) -> list[float]:
    """Return the mean of each quarter of the time."""
    end_s = memory[-1][0]
    found: list[list[float]] = [[], [], [], []]
    for at_s, size in memory:
        found[min(int(4 * at_s / end_s), 3) if end_s else 3].append(size)
    return [sum(sizes) / len(sizes) if sizes else 0.0 for sizes in found]


def _usual(results: Sequence[dict[str, Any]]) -> list[Measured]:
    return [
        Measured(Figure("PUBLISH to PUBACK, p50", "ms"), results_of("p50_ms", results)),
        Measured(Figure("PUBLISH to PUBACK, p99", "ms"), results_of("p99_ms", results)),
        Measured(Figure("server", "% of a core"), results_of("server_cpu_percent", results)),
        Measured(Figure("generator", "% of a core"), results_of("generator_cpu_percent", results)),
        Measured(Figure("server's peak memory", "MB"), results_of("peak_memory_mb", results)),
    ]


def _metered(
    bench: Bench,
    running: Server,
    tenant: Tenant,
    number: int,
    **more: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Run meters that are made for this run; checks that what was acknowledged is stored."""
    created = tenant.create_devices(bench.devices, f"meter-{number}")
    plan = bench.plan(running, list(created), **more)
    return _run(bench, tenant, plan, list(created.values()))


def _run(bench: Bench, tenant: Tenant, plan: Plan, device_ids: list[str]) -> dict[str, Any]:
    result = generate(plan)
    tenant.log_in()  # the soak is longer than a token lives
    first_ms, end_ms = result["first_ms"], result["last_ms"] + 1
    stored = sum(tenant.count_points(device_id, first_ms, end_ms) for device_id in device_ids)
    # What was sent and not acknowledged may be stored too: an acknowledgement can be on its way.
    if not POINTS * result["acknowledged"] <= stored <= POINTS * result["sent"]:
        msg = (
            f"{POINTS * result['acknowledged']:,} points were acknowledged and "
            f"{POINTS * result['sent']:,} sent, but {stored:,} are stored"
        )
        raise IncompleteError(msg)
    bench.say(
        f"  {result['messages_per_s']:,.0f} msg/s, p99 {result['p99_ms']:,.1f} ms; "
        f"{POINTS * result['acknowledged']:,} points acknowledged, {stored:,} stored"
    )
    return result
