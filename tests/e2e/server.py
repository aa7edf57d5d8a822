"""The real server in a process of its own, as a user starts it."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from random import SystemRandom
from typing import Any

import httpx

READY_TIMEOUT_S = 180.0
"""Far more than a start takes: other tests have the machine meanwhile."""


PORTS = range(16_000, 32_000)
"""Below those of outgoing connections (Linux: from 32768 on), one of which could take a port
between the moment it is picked and the moment a server that still starts listens on it."""


def free_port() -> int:
    """Return a TCP port that nothing listens on."""
    while True:
        port = SystemRandom().choice(PORTS)
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Server:
    """``fieldline serve --demo`` over one data folder; can be killed and started again."""

    def __init__(self, data_dir: Path, *, python: str = sys.executable, **settings: str) -> None:
        self.data_dir = data_dir
        self.http_port = free_port()
        self.mqtt_port = free_port()
        self.log = data_dir.parent / f"{data_dir.name}.log"
        self._python = python
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[httpx.Client] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "FIELDLINE_DATA_DIR": str(self.data_dir),
            "HTTP_BIND_PORT": str(self.http_port),
            "MQTT_BIND_PORT": str(self.mqtt_port),
            **self._settings,
        }

    def start(self, *arguments: str) -> float:
        """Start, wait for ``/readyz``, and return how many seconds that took."""
        begin = time.monotonic()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._python, "-m", "fieldline", "serve", *(arguments or ("--demo",))],
                env=self.environment,
                cwd=self.data_dir.parent,
                stdout=log,
                stderr=log,
            )
        # One client: making its TLS context takes longer than the question.
        with httpx.Client(timeout=1) as client:
            while time.monotonic() - begin < READY_TIMEOUT_S:
                if self._process.poll() is not None:
                    raise AssertionError(f"the server ended: {self.log.read_text()[-3000:]}")
                try:
                    if client.get(f"{self.url}/readyz").status_code == 200:
                        return time.monotonic() - begin
                except httpx.TransportError:
                    time.sleep(0.02)
        self.kill()
        raise AssertionError(f"not ready: {self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        """End the process as a power cut would: kill -9."""
        self._close_clients()
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    def stop(self) -> int:
        """Ask the process to stop and return its exit code."""
        self._close_clients()
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.terminate()
        return self._process.wait(20)

    def login(self, email: str = "tenant@thingsboard.org", password: str = "tenant") -> "Rest":
        """Log in over REST."""
        answer = httpx.post(
            f"{self.url}/api/auth/login", json={"username": email, "password": password}, timeout=10
        )
        answer.raise_for_status()
        rest = Rest(self.url, answer.json()["token"])
        self._clients.append(rest.http)
        return rest

    def _close_clients(self) -> None:
        while self._clients:
            self._clients.pop().close()


class Rest:
    """A logged-in REST client that fails the test on an error."""

    def __init__(self, url: str, token: str) -> None:
        self.token = token
        self.http = httpx.Client(
            base_url=url, headers={"X-Authorization": f"Bearer {token}"}, timeout=30
        )

    def get(self, path: str, **params: Any) -> Any:
        answer = self.http.get(path, params=params)
        assert answer.is_success, f"GET {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def post(self, path: str, body: object = None, **params: Any) -> Any:
        answer = self.http.post(path, json=body, params=params)
        assert answer.is_success, f"POST {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def upload(self, path: str, data: bytes, **params: Any) -> None:
        """Send a file as the part `file` of a form."""
        answer = self.http.post(path, files={"file": ("file.bin", data)}, params=params)
        assert answer.is_success, f"POST {path}: {answer.status_code} {answer.text}"

    def delete(self, path: str, **params: Any) -> None:
        answer = self.http.delete(path, params=params)
        assert answer.is_success, f"DELETE {path}: {answer.status_code} {answer.text}"

    def create_device(self, name: str, token: str) -> str:
        """Create a device with an access token and return its id."""
        device = self.post("/api/device", {"name": name}, accessToken=token)
        device_id: str = device["id"]["id"]
        return device_id
