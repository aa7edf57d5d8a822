"""A Fieldline server for a benchmark: started in an empty folder, reached over REST."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 60.0
KEYS = "pulseCounter,leakage,batteryLevel"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; ``start_s`` is the time from the command to ``/readyz``."""

    pid: int
    data_dir: Path
    http_url: str
    mqtt_url: str
    start_s: float


@contextmanager
def server() -> Iterator[Server]:
    """Start ``fieldline serve --demo`` in an empty data folder; stop it at the end.

    Stores are chosen by the environment, as always (POSTGRES_* and so on).
    """
    http_port, mqtt_port = _free_port(), _free_port()
    with tempfile.TemporaryDirectory(prefix="fieldline-bench-") as folder:
        environment = {
            **os.environ,
            "FIELDLINE_DATA_DIR": folder,
            "HTTP_BIND_PORT": str(http_port),
            "MQTT_BIND_PORT": str(mqtt_port),
        }
        command = [str(Path(sys.executable).with_name("fieldline")), "serve", "--demo"]
        started = time.perf_counter()
        log = Path(folder, "server.log").open("wb")  # noqa: SIM115 - the process writes to it
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=folder, env=environment, stdout=log, stderr=log
        )
        try:
            url = f"http://127.0.0.1:{http_port}"
            _await_ready(process, url, started, Path(folder, "server.log"))
            start_s = round(time.perf_counter() - started, 2)
            yield Server(process.pid, Path(folder), url, f"mqtt://127.0.0.1:{mqtt_port}", start_s)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            log.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_ready(process: "subprocess.Popen[bytes]", url: str, started: float, log: Path) -> None:
    while time.perf_counter() - started < START_TIMEOUT_S:
        if process.poll() is not None:
            raise SystemExit(f"the server ended at once:\n{log.read_text()[-2000:]}")
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.02)
    raise SystemExit(f"the server was not ready within {START_TIMEOUT_S:.0f} s")


class Tenant:
    """The demo's tenant administrator."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=60)
        body = {"username": "tenant@thingsboard.org", "password": "tenant"}
        answer = self._client.post("/api/auth/login", json=body).raise_for_status()
        self._client.headers["X-Authorization"] = f"Bearer {answer.json()['token']}"

    def create_devices(self, count: int, prefix: str) -> dict[str, str]:
        """Create devices ``prefix-0`` ..., each with its name as access token; token -> id."""
        created = {}
        for number in range(count):
            token = f"{prefix}-{number}"
            answer = self._client.post(
                "/api/device", params={"accessToken": token}, json={"name": token}
            ).raise_for_status()
            created[token] = answer.json()["id"]["id"]
        return created

    def count_points(self, device_id: str, start_ms: int, end_ms: int) -> dict[str, int]:
        """Count the stored points of each key of a device in ``[start_ms, end_ms)``."""
        query = {
            "keys": KEYS,
            "startTs": str(start_ms),
            "endTs": str(end_ms),
            "agg": "COUNT",
            "interval": str(max(end_ms - start_ms, 1000)),
        }
        path = f"/api/plugins/telemetry/DEVICE/{device_id}/values/timeseries"
        found = self._client.get(path, params=query).raise_for_status().json()
        return {key: sum(int(point["value"]) for point in points) for key, points in found.items()}

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
