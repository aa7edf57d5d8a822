"""A started node: what runs it, and what of it outlives a reload of its chain."""

import asyncio
import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fieldline.domains.event.record import EventType, Record, cut
from fieldline.domains.rule_chain.graph import GraphNode
from fieldline.kit.errors import FieldlineError
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.rules.chain import Step, activate, inactive
from fieldline.rules.failures import Failures, describe
from fieldline.rules.lanes import AsyncLimits, Lanes
from fieldline.rules.node import AsyncNode, Context, Node
from fieldline.rules.registry import Registry
from fieldline.rules.services import RuleServices

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Workshop:
    """What is needed to make nodes and chains."""

    registry: Registry
    services: RuleServices
    failures: Failures
    limits: AsyncLimits


class Life(StrEnum):
    """What happens to a node, by its names on ThingsBoard's wire."""

    STARTED = "STARTED"
    UPDATED = "UPDATED"
    STOPPED = "STOPPED"


def record_life(
    context: Context, services: RuleServices, life: Life, error: str | None = None
) -> None:
    """Record an event in the life of a node."""
    if services.records is None:
        return
    record = Record(
        context.tenant_id,
        context.chain_id,
        EntityRef(EntityType.RULE_NODE, context.node_id),
        EventType.LC_EVENT,
        services.clock.now_ms(),
        name=life.value,
        success=error is None,
        error=cut(error) if error is not None else None,
    )
    services.records.put(record)


class Runner:
    """A node and, when it waits, its lanes."""

    def __init__(
        self, graph_node: GraphNode, node: Node[Any] | AsyncNode[Any], workshop: Workshop
    ) -> None:
        self._made_from = graph_node
        self._node = node
        self._lanes: Lanes | None = None
        if isinstance(node, AsyncNode):
            self._lanes = Lanes(node, workshop.limits, workshop.services.backlog)

    def is_of(self, graph_node: GraphNode) -> bool:
        """Whether the stored node still asks for exactly this one."""
        made_from = self._made_from
        return (
            made_from.type == graph_node.type
            and made_from.configuration == graph_node.configuration
        )

    def attach(self, step: Step) -> None:
        """Run the node in this step from here on; what waits for it goes on from this step too."""
        if self._lanes is not None:
            self._lanes.step = step
            activate(step, self._node, self._lanes.take)
        elif isinstance(self._node, Node):
            activate(step, self._node, self._node.process)

    async def retire(self) -> None:
        """Let the node finish what waits for it, then stop it."""
        if self._lanes is not None:
            await self._lanes.drain()
        try:
            await self._node.stop()
        except Exception:  # a node's bug must not keep others from stopping
            logger.exception("the rule node '%s' failed to stop", self._made_from.name)

    def cancel(self) -> None:
        """Give up what waits for the node."""
        if self._lanes is not None:
            self._lanes.cancel()


async def start(
    graph_node: GraphNode, step: Step, workshop: Workshop, life: Life | None = None
) -> Runner | None:
    """Make and start a node; one that cannot start leaves its step refusing messages.

    An event of ``life`` is recorded; with None only that the node could not start.
    """
    try:
        node = workshop.registry.make(graph_node.type, graph_node.configuration)
        async with asyncio.timeout(workshop.limits.timeout_s):
            await node.start(step)
    except Exception as error:  # whatever keeps a node from starting is its reason
        reason = f"The node '{graph_node.name}' could not start: {describe(error)}"
        step.process = inactive(reason)
        unexpected = None if isinstance(error, FieldlineError) else error
        logger.warning("rule chain '%s': %s", step.chain_name, reason, exc_info=unexpected)
        record_life(step, workshop.services, life or Life.STARTED, describe(error))
        return None
    if life is not None:
        record_life(step, workshop.services, life)
    return Runner(graph_node, node, workshop)
