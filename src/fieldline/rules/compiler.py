"""Makes a stored chain into linked steps; a node that is debugged gets steps that record.

Where nothing is debugged, nothing of the recording is in the chain: it costs a message nothing.
"""

from uuid import UUID

from fieldline.domains.rule_chain.graph import ChainGraph, GraphNode
from fieldline.rules.chain import Chain, Step
from fieldline.rules.debug import ENTERED, Entry, Watch, WatchedStep
from fieldline.rules.failures import Failures
from fieldline.rules.services import RuleServices


def compile_chain(
    graph: ChainGraph, services: RuleServices, failures: Failures, *, limit: int = 0
) -> Chain:
    """Link the steps of a stored chain; their nodes are put in afterwards (``activate``).

    Args:
        graph: the chain; its connections name nodes of the chain and form no cycle.
        services: what its nodes are given.
        failures: told of failures that no node takes.
        limit: nodes that one message may pass, 0 for any number.
    """
    steps = {node.id: _step(graph, node, services) for node in graph.nodes}
    for step in steps.values():
        step.failures = failures
        step.limit = limit
    entries = _Entries(graph)
    links: dict[UUID, dict[str, list[Step]]] = {node_id: {} for node_id in steps}
    for connection in graph.connections:
        target = entries.to(steps[connection.to_id], connection.type)
        links[connection.from_id].setdefault(connection.type.lower(), []).append(target)
    for node_id, step in steps.items():
        step.targets = {label: tuple(targets) for label, targets in links[node_id].items()}
    first = steps.get(graph.first_node_id) if graph.first_node_id else None
    return Chain(graph, steps, entries.to(first, "") if first is not None else None)


class _Entries:
    """The steps before debugged nodes, one for each node and relation that leads to it."""

    def __init__(self, graph: ChainGraph) -> None:
        self._nodes = {node.id: node for node in graph.nodes}
        self._graph = graph
        self._made: dict[tuple[UUID, str], Entry] = {}

    def to(self, step: Step, relation: str) -> Step:
        """Return what to link to, to come to a step by a relation."""
        if not isinstance(step, WatchedStep) or not step.watch.takes_everything:
            return step
        entry = self._made.get((step.node_id, relation))
        if entry is None:
            node = self._nodes[step.node_id]
            entry = Entry(self._graph, node, step.services)
            entry.watch, entry.relation = step.watch, relation
            entry.failures, entry.limit = step.failures, step.limit
            entry.targets = {ENTERED: (step,)}
            self._made[step.node_id, relation] = entry
        return entry


def _step(graph: ChainGraph, node: GraphNode, services: RuleServices) -> Step:
    records, debug = services.records, node.debug
    if records is None or debug is None or not debug.is_on(services.clock.now_ms()):
        return Step(graph, node, services)
    step = WatchedStep(graph, node, services)
    step.watch = Watch(graph, node.id, debug, records, services.clock)
    return step
