"""The load generator's process: takes a plan as JSON, gives the result as a line of JSON.

``python -m fieldline.bench.generator < plan.json``. It has a process of its own, so that on a
machine with two cores one is left to the server.
"""

import json
import resource
import sys

import uvloop

from fieldline.bench.load import Plan, run


def main() -> None:
    """Run the plan on standard input."""
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    plan = Plan(**json.load(sys.stdin))
    print(json.dumps(uvloop.run(run(plan)).to_json()))  # noqa: T201 - its output


if __name__ == "__main__":
    main()
