"""The load generator.

``python -m benchmarks.ingest --url mqtt://127.0.0.1:1883 --tokens tokens.txt --seconds 10``; the
result is one line of JSON.
"""

import argparse
import json
import resource
import sys
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from benchmarks.ingest.load import Plan, run


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--url", default="mqtt://127.0.0.1:1883", help="the server")
    parser.add_argument("--tokens", type=Path, help="file with one device token a line")
    parser.add_argument("--connections", type=int, default=100, help="made-up tokens without one")
    parser.add_argument("--window", type=int, default=1, help="publishes in flight per connection")
    parser.add_argument("--seconds", type=float, default=10.0, help="measured time")
    parser.add_argument("--warm-up", type=float, default=2.0, help="seconds before that")
    parser.add_argument("--pid", type=int, help="the server's process, to measure what it uses")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    url = urlsplit(arguments.url)
    if arguments.tokens is not None:
        tokens = arguments.tokens.read_text().split()
    else:
        tokens = [f"bench-{number}" for number in range(arguments.connections)]
    plan = Plan(
        host=url.hostname or "127.0.0.1",
        port=url.port or 1883,
        tokens=tokens,
        window=arguments.window,
        seconds=arguments.seconds,
        warm_up_s=arguments.warm_up,
        server_pid=arguments.pid,
    )
    result = uvloop.run(run(plan))
    print(json.dumps(result.to_json()))
    return 1 if result.failures else 0


if __name__ == "__main__":
    sys.exit(main())
