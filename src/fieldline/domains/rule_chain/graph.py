"""A rule chain's graph as plain data: what is saved, checked, and given to the rule engine."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from fieldline.kit.errors import Invalid

MAX_NODES = 1_000
MAX_LINKS = 10_000
"""Of one chain: far more than anybody draws; each node that runs a script takes some 200 kB."""


@dataclass(frozen=True, slots=True)
class NodeDebug:
    """What is recorded of the messages at a node.

    Args:
        failures: what follows Failure, with the reason.
        until_ms: everything, in and out, until this time; None for never.
        always: everything, for as long as the chain is in debug mode.
    """

    failures: bool = False
    until_ms: int | None = None
    always: bool = False

    def is_on(self, now_ms: int) -> bool:
        """Whether anything is recorded now."""
        return self.failures or self.is_all_on(now_ms)

    def is_all_on(self, now_ms: int) -> bool:
        """Whether everything is recorded now."""
        return self.always or (self.until_ms is not None and now_ms < self.until_ms)


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node of a chain, ready to be run; ``debug`` is None where nothing is recorded."""

    id: UUID
    type: str
    name: str
    configuration: Mapping[str, Any]
    debug: NodeDebug | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection between two nodes; ``type`` is the relation's label."""

    from_id: UUID
    to_id: UUID
    type: str


@dataclass(frozen=True, slots=True)
class ChainGraph:
    """A whole chain, ready to be compiled."""

    id: UUID
    tenant_id: UUID
    name: str
    is_root: bool
    first_node_id: UUID | None
    nodes: tuple[GraphNode, ...]
    connections: tuple[Connection, ...]


@dataclass(frozen=True, slots=True)
class NodeDraft:
    """A node as somebody wants it saved; without ``id`` it is a new one."""

    type: str
    name: str
    configuration: dict[str, Any] | None = None
    id: UUID | None = None
    configuration_version: int = 0
    debug_settings: dict[str, Any] | None = None
    singleton_mode: bool = False
    queue_name: str | None = None
    external_id: UUID | None = None
    additional_info: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A connection by index in the list of nodes."""

    from_index: int
    to_index: int
    type: str


@dataclass(frozen=True, slots=True)
class GraphDraft:
    """A chain's nodes and links as somebody wants them saved."""

    nodes: list[NodeDraft] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    first_node_index: int | None = None
    notes: list[Any] = field(default_factory=list)
    version: int | None = None


class NodeCatalogue(Protocol):
    """Knows every kind of rule node; the rules implement it, ``app`` hands it to the endpoints."""

    def prepare(
        self, node_type: str, name: str, configuration: Mapping[str, Any] | None, version: int
    ) -> tuple[dict[str, Any], int]:
        """Return the configuration as it is to be stored, and its version.

        An older version is brought up to date; None gives the defaults.

        Raises:
            Invalid: there is no such type of node, or the configuration is not valid for it.
        """

    def describe(self) -> list[dict[str, Any]]:
        """Return a component descriptor of every node, as ThingsBoard's wire has it."""


@dataclass(frozen=True, slots=True)
class ScriptTest:
    """A script and what to try it on. ``kind`` says what it must answer, as ``filter``."""

    script: str
    kind: str
    arg_names: tuple[str, ...]
    msg: Any
    metadata: Mapping[str, str]
    msg_type: str


class ScriptTester(Protocol):
    """Tries scripts; the rules implement it, ``app`` hands it to the endpoints."""

    async def try_out(self, test: ScriptTest) -> str:
        """Run a script in JavaScript once and return its answer as text.

        Raises:
            Invalid: the script failed, or its answer is not what its kind needs.
        """


def check_links(node_count: int, links: Iterable[Link], first_node_index: int | None) -> None:
    """Refuse a graph that cannot be run.

    Raises:
        Invalid: it is too large, an index names no node, a node is linked to itself, or links form
            a cycle.
    """
    links = list(links)
    for what, count, most in (("nodes", node_count, MAX_NODES), ("links", len(links), MAX_LINKS)):
        if count > most:
            msg = f"A rule chain may have {most} {what}, not {count}; use several chains"
            raise Invalid(msg)
    if first_node_index is not None and not 0 <= first_node_index < node_count:
        raise Invalid(_no_such_node("firstNodeIndex", first_node_index, node_count))
    followers: dict[int, list[int]] = {}
    for link in links:
        for name, index in (("fromIndex", link.from_index), ("toIndex", link.to_index)):
            if not 0 <= index < node_count:
                raise Invalid(_no_such_node(name, index, node_count))
        if link.from_index == link.to_index:
            msg = f"Can't create the relation: node {link.from_index} would be linked to itself!"
            raise Invalid(msg)
        followers.setdefault(link.from_index, []).append(link.to_index)
    if _has_cycle(node_count, followers):
        raise Invalid("Can't create circling relations in rule chain!")


def _no_such_node(name: str, index: int, node_count: int) -> str:
    return f"{name} {index} names no node; there are {node_count} nodes, the first has index 0"


def _has_cycle(node_count: int, followers: Mapping[int, list[int]]) -> bool:
    """Take away nodes that nothing leads to until none is left; what stays is in a cycle."""
    incoming = [0] * node_count
    for targets in followers.values():
        for target in targets:
            incoming[target] += 1
    free = [index for index in range(node_count) if incoming[index] == 0]
    removed = 0
    while free:
        removed += 1
        for target in followers.get(free.pop(), ()):
            incoming[target] -= 1
            if incoming[target] == 0:
                free.append(target)
    return removed < node_count
