"""A real Mosquitto: somebody else's broker, which can be killed and started again."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from tests.e2e.server import free_port
from tests.programs import PATH, require

START_S = 60.0
"""Far more than a start takes: other tests have the machine meanwhile."""


class Mosquitto:
    """A broker on a port of its own; ``lines`` are added to its configuration.

    What clients with sessions are owed survives a restart.
    """

    def __init__(self, folder: Path, *lines: str) -> None:
        require("mosquitto", "mosquitto_pub")
        self.port = free_port()
        self.folder = folder / f"mosquitto-{self.port}"
        self.folder.mkdir()
        self._process: subprocess.Popen[bytes] | None = None
        given = "\n".join(lines)
        if "allow_anonymous" not in given:
            given += "\nallow_anonymous true"
        # Root would become another user, who cannot write there.
        user = "user root\n" if os.geteuid() == 0 else ""
        (self.folder / "conf").write_text(
            f"{user}listener {self.port} 127.0.0.1\npersistence true\n"
            f"persistence_location {self.folder}/\nmax_queued_messages 0\n{given}\n"
        )

    def start(self) -> None:
        program = shutil.which("mosquitto", path=PATH)
        assert program is not None
        log_path = self.folder / "log"
        with log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-v", "-c", str(self.folder / "conf")], stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_S
        while True:
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._process.poll() is None, log_path.read_text()[-2000:]
            assert time.monotonic() < deadline, "Mosquitto does not listen"
            time.sleep(0.01)

    def stop(self) -> None:
        """Let it end, and write down what it owes."""
        self._end(is_kill=False)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(is_kill=True)

    def pause(self) -> None:
        """Stand still, as on a machine that is busy; connections stay."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def publish(
        self,
        topic: str,
        *payloads: str,
        qos: int = 1,
        retain: bool = False,
        options: Iterable[str] = (),
    ) -> None:
        """Publish messages, one after the other; with QoS 1 and 2 the broker has them then."""
        program = shutil.which("mosquitto_pub", path=PATH)
        assert program is not None
        subprocess.run(
            [
                program,
                *("-p", str(self.port), "-q", str(qos), "-t", topic, "-l"),
                *(["-r"] if retain else []),
                *options,
            ],
            input="\n".join(payloads).encode(),
            check=True,
            timeout=START_S,
        )

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _end(self, *, is_kill: bool) -> None:
        if self._process is not None:
            if is_kill:
                self._process.kill()
            else:
                self._process.terminate()
            self._process.wait(START_S)
            self._process = None
