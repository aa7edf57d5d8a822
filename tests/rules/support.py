"""What tests of rules run on: real engine and nodes, a memory of what was saved."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from fieldline.domains.alarm.changes import Clear, Raise, Stored
from fieldline.domains.api_usage.counters import Usage
from fieldline.domains.event.record import Record as EventRecord
from fieldline.domains.event.record import Records
from fieldline.domains.relation.kinds import Wanted
from fieldline.domains.rpc.command import Command, OnAnswer
from fieldline.domains.rule_chain.graph import ChainGraph, Connection, GraphNode, NodeDebug
from fieldline.domains.telemetry.submitted import Submitted, Then
from fieldline.kit.clock import ManualClock
from fieldline.kit.errors import Unavailable
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.kit.values import Value
from fieldline.messaging.backends.memory import MemoryBus
from fieldline.messaging.message import Message
from fieldline.messaging.receipt import Receipt
from fieldline.rules.alarms import Alarms
from fieldline.rules.backlog import Backlog
from fieldline.rules.engine import EngineLimits, RuleEngine
from fieldline.rules.lanes import AsyncLimits
from fieldline.rules.node import AsyncNode, Context, EmptyConfig, Node, Outcome, follow
from fieldline.rules.registry import NodeType, Registry, discover
from fieldline.rules.relations import Relations
from fieldline.rules.scripts.pool import ScriptPool
from fieldline.rules.scripts.sandbox import ScriptLimits
from fieldline.rules.services import RuleServices
from fieldline.rules.tenant import TenantGraphs
from fieldline.rules.tenants import RetryDelays
from fieldline.timeseries.saves import OnAttributesSaved, OnSaved
from fieldline.timeseries.store import Scope
from tests.waiting import until

TENANT = UUID("00000000-0000-7000-8000-000000000001")


@dataclass(slots=True)
class SavedReadings:
    entity: EntityRef
    ts_ms: int
    values: Mapping[str, Value]
    to_history: bool
    to_latest: bool
    notify: bool
    on_saved: OnSaved | None


@dataclass(slots=True)
class SavedAttributes:
    entity: EntityRef
    scope: Scope
    values: Mapping[str, Value]
    only_changed: bool
    notify_device: bool
    on_saved: OnAttributesSaved | None


class HeldWriter:
    """A writer whose commits are made by the test."""

    def __init__(self) -> None:
        self.readings: list[SavedReadings] = []
        self.attributes: list[SavedAttributes] = []

    is_full = False

    def when_room(self, callback: Callable[[], None]) -> None:
        callback()

    def save_readings(
        self,
        tenant_id: UUID,
        entity: EntityRef,
        ts_ms: int,
        values: Mapping[str, Value],
        on_saved: OnSaved | None = None,
        *,
        to_history: bool = True,
        to_latest: bool = True,
        notify: bool = True,
    ) -> None:
        self.readings.append(
            SavedReadings(entity, ts_ms, values, to_history, to_latest, notify, on_saved)
        )

    def save_attributes(
        self,
        tenant_id: UUID,
        entity: EntityRef,
        scope: Scope,
        values: Mapping[str, Value],
        on_saved: OnAttributesSaved | None = None,
        *,
        only_changed: bool = False,
        notify_device: bool = True,
    ) -> None:
        self.attributes.append(
            SavedAttributes(entity, scope, values, only_changed, notify_device, on_saved)
        )

    async def flush(self) -> None:
        self.commit()

    def commit(self, error: Exception | None = None) -> None:
        """Call back everything that was given since the last commit."""
        for reading in self.readings:
            on_saved, reading.on_saved = reading.on_saved, None
            if on_saved:
                on_saved(error)
        for attributes in self.attributes:
            on_written, attributes.on_saved = attributes.on_saved, None
            if on_written:
                on_written(set() if error else set(attributes.values), error)


class NoRules:
    """Alarm rules of nobody: values go straight on; they are noted."""

    def __init__(self) -> None:
        self.submitted: list[Submitted] = []

    def submit(self, submitted: Submitted, then: Then) -> None:
        self.submitted.append(submitted)
        then()


class NoAlarms:
    """Refuses every alarm: for tests that are not about alarms."""

    async def active_details(
        self, originator: EntityRef, alarm_type: str
    ) -> Mapping[str, Any] | None:
        raise NotImplementedError

    async def apply(self, change: Raise | Clear) -> Stored:
        raise NotImplementedError


class NoRelations:
    """There are none."""

    async def exists(self, tenant_id: UUID, wanted: Wanted) -> bool:
        del tenant_id, wanted
        return False


@dataclass
class KeptRecords:
    """Takes records of events, and keeps them."""

    kept: list[EventRecord] = field(default_factory=list)
    admitted: bool = True

    def admits(self, tenant_id: UUID, rule_chain_id: UUID) -> bool:
        return self.admitted

    def put(self, record: EventRecord) -> None:
        self.kept.append(record)

    def told(self, node_id: UUID) -> list[tuple[str | None, str | None]]:
        """Return direction and relation of what was recorded of a node."""
        return [(each.direction, each.relation) for each in self.kept if each.entity.id == node_id]


@dataclass
class Record:
    rule_chain_id: UUID | None = None


@dataclass
class Devices:
    """A directory of devices; what is not ``cached`` is found only by asking."""

    cached: dict[UUID, Record] = field(default_factory=dict)
    stored: dict[UUID, Record] = field(default_factory=dict)
    gate: asyncio.Event | None = None
    default: Record | None = field(default_factory=Record)

    def cached_by_id(self, device_id: UUID, /) -> Record | None:
        return self.cached.get(device_id, self.default)

    async def by_id(self, device_id: UUID, /) -> Record | None:
        if self.gate is not None:
            await self.gate.wait()
        return self.stored.get(device_id)


class Tap(Node[EmptyConfig]):
    """Notes what comes to it, and follows Success."""

    name = "tap"
    type = "test.Tap"

    def __init__(self, config: EmptyConfig) -> None:
        super().__init__(config)
        self.seen: list[Message] = []

    async def start(self, context: Context) -> None:
        TAPS[context.node_name] = self

    def process(self, message: Message, context: Context) -> Outcome:
        self.seen.append(message)
        return follow("Success", message)


TAPS: dict[str, Tap] = {}
"""The taps by the names of their nodes; the last one started of a name."""
TAP: tuple[str, dict[str, Any]] = (Tap.type, {})
"""A tap, for :func:`graph`."""


class Fails(Node[EmptyConfig]):
    """Raises what its name says."""

    name = "fails"
    type = "test.Fails"

    def process(self, message: Message, context: Context) -> Outcome:
        del message
        raise Unavailable(f"{context.node_name} is out of order")


class SentDownlink:
    """The way to devices that are not there: remembers what was to go it."""

    def __init__(self) -> None:
        self.sent: list[tuple[Command, OnAnswer]] = []
        self.answers: list[tuple[UUID, int, bytes]] = []
        self.waiting: set[int] = set()

    def send_rpc(self, command: Command, then: OnAnswer) -> None:
        self.sent.append((command, then))

    def answer_client_rpc(self, device_id: UUID, request_id: int, answer: bytes) -> bool:
        self.answers.append((device_id, request_id, answer))
        return request_id in self.waiting


@dataclass
class World:
    """An engine with everything that it needs, and the chains that it finds stored."""

    clock: ManualClock = field(default_factory=ManualClock)
    bus: MemoryBus = field(default_factory=MemoryBus)
    writer: Any = field(default_factory=HeldWriter)
    evaluator: NoRules = field(default_factory=NoRules)
    alarms: Alarms = field(default_factory=NoAlarms)
    relations: Relations = field(default_factory=NoRelations)
    devices: Devices = field(default_factory=Devices)
    graphs: list[ChainGraph] = field(default_factory=list)
    execution_limit: int = 0
    node_types: list[type[Node[Any]] | type[AsyncNode[Any]]] = field(default_factory=list)
    limits: EngineLimits = field(
        default_factory=lambda: EngineLimits(
            nodes=AsyncLimits(timeout_s=5.0), delays=RetryDelays(0.0, 0.0)
        )
    )
    script_limits: ScriptLimits = field(default_factory=ScriptLimits)
    backlog_limit: int = 1_000
    records: Records | None = None
    downlink: "SentDownlink" = field(default_factory=SentDownlink)
    loads: int = 0
    load_errors: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        TAPS.clear()
        self.backlog = Backlog(self.backlog_limit)
        self.usage = Usage(self.clock.now_ms())
        self.scripts = ScriptPool(self.clock, self.backlog, self.usage, self.script_limits)
        self.services = RuleServices(
            writer=self.writer,
            evaluator=self.evaluator,
            alarms=self.alarms,
            relations=self.relations,
            scripts=self.scripts,
            bus=self.bus,
            clock=self.clock,
            backlog=self.backlog,
            downlink=self.downlink,
            usage=self.usage,
            records=self.records,
        )
        self.start_engine()

    def start_engine(self) -> None:
        extra = [NodeType("action", "tests", node) for node in (Tap, *self.node_types)]
        self.engine = RuleEngine(
            self.services,
            registry=Registry([*discover(), *extra]),
            load_graphs=self.load,
            originators={EntityType.DEVICE: self.devices},
            limits=self.limits,
        )
        self.bus.consume(self.engine.handle)

    async def load(self, tenant_id: UUID) -> TenantGraphs:
        self.loads += 1
        if self.load_errors:
            raise self.load_errors.pop(0)
        return TenantGraphs(
            [graph for graph in self.graphs if graph.tenant_id == tenant_id], self.execution_limit
        )

    async def ready(self, tenant_id: UUID = TENANT) -> None:
        """Have the tenant's chains loaded."""
        probe, receipt = message_of({}, type="PROBE", tenant_id=tenant_id)
        probe.rule_chain_id = new_id()
        self.publish(probe)
        await until(lambda: receipt.is_done)

    def publish(self, message: Message) -> None:
        """Publish as a transport does, whose own hold ends when it has handed the message over."""
        message.receipt.hold()
        self.bus.publish(message)
        message.receipt.release()

    async def stop(self) -> None:
        await self.engine.stop(grace_s=0.5)
        await self.scripts.stop()


