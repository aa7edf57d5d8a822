"""The rules of one tenant as they run: its compiled chains, swapped as a whole when they change."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from fieldline.domains.rule_chain.graph import ChainGraph
from fieldline.rules.chain import Chain, compile_chain
from fieldline.rules.runner import Runner, Workshop, start


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
                    runner = await start(graph_node, chain.steps[graph_node.id], self._workshop)
                if runner is not None:
                    runners[graph_node.id] = runner
        retired = [
            runner for key, runner in self._runners.items() if runners.get(key) is not runner
        ]
        self._switch(graphs, built, runners)
        self._retire(retired)

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
