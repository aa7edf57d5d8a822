"""The long form: ``python -m tests.fuzz --seconds 300 --only v1``."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.server import Server
from tests.fuzz.actors import actors_of
from tests.fuzz.driver import DIALECTS, fuzz
from tests.fuzz.mqtt_codec import fuzz_codec
from tests.fuzz.mqtt_server import ServerFuzz

TAIL = 20_000
"""Characters of the server's log that are shown after a failure."""


def main() -> int:
    """Fuzz one target after the other; returns the exit code."""
    targets: dict[str, Callable[[float, int], bool]] = {name: _api(name) for name in DIALECTS}
    targets |= {"mqtt-codec": _mqtt_codec, "mqtt": _mqtt}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="of each target")
    parser.add_argument("--only", choices=targets, help="only this one")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    chosen = [options.only] if options.only else list(targets)
    held = [targets[name](options.seconds, options.seed) for name in chosen]
    return int(not all(held))


def _api(dialect: str) -> Callable[[float, int], bool]:
    def run_it(seconds: float, seed: int) -> bool:
        with _server() as server:
            actors = actors_of(server)
            document = actors[0].session.get(f"{server.url}/openapi.json", timeout=60).json()
            run = fuzz(document, dialect, actors, seconds=seconds, seed=seed)
            print(run.report())
            if run.failures:
                print(server.log.read_text()[-TAIL:])
        return not run.failures

    return run_it


def _mqtt_codec(seconds: float, seed: int) -> bool:
    found = fuzz_codec(seed, seconds=seconds)
    print(f"mqtt-codec: {found.report()}")
    return not found.failures


def _mqtt(seconds: float, seed: int) -> bool:
    with _server() as server:
        found = ServerFuzz(server, seed).run(seconds=seconds)
    print(f"mqtt: {found.report()}")
    return not found.failures


@contextmanager
def _server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data")
        server.start()
        try:
            yield server
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