def message_of(
    data: Any,
    *,
    type: str = "POST_TELEMETRY_REQUEST",  # noqa: A002 - the wire's word
    metadata: dict[str, str] | None = None,
    originator: EntityRef | None = None,
    tenant_id: UUID = TENANT,
    ts_ms: int = 1_700_000_000_000,
) -> tuple[Message, Receipt]:
    """Make a message of a device, and the receipt of the packet that it came in."""
    receipt = Receipt(lambda _receipt: None)
    message = Message(
        type,
        originator or EntityRef(EntityType.DEVICE, new_id()),
        tenant_id,
        data,
        {} if metadata is None else metadata,
        ts_ms=ts_ms,
        receipt=receipt,
    )
    return message, receipt


def graph(
    nodes: dict[str, tuple[str, dict[str, Any]]],
    links: list[tuple[str, str, str]],
    *,
    first: str | None = None,
    root: bool = True,
    tenant_id: UUID = TENANT,
    chain_id: UUID | None = None,
    ids: dict[str, UUID] | None = None,
    debug: dict[str, NodeDebug] | None = None,
) -> ChainGraph:
    """Make a chain of nodes by name: (type, configuration); links are (from, relation, to)."""
    ids = {name: (ids or {}).get(name) or new_id() for name in nodes}
    return ChainGraph(
        id=chain_id or new_id(),
        tenant_id=tenant_id,
        name="Test chain",
        is_root=root,
        first_node_id=ids[first or next(iter(nodes))],
        nodes=tuple(
            GraphNode(ids[name], kind, name, configuration, (debug or {}).get(name))
            for name, (kind, configuration) in nodes.items()
        ),
        connections=tuple(Connection(ids[a], ids[b], label) for a, label, b in links),
    )
