"""The load generator's process: takes a plan as JSON, gives the result as a line of JSON.

``python -m fieldline.bench.generator meters < plan.json``. It has a process of its own, so that on
a machine with two cores one is left to the server.
"""

import json
import resource
import sys
from collections.abc import Callable
from typing import Any

import uvloop

from fieldline.bench import commands, gateways, load

KINDS: dict[str, tuple[Callable[..., Any], Callable[[Any], Any]]] = {
    "meters": (load.Plan, load.run),
    "gateways": (gateways.GatewayPlan, gateways.run),
    "commands": (commands.CommandPlan, commands.run),
}
"""What can be driven: its plan, and what runs it."""


def main() -> None:
    """Run the plan on standard input."""
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    plan, run = KINDS[sys.argv[1]]
    print(json.dumps(uvloop.run(run(plan(**json.load(sys.stdin)))).to_json()))  # noqa: T201 - its output


if __name__ == "__main__":
    main()
