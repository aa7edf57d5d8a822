"""Whatever a chain looks like, a packet is acknowledged once, when its last branch has ended."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hypothesis import given, settings
from hypothesis import strategies as st

from fieldline.domains.rule_chain.graph import NodeDebug
from fieldline.kit.errors import Invalid
from fieldline.messaging.message import Message
from fieldline.messaging.receipt import Receipt
from fieldline.rules.node import AsyncNode, Context, Node, NodeConfig, Outcome, follow
from tests.rules.support import TENANT, KeptRecords, World, graph, message_of
from tests.waiting import until

LABELS = ("Success", "Failure", "Other")
KINDS = ("follow", "fail", "several", "none", "later", "wait")


class Config(NodeConfig):
    """What the node does with every message."""

    kind: str = "follow"
    label: str = "Success"


def _outcome(config: Config, message: Message) -> Outcome:
    if config.kind == "fail":
        raise Invalid("as wanted")
    if config.kind == "several":
        return [(config.label, message.copy()), ("Other", message)]
    if config.kind == "none":
        return []
    return follow(config.label, message)


class AnyNode(Node[Config]):
    """Does at once, or later, what its configuration says."""

    name = "any"
    type = "test.Any"
    kept: ClassVar[list[tuple[Context, Message, Config]]] = []

    def process(self, message: Message, context: Context) -> Outcome:
        if self.config.kind == "later":
            self.kept.append((context, message, self.config))
            return None
        return _outcome(self.config, message)


class AnyWaiting(AsyncNode[Config]):
    """Does it after a turn of the event loop."""

    name = "any waiting"
    type = "test.AnyWaiting"

    async def process(self, message: Message, context: Context) -> Outcome:
        del context
        await asyncio.sleep(0)
        return _outcome(self.config, message)


@dataclass
class Shape:
    """A chain: nodes by kind and label; links only lead on, so there is no cycle."""

    nodes: list[tuple[str, str]]
    links: list[tuple[int, int, str]]
    limit: int
    debugged: set[int] = field(default_factory=set)
    acknowledged: list[Receipt] = field(default_factory=list)


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    count = draw(st.integers(1, 7))
    node = st.tuples(st.sampled_from(KINDS), st.sampled_from(LABELS))
    nodes = draw(st.lists(node, min_size=count, max_size=count))
    link = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1), st.sampled_from(LABELS))
    links = [(a, b, label) for a, b, label in draw(st.lists(link, max_size=14)) if a < b]
    debugged = draw(st.sets(st.integers(0, count - 1)))
    return Shape(nodes, links, draw(st.sampled_from([0, 0, 2])), debugged)


@given(shapes())
@settings(max_examples=150, deadline=None)
def test_a_packet_is_acknowledged_once(shape: Shape) -> None:
    asyncio.run(_check(shape))


async def _check(shape: Shape) -> None:
    AnyNode.kept.clear()
    world = World(
        node_types=[AnyNode, AnyWaiting],
        execution_limit=shape.limit,
        backlog_limit=10**6,
        records=KeptRecords(),
    )
    nodes: dict[str, tuple[str, dict[str, Any]]] = {
        str(index): (
            "test.AnyWaiting" if kind == "wait" else "test.Any",
            {"kind": kind, "label": label},
        )
        for index, (kind, label) in enumerate(shape.nodes)
    }
    links = [(str(a), label, str(b)) for a, b, label in shape.links]
    debug = {str(index): NodeDebug(always=True) for index in shape.debugged}
    world.graphs = [graph(nodes, links, debug=debug)]
    await world.ready()
    message, _ = message_of({"a": 1}, tenant_id=TENANT)
    message.receipt = Receipt(shape.acknowledged.append)

    world.publish(message)
    await until(lambda: not AnyNode.kept or bool(shape.acknowledged) or world.engine.waiting == 0)
    while AnyNode.kept or world.engine.waiting:
        if AnyNode.kept:
            assert not shape.acknowledged
            context, kept, config = AnyNode.kept.pop()
            if config.label == "Failure":
                context.fail(kept, Invalid("later"))
            else:
                context.proceed(config.label, kept)
        await asyncio.sleep(0)

    assert shape.acknowledged == [message.receipt]
    assert message.receipt._open == 0
    await world.stop()
