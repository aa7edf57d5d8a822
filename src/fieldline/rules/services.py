"""The platform's parts as rule nodes see them, wired by ``app``."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from fieldline.domains.api_usage.counters import Usage
from fieldline.domains.event.record import Records
from fieldline.domains.rpc.command import Command, OnAnswer
from fieldline.domains.telemetry.submitted import Submitted, Then
from fieldline.kit.clock import Clock
from fieldline.messaging.bus import Bus
from fieldline.rules.alarms import Alarms
from fieldline.rules.backlog import Backlog
from fieldline.rules.relations import Relations
from fieldline.rules.scripts.pool import ScriptPool
from fieldline.timeseries.writer import Saves


class Evaluates(Protocol):
    """Feeds values that are about to be stored to alarm rules (``rules.fields`` implements it)."""

    def submit(self, submitted: Submitted, then: Then) -> None:
        """Evaluate, then call ``then``, which stores; in the order of the calls per entity."""


class Downlink(Protocol):
    """The way to devices (``ingest.door.Door``)."""

    def send_rpc(self, command: Command, then: OnAnswer) -> None:
        """Send a command; ``then`` is called with what becomes of it, once."""

    def answer_client_rpc(self, device_id: UUID, request_id: int, answer: bytes) -> bool:
        """Answer the RPC of a device; False when it does not wait any more."""


@dataclass(frozen=True, slots=True)
class RuleServices:
    """Everything that nodes may use.

    ``usage`` counts executions; ``records`` takes events, None where nobody keeps them.
    """

    writer: Saves
    evaluator: Evaluates
    alarms: Alarms
    relations: Relations
    scripts: ScriptPool
    bus: Bus
    clock: Clock
    backlog: Backlog
    downlink: Downlink
    usage: Usage
    records: Records | None = None
