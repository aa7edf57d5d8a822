"""`fieldline demo`: the recorded readings, stored exactly, with the alarms that they must raise."""

import csv
import gzip
import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import websockets.sync.client

from tests.e2e.server import Rest, Server

pytestmark = pytest.mark.e2e
DATA = Path(__file__).parents[2] / "src/fieldline/demo/data"
FILES = ("datatest", "datatest2", "datatraining")
WINTER_TIME = timezone(timedelta(hours=1))
KEYS = ("Temperature", "Humidity", "Light", "CO2", "HumidityRatio", "Occupancy")
LIMIT_PPM = 1000.0


@dataclass
class Alarm:
    start_ms: int
    clear_ms: int | None = None


def read_csv(stem: str) -> list[tuple[int, list[float]]]:
    """Read a file without the demo's own reader."""
    with gzip.open(DATA / f"{stem}.txt.gz", "rt") as file:
        lines = list(csv.reader(file))[1:]
    return [
        (
            int(datetime.fromisoformat(line[1]).replace(tzinfo=WINTER_TIME).timestamp()) * 1000,
            [float(text) for text in line[2:]],
        )
        for line in lines
    ]


def scan_for_alarms(rows: list[tuple[int, list[float]]]) -> list[Alarm]:
    alarms: list[Alarm] = []
    for ts_ms, values in rows:
        is_high = values[KEYS.index("CO2")] > LIMIT_PPM
        is_active = bool(alarms) and alarms[-1].clear_ms is None
        if is_high and not is_active:
            alarms.append(Alarm(ts_ms))
        elif not is_high and is_active:
            alarms[-1].clear_ms = ts_ms
    return alarms


def stored_rows(rest: Rest, device_id: str) -> list[tuple[int, list[Any]]]:
    series = rest.get(
        f"/api/v1/telemetry/DEVICE/{device_id}/values/timeseries",
        startTs=0, endTs=2_000_000_000_000, limit=50_000,
    )["data"]  # fmt: skip
    assert set(series) == set(KEYS)
    by_time: dict[int, dict[str, Any]] = {}
    for key, points in series.items():
        for point in points:
            by_time.setdefault(point["ts"], {})[key] = point["value"]
    return [(ts_ms, [by_time[ts_ms][key] for key in KEYS]) for ts_ms in sorted(by_time)]


def watch(server: Server, token: str, device_id: str, seen: list[tuple[int, str]]) -> None:
    """Collect every CO2 value that a WebSocket subscription shows."""
    url = f"ws://127.0.0.1:{server.http_port}/api/ws/plugins/telemetry?token={token}"
    with websockets.sync.client.connect(url) as socket:
        command = {"entityType": "DEVICE", "entityId": device_id, "keys": "CO2", "cmdId": 1}
        socket.send(json.dumps({"tsSubCmds": [command]}))
        while not seen or seen[-1][1] != "end":
            try:
                update = json.loads(socket.recv(timeout=60))
            except (TimeoutError, websockets.ConnectionClosed):
                return
            seen.extend((ts, value) for ts, value in update["data"].get("CO2", []) if value)


def test_demo_stores_every_row_and_raises_the_alarms_of_the_recording(server: Server) -> None:
    rest = server.login()
    first = _demo(server, "--prepare-only")
    assert first.returncode == 0, first.stderr
    devices = {d["name"]: d["id"] for d in rest.get("/api/v1/devices", search="occupancy")}
    seen: list[tuple[int, str]] = []
    watcher = threading.Thread(
        target=watch,
        args=(server, rest.token, devices["occupancy datatest"], seen),
        daemon=True,
    )
    watcher.start()

    result = _demo(server)

    assert result.returncode == 0, result.stderr
    assert "20,560" in result.stdout
    for stem in FILES:
        device_id = devices[f"occupancy {stem}"]
        expected = read_csv(stem)
        assert stored_rows(rest, device_id) == expected
        _assert_alarms_match(rest, device_id, scan_for_alarms(expected))
    expected_live = {(ts_ms, values[3]) for ts_ms, values in read_csv("datatest")}
    _wait_until(lambda: len(seen) >= len(expected_live))
    assert {(ts, float(value)) for ts, value in seen} >= expected_live


def _assert_alarms_match(rest: Rest, device_id: str, expected: list[Alarm]) -> None:
    page = rest.get(
        f"/api/alarm/DEVICE/{device_id}",
        pageSize=1000, page=0, sortProperty="startTs", sortOrder="ASC",
    )  # fmt: skip
    stored = [
        Alarm(alarm["startTs"], alarm["clearTs"] if alarm["cleared"] else None)
        for alarm in page["data"]
    ]
    assert stored == expected


def _demo(server: Server, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable, "-m", "fieldline", "demo",
            "--url", server.url, "--mqtt-port", str(server.mqtt_port), *options,
        ],
        capture_output=True, text=True, timeout=120, check=False, env=server.environment,
    )  # fmt: skip


def _wait_until(condition: Any, timeout_s: float = 20.0) -> None:
    waited = threading.Event()
    for _ in range(int(timeout_s * 50)):
        if condition():
            return
        waited.wait(0.02)
    raise AssertionError("waited in vain")
