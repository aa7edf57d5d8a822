"""However a chain is linked, one message does not keep the rules busy without an end."""

import asyncio
from collections.abc import AsyncIterator
from itertools import combinations, pairwise

import pytest

from fieldline.messaging.message import Message
from fieldline.rules.node import AsyncNode, Context, EmptyConfig, Node, Outcome, follow
from tests.rules.support import TAP, TAPS, World, graph, message_of
from tests.waiting import until

PARTS = 1_000


class Turn(AsyncNode[EmptyConfig]):
    """Follows Success after a turn of the event loop."""

    name = "turn"
    type = "test.Turn"

    async def process(self, message: Message, context: Context) -> Outcome:
        del context
        await asyncio.sleep(0)
        return follow("Success", message)


class Split(Node[EmptyConfig]):
    """Makes many messages of one."""

    name = "split"
    type = "test.Split"

    def process(self, message: Message, context: Context) -> Outcome:
        del context
        return [("Success", message.copy(data=part)) for part in range(1, PARTS + 1)]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World(node_types=[Turn, Split], backlog_limit=10**6)
    yield world
    await world.stop()


def reasons(world: World) -> set[str]:
    """Return why branches ended, whichever node they ended at."""
    nodes = [node.id for chain in world.graphs for node in chain.nodes]
    return {each.reason for node_id in nodes for each in world.engine.failures.last(node_id)}


@pytest.mark.parametrize("kind", [TAP, ("test.Turn", {})])
async def test_nodes_that_double_a_message_one_after_the_other(
    world: World, kind: tuple[str, dict[str, object]]
) -> None:
    names = [f"n{number}" for number in range(40)]
    links = [(a, "Success", b) for a, b in combinations(names, 2)]
    world.graphs = [graph(dict.fromkeys(names, kind), links)]
    await world.ready()
    message, receipt = message_of(1)

    world.publish(message)
    await until(lambda: receipt.is_done)

    assert receipt._open == 0
    assert reasons(world) == {
        "The message opened more than 10000 branches in the rules; link nodes in a row"
    }


async def test_nodes_that_split_a_message_one_after_the_other(world: World) -> None:
    split: tuple[str, dict[str, object]] = ("test.Split", {})
    names = ["a", "b", "c", "d"]
    nodes = {**dict.fromkeys(names, split), "end": TAP}
    links = [(a, "Success", b) for a, b in pairwise([*names, "end"])]
    world.graphs = [graph(nodes, links)]
    await world.ready()
    message, receipt = message_of(1)

    world.publish(message)

    assert receipt._open == 0
    assert any("more than 10000 branches" in each for each in reasons(world))


async def test_one_that_splits_before_a_long_row_of_nodes(world: World) -> None:
    names = [f"n{number}" for number in range(400)]
    links = [("split", "Success", names[0]), *((a, "Success", b) for a, b in pairwise(names))]
    world.graphs = [graph({"split": ("test.Split", {}), **dict.fromkeys(names, TAP)}, links)]
    await world.ready()
    message, receipt = message_of(1)

    world.publish(message)

    assert receipt._open == 0
    assert 200 < len(TAPS[names[0]].seen) < PARTS
    assert reasons(world) == {
        "The message passed 100000 nodes without a break; link nodes in a row"
    }


async def test_each_message_is_counted_for_itself(world: World) -> None:
    world.graphs = [graph({"split": ("test.Split", {}), "end": TAP}, [("split", "Success", "end")])]
    await world.ready()

    for _ in range(20):
        message, receipt = message_of(1)
        world.publish(message)
        assert receipt.is_done

    assert len(TAPS["end"].seen) == 20 * PARTS
    assert not reasons(world)
