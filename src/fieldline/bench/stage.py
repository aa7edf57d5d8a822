"""What a scenario works with: a server on an empty store, and load from a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from fieldline.bench.commands import CommandPlan
from fieldline.bench.gateways import GatewayPlan
from fieldline.bench.load import Plan
from fieldline.bench.platforms import Server, database, server
from fieldline.bench.results import Measured
from fieldline.bench.tenant import Tenant
from fieldline.kit.errors import FieldlineError

_KINDS = {Plan: "meters", GatewayPlan: "gateways", CommandPlan: "commands"}


class IncompleteError(FieldlineError):
    """Something that was acknowledged is not stored, or a connection failed."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a scenario is asked to do; sizes are smaller in short forms."""

    database: str = "sqlite"
    runs: int = 5
    seconds: float = 10.0
    warm_up_s: float = 3.0
    devices: int = 1_000
    window: int = 1
    rate: float = 0
    idle_connections: int = 15_000
    gateways: int = 100
    gateway_devices: int = 100
    commands: int = 5_000
    history_points: int = 1_000_000
    soak_s: float = 3_600.0
    say: Callable[[str], None] = print

    @property
    def is_sqlite(self) -> bool:
        return self.database == "sqlite"

    @contextmanager
    def platform(self, *, alarm_rule: bool = False) -> Iterator[tuple[Server, Tenant]]:
        """Start a server on an empty store and log in."""
        with database(self.database) as settings, server(settings) as running:
            tenant = Tenant(running.http_url)
            try:
                if alarm_rule:
                    tenant.add_alarm_rule()
                yield running, tenant
            finally:
                tenant.close()

    def plan(self, running: Server, tokens: list[str], **more: Any) -> Plan:  # noqa: ANN401
        """Return a plan of the usual length."""
        usual = {"window": self.window, "seconds": self.seconds, "warm_up_s": self.warm_up_s}
        return Plan(
            "127.0.0.1", running.mqtt_port, tokens, server_pid=running.pid, **{**usual, **more}
        )


Scenario = Callable[[Bench], list[Measured]]


def generate(plan: Plan | GatewayPlan | CommandPlan, *, may_fail: bool = False) -> dict[str, Any]:
    """Run the load generator in a process of its own.

    Args:
        plan: what it does.
        may_fail: whether its devices and commands may; the generator itself may not.

    Raises:
        IncompleteError: it failed, or a device or a command did.
    """
    command = [sys.executable, "-m", "fieldline.bench.generator", _KINDS[type(plan)]]
    done = subprocess.run(  # noqa: S603 - our own command
        command, input=json.dumps(asdict(plan)), capture_output=True, text=True, check=False
    )
    if done.returncode:
        msg = f"The load generator failed: {done.stderr[-2000:]}"
        raise IncompleteError(msg)
    result: dict[str, Any] = json.loads(done.stdout)
    failures = result["failures"]
    if failures and not may_fail:
        msg = f"There were {len(failures)} failures, the first of them: {failures[0]}"
        raise IncompleteError(msg)
    return result
