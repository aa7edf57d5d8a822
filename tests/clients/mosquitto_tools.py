"""Mosquitto's command line clients as processes: mosquitto_pub and mosquitto_sub."""

import shutil
import subprocess

from tests.clients.device import WAIT_S
from tests.programs import PATH, require

VERSIONS = ["mqttv31", "mqttv311", "mqttv5"]


class Tools:
    """The two programs, told once where the server is and who they are."""

    def __init__(self, port: int, username: str, version: str, *options: str) -> None:
        require("mosquitto_pub")
        self._given = ("-p", str(port), "-u", username, "-V", version, *options)
        self._started: list[subprocess.Popen[bytes]] = []

    def publish(self, topic: str, *payloads: str, options: tuple[str, ...] = ()) -> str:
        """Publish one message after the other; returns what was said of errors."""
        many = len(payloads) > 1
        how = ("-l",) if many else ("-m", payloads[0])
        done = subprocess.run(
            [*self._command("mosquitto_pub"), "-t", topic, *how, *options],
            input="\n".join(payloads).encode() if many else None,
            capture_output=True,
            timeout=WAIT_S,
            check=False,
        )
        return done.stderr.decode() or str(done.returncode or "")

    def subscribe(self, *filters: str, options: tuple[str, ...] = ()) -> "subprocess.Popen[bytes]":
        """Start to listen; ends by itself with ``-C``, else with :meth:`stop`."""
        topics = [part for each in filters for part in ("-t", each)]
        process = subprocess.Popen(
            [*self._command("mosquitto_sub"), *topics, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._started.append(process)
        return process

    def stop(self) -> None:
        """End what still runs."""
        for process in self._started:
            process.kill()
            process.communicate()

    def _command(self, program: str) -> list[str]:
        found = shutil.which(program, path=PATH)
        assert found is not None
        return [found, "-h", "localhost", *self._given]
