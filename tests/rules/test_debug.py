"""What is recorded of a node that somebody debugs, and that nothing is when nobody does."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar
from uuid import UUID

import pytest

from fieldline.domains.event.record import MAX_TEXT_LENGTH, EventType, Record
from fieldline.domains.rule_chain.graph import ChainGraph, NodeDebug
from fieldline.kit.errors import Unavailable
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.messaging.events import Change, EntityChanged
from fieldline.messaging.message import Message
from fieldline.messaging.receipt import Receipt
from fieldline.rules.chain import Step
from fieldline.rules.debug import Entry, WatchedStep, head_of
from fieldline.rules.node import AsyncNode, Context, EmptyConfig, Node, Outcome, follow
from tests.rules.support import TAP, TAPS, TENANT, Fails, KeptRecords, World, graph, message_of
from tests.waiting import until

ALWAYS = NodeDebug(always=True)
FAILURES = NodeDebug(failures=True)


class FailsLater(AsyncNode[EmptyConfig]):
    """Waits, then raises."""

    name = "fails later"
    type = "test.FailsLater"

    async def process(self, message: Message, context: Context) -> Outcome:
        del message, context
        await asyncio.sleep(0)
        raise Unavailable("not today")


class Waits(AsyncNode[EmptyConfig]):
    """Waits for the gate, then follows Success."""

    name = "waits"
    type = "test.Waits"
    gate: ClassVar[asyncio.Event]

    async def process(self, message: Message, context: Context) -> Outcome:
        del context
        await self.gate.wait()
        return follow("Success", message)


class Keeps(Node[EmptyConfig]):
    """Keeps messages until the test goes on with them."""

    name = "keeps"
    type = "test.Keeps"
    kept: ClassVar[list[tuple[Context, Message]]] = []

    def process(self, message: Message, context: Context) -> Outcome:
        self.kept.append((context, message))
        return None


class Makes(Node[EmptyConfig]):
    """Makes two messages of one."""

    name = "makes"
    type = "test.Makes"

    def process(self, message: Message, context: Context) -> Outcome:
        del context
        return [("Success", message.copy(data={"part": part})) for part in range(2)]


class Ends(Node[EmptyConfig]):
    """Ends the branch."""

    name = "ends"
    type = "test.Ends"

    def process(self, message: Message, context: Context) -> Outcome:
        del message, context
        return []


@pytest.fixture
async def world() -> AsyncIterator[World]:
    Waits.gate = asyncio.Event()
    Keeps.kept.clear()
    nodes: list[Any] = [Fails, FailsLater, Waits, Keeps, Makes, Ends]
    world = World(node_types=nodes, records=KeptRecords())
    yield world
    await world.stop()


def _records(world: World) -> KeptRecords:
    assert isinstance(world.records, KeptRecords)
    return world.records


def _node(world: World, name: str) -> UUID:
    return next(node.id for node in world.graphs[0].nodes if node.name == name)


def _told(world: World, name: str) -> list[tuple[str | None, str | None]]:
    return _records(world).told(_node(world, name))


async def _sent(world: World, chain: ChainGraph, *, limit: int = 0) -> tuple[Message, Receipt]:
    """Run one message through a chain."""
    world.graphs, world.execution_limit = [chain], limit
    await world.ready()
    message, receipt = message_of({"a": 1}, metadata={"b": "c"})
    world.publish(message)
    await until(lambda: receipt.is_done or Keeps.kept or world.engine.waiting)
    return message, receipt


async def _reload(world: World, chain: ChainGraph) -> None:
    """Save the chain anew, as people do while messages run."""
    loads, world.graphs = world.loads, [chain]
    ref = EntityRef(EntityType.RULE_CHAIN, chain.id)
    world.engine.on_entity_changed(EntityChanged(TENANT, ref, Change.UPDATED))
    await until(lambda: world.loads > loads)
    await world.ready()


class TestWhatIsRecorded:
    async def test_a_message_in_and_out(self, world: World) -> None:
        chain = graph({"first": TAP}, [], debug={"first": ALWAYS})
        message, _ = await _sent(world, chain)

        incoming, outgoing = _records(world).kept
        assert (incoming.direction, incoming.relation) == ("IN", "")
        assert (outgoing.direction, outgoing.relation) == ("OUT", "Success")
        assert incoming.type is EventType.DEBUG_RULE_NODE
        assert (incoming.rule_chain_id, incoming.tenant_id) == (chain.id, TENANT)
        assert incoming.originator == message.originator
        assert incoming.message_type == "POST_TELEMETRY_REQUEST"
        assert incoming.message_id == message.id == outgoing.message_id
        assert (incoming.data, incoming.message_metadata) == ('{"a":1}', '{"b":"c"}')

    async def test_the_relation_that_a_message_came_by(self, world: World) -> None:
        links = [("a", "Success", "b"), ("a", "Success", "c"), ("c", "Success", "b")]
        chain = graph({"a": TAP, "b": TAP, "c": TAP}, links, debug={"b": ALWAYS})
        await _sent(world, chain)

        assert _told(world, "b") == [("IN", "Success"), ("OUT", "Success")] * 2
        assert _told(world, "a") == _told(world, "c") == []

    async def test_a_failure_with_its_reason(self, world: World) -> None:
        chain = graph({"bad": ("test.Fails", {})}, [], debug={"bad": ALWAYS})
        await _sent(world, chain)

        assert _told(world, "bad") == [("IN", ""), ("OUT", "Failure")]
        assert _records(world).kept[1].error == "bad is out of order"

    async def test_a_failure_after_waiting_once(self, world: World) -> None:
        chain = graph({"bad": ("test.FailsLater", {})}, [], debug={"bad": ALWAYS})
        _, receipt = await _sent(world, chain)
        await until(lambda: receipt.is_done)

        assert _told(world, "bad") == [("IN", ""), ("OUT", "Failure")]
        assert _records(world).kept[1].error == "not today"

    async def test_what_a_node_goes_on_with_later(self, world: World) -> None:
        chain = graph({"slow": ("test.Keeps", {})}, [], debug={"slow": ALWAYS})
        await _sent(world, chain)
        context, message = Keeps.kept.pop()
        context.proceed("Other", message)

        assert _told(world, "slow") == [("IN", ""), ("OUT", "Other")]

    async def test_each_of_several_messages(self, world: World) -> None:
        chain = graph({"makes": ("test.Makes", {})}, [], debug={"makes": ALWAYS})
        message, _ = await _sent(world, chain)

        assert _told(world, "makes") == [("IN", ""), ("OUT", "Success"), ("OUT", "Success")]
        assert [each.data for each in _records(world).kept[1:]] == ['{"part":0}', '{"part":1}']
        assert {each.message_id for each in _records(world).kept} == {message.id}

    async def test_the_end_of_a_branch(self, world: World) -> None:
        chain = graph({"ends": ("test.Ends", {})}, [], debug={"ends": ALWAYS})
        await _sent(world, chain)

        assert _told(world, "ends") == [("IN", ""), ("OUT", "ACK")]

    async def test_only_failures(self, world: World) -> None:
        nodes = {"good": TAP, "bad": ("test.Fails", {})}
        debug = {"good": FAILURES, "bad": FAILURES}
        await _sent(world, graph(nodes, [("good", "Success", "bad")], debug=debug))

        assert _told(world, "good") == []
        assert _told(world, "bad") == [("OUT", "Failure")]

    async def test_a_node_that_cannot_start(self, world: World) -> None:
        chain = graph({"gone": ("no.such.Node", {})}, [], debug={"gone": FAILURES})
        await _sent(world, chain)

        lives = [each for each in _records(world).kept if each.type is EventType.LC_EVENT]
        assert [(each.name, each.success) for each in lives] == [("STARTED", False)]
        assert _told(world, "gone")[-1] == ("OUT", "Failure")

    async def test_nothing_of_a_tenant_over_its_quota(self, world: World) -> None:
        _records(world).admitted = False
        _, receipt = await _sent(world, graph({"a": TAP}, [], debug={"a": ALWAYS}))

        assert receipt.is_done
        assert _records(world).kept == []


class TestWhatItCosts:
    async def test_nothing_is_in_a_chain_that_nobody_debugs(self, world: World) -> None:
        chain = graph({"a": TAP, "b": TAP}, [("a", "Success", "b")])
        await _sent(world, chain)

        assert {type(step) for step in _steps(world, chain)} == {Step}

    async def test_only_the_debugged_node_is_watched(self, world: World) -> None:
        links = [("a", "Success", "b"), ("b", "Success", "c")]
        chain = graph({"a": TAP, "b": TAP, "c": TAP}, links, debug={"b": ALWAYS})
        await _sent(world, chain)

        assert [type(step) for step in _steps(world, chain)] == [Step, Entry, WatchedStep, Step]

    async def test_nodes_that_only_record_count_towards_no_limit(self, world: World) -> None:
        nodes = dict.fromkeys("abc", TAP)
        links = [("a", "Success", "b"), ("a", "Success", "c"), ("b", "Success", "c")]
        chain = graph(nodes, links, debug=dict.fromkeys("abc", ALWAYS))
        await _sent(world, chain, limit=3)

        assert _failures(world, "abc") == []
        assert len(TAPS["c"].seen) == 2

    async def test_the_limit_holds_when_everything_is_debugged(self, world: World) -> None:
        nodes = dict.fromkeys("abc", TAP)
        links = [("a", "Success", "b"), ("b", "Success", "c")]
        await _sent(world, graph(nodes, links, debug=dict.fromkeys("abc", ALWAYS)), limit=2)

        assert len(_failures(world, "abc")) == 1
        assert TAPS["c"].seen == []


class TestItsEnd:
    async def test_it_ends_at_its_time(self, world: World) -> None:
        until_ms = world.clock.now_ms() + 60_000
        chain = graph({"a": TAP}, [], debug={"a": NodeDebug(until_ms=until_ms)})
        await _sent(world, chain)
        world.clock.advance(60_000)
        message, receipt = message_of({})
        world.publish(message)

        assert receipt.is_done
        assert len(_told(world, "a")) == 2

    async def test_failures_go_on_after_it(self, world: World) -> None:
        debug = {"bad": NodeDebug(failures=True, until_ms=world.clock.now_ms() + 1)}
        chain = graph({"bad": ("test.Fails", {})}, [], debug=debug)
        world.clock.advance(1)
        await _sent(world, chain)

        assert _told(world, "bad") == [("OUT", "Failure")]

    async def test_the_chain_is_made_anew_without_it(self, world: World) -> None:
        until_ms = world.clock.now_ms() + 20
        chain = graph({"a": TAP}, [], debug={"a": NodeDebug(until_ms=until_ms)})
        await _sent(world, chain)
        world.clock.advance(20)

        await until(lambda: {type(step) for step in _steps(world, chain)} == {Step})

    async def test_a_node_is_toggled_while_messages_run(self, world: World) -> None:
        nodes = {"slow": ("test.Waits", {}), "last": TAP}
        links = [("slow", "Success", "last")]
        off = graph(nodes, links)
        ids = {node.name: node.id for node in off.nodes}
        on = graph(nodes, links, ids=ids, chain_id=off.id, debug=dict.fromkeys(nodes, ALWAYS))
        world.graphs = [off]
        await world.ready()
        receipts = []
        for turn in range(6):
            message, receipt = message_of({"turn": turn})
            receipts.append(receipt)
            world.publish(message)
            await _reload(world, on if turn % 2 == 0 else off)
        Waits.gate.set()
        await until(lambda: all(receipt.is_done for receipt in receipts))

        assert len(TAPS["last"].seen) == 6
        assert _told(world, "slow") == [("IN", "")] * 3


class TestLivesOfNodes:
    async def test_a_first_load_tells_nothing(self, world: World) -> None:
        await _sent(world, graph({"a": TAP}, []))

        assert _records(world).kept == []

    async def test_a_change_tells_what_it_did(self, world: World) -> None:
        before = graph({"kept": TAP, "gone": TAP, "changed": TAP}, [])
        ids = {node.name: node.id for node in before.nodes}
        await _sent(world, before)
        nodes = {"kept": TAP, "changed": ("test.Tap", {"version": 1}), "new": TAP}
        await _reload(world, graph(nodes, [], ids=ids, chain_id=before.id))

        lives = {(each.entity.id, each.name, each.success) for each in _records(world).kept}
        new = _node(world, "new")
        assert lives == {
            (ids["changed"], "UPDATED", True),
            (ids["gone"], "STOPPED", True),
            (new, "STARTED", True),
        }


class TestHugeData:
    def test_small_json_is_shown_as_it_is(self) -> None:
        assert head_of({"a": 1.5, "b": "text", "c": None}) == '{"a":1.5,"b":"text","c":null}'

    def test_the_beginning_of_large_json(self) -> None:
        text = head_of({"list": list(range(100_000))})

        assert text.startswith('{"list":[0,1,2,')
        assert MAX_TEXT_LENGTH < len(text) < 3 * MAX_TEXT_LENGTH

    def test_the_beginning_of_a_long_text(self) -> None:
        assert len(head_of({"text": "x" * 8_000_000})) < 3 * MAX_TEXT_LENGTH

    async def test_it_is_cut(self, world: World) -> None:
        world.graphs = [graph({"a": TAP}, [], debug={"a": ALWAYS})]
        await world.ready()
        message, _ = message_of({"text": "\0" * 3_000_000}, metadata={"m": "y" * 9_999})
        world.publish(message)

        assert all(map(_is_cut, _records(world).kept))
        assert len(_records(world).kept) == 2


def _is_cut(record: Record) -> bool:
    texts = (record.data or "", record.message_metadata or "")
    ends = all(text.endswith("...[truncated]") for text in texts)
    return ends and max(map(len, texts)) < MAX_TEXT_LENGTH + 20


def _failures(world: World, names: str) -> list[object]:
    failures = world.engine.failures
    return [reason for name in names for reason in failures.last(_node(world, name))]


def _steps(world: World, chain: ChainGraph) -> list[Step]:
    """Return the steps of a chain in the order in which a message takes them."""
    step = world.engine._tenants._entries[TENANT].rules.chains[chain.id].first
    found = []
    while step is not None:
        found.append(step)
        targets = [target for targets in step.targets.values() for target in targets]
        step = targets[0] if targets else None
    return found
