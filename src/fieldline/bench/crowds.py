"""Scenarios with many devices behind gateways, and with many commands under way."""

from typing import Any

from fieldline.bench.commands import CommandPlan
from fieldline.bench.gateways import GatewayPlan, device_names
from fieldline.bench.meter import POINTS
from fieldline.bench.results import Figure, Measured, results_of
from fieldline.bench.stage import Bench, IncompleteError, generate
from fieldline.bench.tenant import Tenant


def gateways(bench: Bench) -> list[Measured]:
    """10,000 devices behind 100 gateways: brought in from nothing, once more, then sending."""
    must, aim = (8_000, 12_000) if bench.is_sqlite else (11_111, 20_000)
    results = []
    for _ in range(bench.runs):
        # The devices are new once only in a store.
        with bench.platform() as (running, tenant):
            tokens = list(
                tenant.create_devices(bench.gateways, "gateway", additionalInfo={"gateway": True})
            )
            plan = GatewayPlan(
                "127.0.0.1",
                running.mqtt_port,
                tokens,
                bench.gateway_devices,
                bench.window,
                bench.seconds,
                bench.warm_up_s,
                running.pid,
            )
            result = generate(plan)
            _check_stored(bench, tenant, plan, result)
            results.append(result)
    count = bench.gateways * bench.gateway_devices
    return [
        Measured(Figure("all new devices in", "s", 120, 30), results_of("new_s", results)),
        Measured(Figure("all known devices in", "s", 15, 5), results_of("known_s", results)),
        Measured(
            Figure("memory per device", "KB", 15, 7),
            [(r["memory_after"] - r["memory_before"]) / count / 1_000 for r in results],
        ),
        Measured(
            Figure("readings", "1/s", must, aim, is_more_better=True),
            results_of("readings_per_s", results),
        ),
        Measured(
            Figure("points", "points/s", is_more_better=True), results_of("points_per_s", results)
        ),
        Measured(
            Figure("messages", "msg/s", is_more_better=True),
            results_of("messages_per_s", results),
        ),
        Measured(Figure("PUBLISH to PUBACK, p50", "ms"), results_of("p50_ms", results)),
        Measured(Figure("PUBLISH to PUBACK, p99", "ms"), results_of("p99_ms", results)),
        Measured(Figure("server", "% of a core"), results_of("server_cpu_percent", results)),
        Measured(Figure("generator", "% of a core"), results_of("generator_cpu_percent", results)),
        Measured(Figure("server's peak memory", "MB"), results_of("peak_memory_mb", results)),
    ]


def _check_stored(bench: Bench, tenant: Tenant, plan: GatewayPlan, result: dict[str, Any]) -> None:
    """Count what is stored of each device: exactly what was acknowledged, for all was."""
    ids = tenant.device_ids()
    names = [name for token in plan.tokens for name in device_names(token, plan.devices)]
    missing = [name for name in names if name not in ids]
    if missing:
        msg = f"{len(missing)} devices were acknowledged and are not there, {missing[0]} for one"
        raise IncompleteError(msg)
    first_ms, end_ms = result["first_ms"], result["last_ms"] + 1
    stored = sum(tenant.count_points(ids[name], first_ms, end_ms) for name in names)
    if stored != POINTS * result["readings"]:
        msg = f"{POINTS * result['readings']:,} points were acknowledged, but {stored:,} are stored"
        raise IncompleteError(msg)
    bench.say(
        f"  {len(names):,} devices in {result['new_s']:.1f} s, known ones in "
        f"{result['known_s']:.1f} s; {result['readings_per_s']:,.0f} readings/s, "
        f"p99 {result['p99_ms']:,.1f} ms; {stored:,} points acknowledged and stored"
    )


def rpc(bench: Bench) -> list[Measured]:
    """5,000 commands under way at once: two-way ones, then persistent ones of absent devices."""
    results = []
    with bench.platform() as (running, tenant):
        for number in range(bench.runs):
            devices = tenant.create_devices(min(bench.devices, bench.commands), f"rpc-{number}")
            plan = CommandPlan(
                "127.0.0.1",
                running.mqtt_port,
                running.http_url,
                tenant.token,
                devices,
                bench.commands,
                running.pid,
            )
            result = generate(plan)
            results.append(result)
            bench.say(
                f"  {bench.commands:,} commands at their devices in {result['out_s']:.1f} s, "
                f"answered in {result['answered_s']:.1f} s; persistent ones kept in "
                f"{result['kept_s']:.1f} s, done in {result['done_s']:.1f} s"
            )
    return [
        Measured(Figure("all under way", "s", 20, 10), results_of("out_s", results)),
        Measured(Figure("all answered", "s", 10, 5), results_of("answered_s", results)),
        Measured(
            Figure("memory per command under way", "KB", 100, 50),
            [
                (result["memory_out"] - result["memory_before"]) / bench.commands / 1_000
                for result in results
            ],
        ),
        Measured(Figure("all persistent ones kept", "s", 60, 20), results_of("kept_s", results)),
        Measured(Figure("all persistent ones done", "s", 60, 20), results_of("done_s", results)),
        Measured(Figure("server's peak memory", "MB"), results_of("peak_memory_mb", results)),
    ]
