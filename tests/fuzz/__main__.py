"""The long form: ``python -m tests.fuzz --seconds 300 --dialect v1``."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.e2e.server import Server
from tests.fuzz.actors import actors_of
from tests.fuzz.driver import DIALECTS, fuzz


def main() -> int:
    """Fuzz the dialects one after the other; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="of each dialect")
    parser.add_argument("--dialect", choices=DIALECTS, help="only this one")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    failed = False
    for dialect in [options.dialect] if options.dialect else DIALECTS:
        with tempfile.TemporaryDirectory() as folder:
            server = Server(Path(folder) / "data")
            server.start()
            try:
                actors = actors_of(server)
                document = actors[0].session.get(f"{server.url}/openapi.json", timeout=60).json()
                run = fuzz(document, dialect, actors, seconds=options.seconds, seed=options.seed)
            finally:
                server.stop()
            print(run.report())
            failed = failed or bool(run.failures)
            if run.failures:
                print(server.log.read_text()[-20_000:])
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
