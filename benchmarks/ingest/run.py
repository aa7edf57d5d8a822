"""The benchmark of readings over MQTT, from a fresh server to a table.

``python -m benchmarks.ingest.run --connections 100 --window 10 --runs 3``: starts a server in an
empty folder, creates devices over REST, runs the load generator in a process of its own, and counts
in the store what was acknowledged. Every run has devices of its own.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Any

from benchmarks.ingest.device import POINTS
from benchmarks.ingest.platform import Server, Tenant, server
from benchmarks.saving import save

_COLUMNS = (
    ("messages_per_s", "msg/s"),
    ("points_per_s", "points/s"),
    ("p50_ms", "p50 ms"),
    ("p99_ms", "p99 ms"),
    ("messages_per_cpu_s", "msg/CPU-s"),
    ("server_peak_memory_mb", "peak MB"),
)


@dataclass(frozen=True, slots=True)
class Case:
    """What one run is asked to do."""

    connections: int
    window: int
    seconds: float
    warm_up_s: float


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest.run", description=__doc__)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--window", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=10.0, help="measured time of a run")
    parser.add_argument("--warm-up", type=float, default=2.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--name", default="ingest", help="of the file in benchmarks/results")
    parser.add_argument("--at-least", type=float, help="fail when the median msg/s is below")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    case = Case(arguments.connections, arguments.window, arguments.seconds, arguments.warm_up)
    with server() as running:
        print(f"the server was ready after {running.start_s} s")
        results = [_run(running, case, number) for number in range(arguments.runs)]
    _print_table(results)
    path = save(
        f"{arguments.name}-{case.connections}x{case.window}",
        connections=case.connections,
        window=case.window,
        runs=results,
    )
    print(f"written to {path}")
    if not all(result["is_complete"] for result in results):
        print("FAILED: not everything that was acknowledged is stored, or a connection failed")
        return 1
    if arguments.at_least and _median(results, "messages_per_s") < arguments.at_least:
        print(f"FAILED: the median is below {arguments.at_least:g} msg/s")
        return 1
    return 0


def _run(running: Server, case: Case, number: int) -> dict[str, Any]:
    tenant = Tenant(running.http_url)
    try:
        devices = tenant.create_devices(case.connections, f"bench-{number}")
        result = _generate(running, case, list(devices))
        stored = _stored_points(tenant, devices, result)
    finally:
        tenant.close()
    result["stored_points"] = stored
    result["acknowledged_points"] = result["acknowledged"] * POINTS
    # What was sent and not acknowledged may be stored too: an acknowledgement can be on its way.
    result["is_complete"] = (
        result["acknowledged_points"] <= stored <= result["sent"] * POINTS
        and not result["failures"]
    )
    print(
        f"run {number + 1}: {result['messages_per_s']} msg/s; acknowledged "
        f"{result['acknowledged_points']} points, stored {stored}"
    )
    return result


def _generate(running: Server, case: Case, tokens: list[str]) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(tokens))
        file.flush()
        command = [sys.executable, "-m", "benchmarks.ingest", "--url", running.mqtt_url]
        command += ["--tokens", file.name, "--window", str(case.window)]
        command += ["--seconds", str(case.seconds), "--warm-up", str(case.warm_up_s)]
        command += ["--pid", str(running.pid)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if not done.stdout.strip():
        raise SystemExit(f"the load generator failed:\n{done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def _stored_points(tenant: Tenant, devices: dict[str, str], result: dict[str, Any]) -> int:
    first_ms, end_ms = result["first_ms"], result["last_ms"] + 1
    return sum(
        sum(tenant.count_points(device_id, first_ms, end_ms).values())
        for device_id in devices.values()
    )


def _median(results: list[dict[str, Any]], name: str) -> float:
    return statistics.median(result[name] or 0 for result in results)


def _print_table(results: list[dict[str, Any]]) -> None:
    print(f"{'':12}" + "".join(f"{title:>12}" for _, title in _COLUMNS))
    for title, choose in (("median", statistics.median), ("least", min), ("most", max)):
        row = "".join(
            f"{choose([result[name] or 0 for result in results]):>12,.1f}" for name, _ in _COLUMNS
        )
        print(f"{title:12}{row}")


if __name__ == "__main__":
    sys.exit(main())
