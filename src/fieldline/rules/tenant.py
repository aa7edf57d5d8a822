"""The rules of one tenant as they run: its compiled chains, swapped as a whole when they change."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from fieldline.domains.rule_chain.graph import ChainGraph
from fieldline.rules.chain import Chain
from fieldline.rules.compiler import compile_chain
from fieldline.rules.runner import Life, Runner, Workshop, record_life, start


@dataclass(frozen=True, slots=True)
class TenantGraphs:
    """What is stored of a tenant's rules; ``execution_limit`` 0 means none."""

    chains: Sequence[ChainGraph]
    execution_limit: int = 0


class TenantRules:
    """A tenant's chains. Nodes whose type and configuration did not change outlive a reload."""

    def __init__(self, workshop: Workshop) -> None:
        self.chains: Mapping[UUID, Chain] = {}
        self.root: Chain | None = None
        self.debug_ends_ms: int | None = None
        """When the first of the nodes that are debugged for a time has been for long enough."""
        self._is_loaded = False
        self._workshop = workshop
        self._runners: dict[UUID, Runner] = {}
        self._retiring: dict[asyncio.Task[None], Runner] = {}

    async def load(self, graphs: TenantGraphs) -> None:
        """Build the chains as they are stored now; messages take them from here on.

        The nodes that went are stopped later, when they have finished what waits for them.
        """
        built = [self._compile(graph, graphs.execution_limit) for graph in graphs.chains]
        runners: dict[UUID, Runner] = {}
        for graph, chain in zip(graphs.chains, built, strict=True):
            for graph_node in graph.nodes:
                runner: Runner | None = self._runners.get(graph_node.id)
                if runner is None or not runner.is_of(graph_node):
                    step = chain.steps[graph_node.id]
                    runner = await start(graph_node, step, self._workshop, self._life(runner))
                if runner is not None:
                    runners[graph_node.id] = runner
        retired = [
            runner for key, runner in self._runners.items() if runners.get(key) is not runner
        ]
        self._record_stops(graphs.chains)
        self._switch(graphs, built, runners)
        self._retire(retired)
        self._is_loaded = True

    async def stop(self) -> None:
        """Let every node finish what waits for it, then stop it."""
        runners, self._runners = self._runners, {}
        self._retire(list(runners.values()))
        while self._retiring:
            await asyncio.wait(tuple(self._retiring))

    def cancel(self) -> None:
        """Give up what still waits in nodes that are to stop."""
        for runner in self._retiring.values():
            runner.cancel()

    def _retire(self, runners: Sequence[Runner]) -> None:
        for runner in runners:
            task = asyncio.get_running_loop().create_task(runner.retire())
            self._retiring[task] = runner
            task.add_done_callback(self._retiring.pop)

    def _life(self, runner: Runner | None) -> Life | None:
        """Return what is recorded of a node that starts: nothing when it does with the tenant."""
        if not self._is_loaded:
            return None
        return Life.STARTED if runner is None else Life.UPDATED

    def _record_stops(self, graphs: Sequence[ChainGraph]) -> None:
        stored = {node.id for graph in graphs for node in graph.nodes}
        for chain in self.chains.values():
            for node_id, step in chain.steps.items():
                if node_id not in stored:
                    record_life(step, self._workshop.services, Life.STOPPED)

    def _debug_end(self, graphs: Sequence[ChainGraph]) -> int | None:
        now_ms = self._workshop.services.clock.now_ms()
        ends = (node.debug.until_ms for graph in graphs for node in graph.nodes if node.debug)
        return min((end for end in ends if end is not None and end > now_ms), default=None)

    def _compile(self, graph: ChainGraph, limit: int) -> Chain:
        return compile_chain(graph, self._workshop.services, self._workshop.failures, limit=limit)

    def _switch(
        self, graphs: TenantGraphs, built: Sequence[Chain], runners: dict[UUID, Runner]
    ) -> None:
        """Go over to the new chains, without giving way to a message in between."""
        for chain in built:
            for node_id, step in chain.steps.items():
                if node_id in runners:
                    runners[node_id].attach(step)
        self.chains = {chain.id: chain for chain in built}
        self.root = next(
            (chain for graph, chain in zip(graphs.chains, built, strict=True) if graph.is_root),
            None,
        )
        self._runners = runners
        self.debug_ends_ms = self._debug_end(graphs.chains)
