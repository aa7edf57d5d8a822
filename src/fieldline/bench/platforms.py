"""A Fieldline server for a benchmark: started in an empty folder, with a database of its own."""

import os
import resource
import shutil
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

from fieldline.kit.errors import Unavailable

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 60.0
POSTGRESQL_BINARIES = "/usr/lib/postgresql"
"""Where Debian's packages put them, a folder for each version."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; ``start_s`` is the time from the command to ``/readyz``."""

    pid: int
    data_dir: Path
    http_url: str
    mqtt_port: int
    start_s: float


@contextmanager
def database(kind: str) -> Iterator[dict[str, str]]:
    """Give the settings of a store: none for SQLite; a server of our own for PostgreSQL.

    POSTGRES_SERVER in the environment names one that runs already; its database must be empty.

    Raises:
        Unavailable: PostgreSQL is asked for and not installed.
    """
    if kind == "sqlite":
        yield {}
    elif "POSTGRES_SERVER" in os.environ:
        given = {name: text for name, text in os.environ.items() if name.startswith("POSTGRES_")}
        yield given | {"AUTO_MIGRATE": "true"}
    else:
        with _postgresql() as port:
            yield {
                "POSTGRES_SERVER": "127.0.0.1",
                "POSTGRES_PORT": str(port),
                "POSTGRES_USER": "fieldline",
                "POSTGRES_DB": "postgres",
                "AUTO_MIGRATE": "true",
            }


@contextmanager
def _postgresql() -> Iterator[int]:
    """Start a PostgreSQL with its own settings as they come (fsync on); gives its port."""
    found = sorted(Path(POSTGRESQL_BINARIES).glob("*/bin"), key=lambda path: path.parent.name)
    if not found:
        msg = (
            f"No PostgreSQL under {POSTGRESQL_BINARIES}; install the package postgresql, or name a "
            "server by POSTGRES_SERVER"
        )
        raise Unavailable(msg)
    port = free_port()
    # PostgreSQL does not run as root.
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="fieldline-bench-postgresql-"))
    if user is not None:
        shutil.chown(folder, user)
    data = folder / "data"
    log = (folder / "log").open("wb")
    try:
        initdb = [str(found[-1] / "initdb"), "-D", str(data), "-U", "fieldline", "-A", "trust"]
        subprocess.run(initdb, user=user, stdout=log, stderr=log, check=True)  # noqa: S603
        command = [str(found[-1] / "postgres"), "-D", str(data), "-p", str(port), "-k", str(folder)]
        process = subprocess.Popen(command, user=user, stdout=log, stderr=log)  # noqa: S603
        try:
            _await_port(port)
            yield port
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(STOP_TIMEOUT_S)
    finally:
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def server(settings: dict[str, str], data_dir: Path | None = None) -> Iterator[Server]:
    """Start ``fieldline serve --demo``, in an empty data folder unless one is given; stop it then.

    Raises:
        Unavailable: it ends at once, or is not ready in a minute.
    """
    with tempfile.TemporaryDirectory(prefix="fieldline-bench-") as temporary:
        folder = data_dir or Path(temporary)
        http_port, mqtt_port = free_port(), free_port()
        environment = {
            **os.environ,
            **settings,
            "FIELDLINE_DATA_DIR": str(folder),
            "HTTP_BIND_PORT": str(http_port),
            "MQTT_BIND_PORT": str(mqtt_port),
        }
        command = [sys.executable, "-m", "fieldline", "serve", "--demo"]
        log_path = Path(temporary, "server.log")
        _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
        with log_path.open("wb") as log:
            started = time.perf_counter()
            process = subprocess.Popen(  # noqa: S603 - our own command
                command, cwd=temporary, env=environment, stdout=log, stderr=log
            )
            try:
                url = f"http://127.0.0.1:{http_port}"
                _await_ready(process, url, started, log_path)
                start_s = round(time.perf_counter() - started, 2)
                yield Server(process.pid, folder, url, mqtt_port, start_s)
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(STOP_TIMEOUT_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_port(port: int) -> None:
    started = time.perf_counter()
    while time.perf_counter() - started < START_TIMEOUT_S:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    msg = f"PostgreSQL did not start within {START_TIMEOUT_S:.0f} s"
    raise Unavailable(msg)


def _await_ready(process: "subprocess.Popen[bytes]", url: str, started: float, log: Path) -> None:
    while time.perf_counter() - started < START_TIMEOUT_S:
        if process.poll() is not None:
            msg = f"The server ended at once: {log.read_text()[-2000:]}"
            raise Unavailable(msg)
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.02)
    msg = f"The server was not ready within {START_TIMEOUT_S:.0f} s"
    raise Unavailable(msg)
