"""Which chain a message enters, and that its packet is acknowledged when all branches ended."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any, ClassVar
from uuid import UUID

import pytest

from fieldline.kit.errors import NotFound, Unavailable
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.messaging.events import Change, EntityChanged
from fieldline.messaging.message import Message
from fieldline.rules.engine import EngineLimits
from fieldline.rules.lanes import AsyncLimits
from fieldline.rules.node import AsyncNode, Context, EmptyConfig, Node, Outcome, follow
from fieldline.rules.tenants import RetryDelays
from tests.rules.support import TAP, TAPS, TENANT, Fails, Record, World, graph, message_of
from tests.waiting import until


class Several(Node[EmptyConfig]):
    """Makes three messages of one."""

    name = "several"
    type = "test.Several"

    def process(self, message: Message, context: Context) -> Outcome:
        del context
        return [("Success", message.copy(data={"part": part})) for part in range(3)]


class Waits(AsyncNode[EmptyConfig]):
    """Waits for what the message names, then follows Success."""

    name = "waits"
    type = "test.Waits"
    gates: ClassVar[dict[str, asyncio.Event]] = {}
    running: ClassVar[list[str]] = []

    async def process(self, message: Message, context: Context) -> Outcome:
        del context
        gate = message.data["gate"]
        self.running.append(gate)
        await self.gates.setdefault(gate, asyncio.Event()).wait()
        self.running.remove(gate)
        return follow("Success", message)


class Breaks(AsyncNode[EmptyConfig]):
    """Waits for the store, and for something that ends as ``error`` says."""

    name = "breaks"
    type = "test.Breaks"
    waits_for_store = True
    error: ClassVar[BaseException]

    async def process(self, message: Message, context: Context) -> Outcome:
        del message, context
        raise self.error


@pytest.fixture
async def world() -> AsyncIterator[World]:
    Waits.gates.clear()
    Waits.running.clear()
    world = World(node_types=[Fails, Several, Waits])
    yield world
    await world.stop()


def _seen(name: str) -> list[Any]:
    return [message.data for message in TAPS[name].seen]


def _event(kind: EntityType, entity_id: UUID, change: Change = Change.UPDATED) -> EntityChanged:
    return EntityChanged(TENANT, EntityRef(kind, entity_id), change)


class TestRouting:
    async def test_enters_the_root_chain(self, world: World) -> None:
        world.graphs = [graph({"root": TAP}, []), graph({"other": TAP}, [], root=False)]
        await world.ready()
        message, receipt = message_of({"a": 1})

        world.publish(message)

        assert _seen("root") == [{"a": 1}]
        assert _seen("other") == []
        assert receipt.is_done

    async def test_enters_the_chain_of_the_device_profile(self, world: World) -> None:
        world.graphs = [graph({"root": TAP}, []), graph({"profile": TAP}, [], root=False)]
        await world.ready()
        message, receipt = message_of({"a": 1})
        world.devices.cached[message.originator.id] = Record(world.graphs[1].id)

        world.publish(message)

        assert (_seen("root"), _seen("profile")) == ([], [{"a": 1}])
        assert receipt.is_done

    async def test_enters_the_chain_that_the_message_names(self, world: World) -> None:
        world.graphs = [graph({"root": TAP}, []), graph({"named": TAP}, [], root=False)]
        await world.ready()
        message, _ = message_of({"a": 1})
        message.rule_chain_id = world.graphs[1].id

        world.publish(message)

        assert (_seen("root"), _seen("named")) == ([], [{"a": 1}])

    async def test_messages_of_a_device_that_is_looked_up_keep_their_order(
        self, world: World
    ) -> None:
        world.graphs = [graph({"root": TAP}, [])]
        await world.ready()
        world.devices.default = None
        world.devices.gate = asyncio.Event()
        originator = EntityRef(EntityType.DEVICE, new_id())
        for number in range(3):
            world.publish(message_of(number, originator=originator)[0])
        await until(lambda: world.engine.waiting == 3)
        world.devices.cached[originator.id] = Record()
        world.publish(message_of(3, originator=originator)[0])

        world.devices.gate.set()
        await until(lambda: world.engine.waiting == 0)

        assert _seen("root") == [0, 1, 2, 3]

    async def test_a_message_of_something_else_enters_the_root_chain(self, world: World) -> None:
        world.graphs = [graph({"root": TAP}, [])]
        await world.ready()
        world.devices.default = None

        world.publish(message_of(1, originator=EntityRef(EntityType.TENANT, TENANT))[0])

        assert _seen("root") == [1]

    async def test_without_a_root_chain_the_message_is_acknowledged_and_recorded(
        self, world: World
    ) -> None:
        await world.ready()
        before = world.engine.failures.count
        message, receipt = message_of({"a": 1})

        world.publish(message)

        assert receipt.is_done
        assert world.engine.failures.count == before + 1
        assert "no root rule chain" in world.engine.failures.last(TENANT)[-1].reason

    async def test_a_chain_without_nodes_acknowledges(self, world: World) -> None:
        world.graphs = [graph({"only": TAP}, [])]
        empty = world.graphs[0]
        world.graphs = [
            type(empty)(
                empty.id,
                TENANT,
                "Empty",
                is_root=True,
                first_node_id=None,
                nodes=(),
                connections=(),
            )
        ]
        await world.ready()
        message, receipt = message_of({"a": 1})

        world.publish(message)

        assert receipt.is_done


class TestBranches:
    async def test_labels_are_compared_whatever_their_case(self, world: World) -> None:
        world.graphs = [graph({"first": TAP, "next": TAP}, [("first", "sUCCESS", "next")])]
        await world.ready()

        world.publish(message_of(1)[0])

        assert _seen("next") == [1]

    async def test_acknowledges_when_every_branch_has_ended(self, world: World) -> None:
        links = [("first", "Success", name) for name in ("a", "b", "c")]
        waits: tuple[str, dict[str, Any]] = ("test.Waits", {})
        world.graphs = [graph({"first": TAP, "a": waits, "b": TAP, "c": waits}, links)]
        await world.ready()
        message, receipt = message_of({"gate": "g"})

        world.publish(message)

        assert _seen("b") == [{"gate": "g"}]
        await until(lambda: len(Waits.running) == 2)
        assert not receipt.is_done
        Waits.gates["g"].set()
        await until(lambda: receipt.is_done)

    async def test_a_node_may_make_several_messages_of_one(self, world: World) -> None:
        links = [("split", "Success", "a"), ("split", "Success", "b")]
        world.graphs = [graph({"split": ("test.Several", {}), "a": TAP, "b": TAP}, links)]
        await world.ready()
        message, receipt = message_of({"a": 1})

        world.publish(message)

        parts = [{"part": 0}, {"part": 1}, {"part": 2}]
        assert (_seen("a"), _seen("b")) == (parts, parts)
        assert receipt.is_done

    async def test_several_messages_to_nowhere_acknowledge(self, world: World) -> None:
        world.graphs = [graph({"split": ("test.Several", {})}, [])]
        await world.ready()
        message, receipt = message_of({"a": 1})

        world.publish(message)

        assert receipt.is_done

    async def test_a_long_chain_runs_without_recursion(self, world: World) -> None:
        names = [f"n{number}" for number in range(3_000)]
        links = [(a, "Success", b) for a, b in pairwise(names)]
        world.graphs = [graph(dict.fromkeys(names, TAP), links)]
        await world.ready()
        message, receipt = message_of(1)

        world.publish(message)

        assert _seen(names[-1]) == [1]
        assert receipt.is_done

    async def test_a_message_may_pass_as_many_nodes_as_the_profile_allows(
        self, world: World
    ) -> None:
        world.execution_limit = 2
        links = [("a", "Success", "b"), ("a", "Success", "c"), ("b", "Success", "d")]
        world.graphs = [graph({"a": TAP, "b": TAP, "c": TAP, "d": TAP}, links)]
        await world.ready()
        message, receipt = message_of(1)

        world.publish(message)

        assert (_seen("b"), _seen("c"), _seen("d")) == ([1], [1], [])
        assert receipt.is_done
        assert "more than the 2 nodes" in _last_reason(world, "d")


class TestFailures:
    async def test_an_error_follows_failure(self, world: World) -> None:
        world.graphs = [
            graph({"bad": ("test.Fails", {}), "then": TAP}, [("bad", "Failure", "then")])
        ]
        await world.ready()
        before = world.engine.failures.count
        message, receipt = message_of(1)

        world.publish(message)

        assert _seen("then") == [1]
        assert receipt.is_done
        assert world.engine.failures.count == before

    async def test_a_failure_that_nobody_takes_is_recorded_and_acknowledged(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.graphs = [graph({"bad": ("test.Fails", {})}, [])]
        await world.ready()
        caplog.clear()
        messages = [message_of(1) for _ in range(30)]

        for message, _ in messages:
            world.publish(message)

        assert all(receipt.is_done for _, receipt in messages)
        assert _last_reason(world, "bad") == "bad is out of order"
        assert len(caplog.records) == 1
        assert "'bad'" in caplog.text
        kept = world.engine.failures.last(world.graphs[0].nodes[0].id)
        assert len(kept) == 10

    async def test_the_next_line_says_how_many_failed_since(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.graphs = [graph({"bad": ("test.Fails", {})}, [])]
        await world.ready()
        for _ in range(5):
            world.publish(message_of(1)[0])
        caplog.clear()
        world.clock.advance(10_000)

        world.publish(message_of(1)[0])

        assert caplog.records[0].getMessage().startswith("5 message(s) failed")

    async def test_a_node_that_cannot_start_fails_its_messages(self, world: World) -> None:
        world.graphs = [
            graph({"odd": ("test.NotThere", {}), "then": TAP}, [("odd", "Failure", "then")])
        ]
        await world.ready()
        message, receipt = message_of(1)

        world.publish(message)

        assert _seen("then") == [1]
        assert receipt.is_done


class TestWaitingNodes:
    async def test_one_originator_stays_in_order_and_others_go_on(self, world: World) -> None:
        world.graphs = [
            graph({"wait": ("test.Waits", {}), "after": TAP}, [("wait", "Success", "after")])
        ]
        await world.ready()
        slow = EntityRef(EntityType.DEVICE, new_id())
        world.publish(message_of({"gate": "closed", "n": 1}, originator=slow)[0])
        world.publish(message_of({"gate": "open", "n": 2}, originator=slow)[0])
        world.publish(message_of({"gate": "open", "n": 3})[0])
        Waits.gates.setdefault("open", asyncio.Event()).set()

        await until(lambda: len(TAPS["after"].seen) == 1)
        assert [data["n"] for data in _seen("after")] == [3]
        Waits.gates["closed"].set()
        await until(lambda: len(TAPS["after"].seen) == 3)

        assert [data["n"] for data in _seen("after")] == [3, 1, 2]

    async def test_a_hanging_node_fails_after_its_time(self) -> None:
        limits = EngineLimits(nodes=AsyncLimits(timeout_s=0.01), delays=RetryDelays(0, 0))
        world = World(node_types=[Waits], limits=limits)
        world.graphs = [
            graph({"wait": ("test.Waits", {}), "late": TAP}, [("wait", "Failure", "late")])
        ]
        await world.ready()
        message, receipt = message_of({"gate": "never"})

        world.publish(message)
        await until(lambda: receipt.is_done)

        assert len(TAPS["late"].seen) == 1
        await world.stop()

    @pytest.mark.parametrize("error", [TimeoutError("no answer"), asyncio.CancelledError()])
    async def test_what_a_node_waits_for_ends_badly(self, error: BaseException) -> None:
        world = World(node_types=[Breaks])
        Breaks.error = error
        world.graphs = [
            graph({"breaks": ("test.Breaks", {}), "late": TAP}, [("breaks", "Failure", "late")])
        ]
        await world.ready()
        originator = EntityRef(EntityType.DEVICE, new_id())
        sent = [message_of({"n": number}, originator=originator) for number in range(2)]

        for message, _ in sent:
            world.publish(message)
        await until(lambda: all(receipt.is_done for _, receipt in sent))

        assert [data["n"] for data in _seen("late")] == [0, 1]
        assert world.engine.waiting == 0
        await world.stop()

    async def test_runs_no_more_at_once_than_allowed(self) -> None:
        Waits.gates.clear()
        Waits.running.clear()
        limits = EngineLimits(nodes=AsyncLimits(timeout_s=5, concurrency=2))
        world = World(node_types=[Waits], limits=limits)
        world.graphs = [graph({"wait": ("test.Waits", {})}, [])]
        await world.ready()
        receipts = []
        for number in range(5):
            message, receipt = message_of({"gate": str(number)})
            receipts.append(receipt)
            world.publish(message)

        await until(lambda: len(Waits.running) == 2)
        assert world.engine.waiting == 5
        for number in range(5):
            Waits.gates.setdefault(str(number), asyncio.Event()).set()
        await until(lambda: all(receipt.is_done for receipt in receipts))

        assert world.engine.waiting == 0
        await world.stop()

    async def test_is_full_when_too_many_messages_wait(self) -> None:
        Waits.gates.clear()
        Waits.running.clear()
        world = World(node_types=[Waits], backlog_limit=4)
        world.graphs = [graph({"wait": ("test.Waits", {})}, [])]
        await world.ready()
        called: list[bool] = []

        for _ in range(4):
            world.publish(message_of({"gate": "g"})[0])
        world.engine.when_room(lambda: called.append(world.engine.is_full))

        assert world.engine.is_full
        assert called == []
        Waits.gates.setdefault("g", asyncio.Event()).set()
        await until(lambda: world.engine.waiting == 0)
        assert called == [False]
        await world.stop()


class TestLoading:
    async def test_messages_wait_in_order_for_a_store_that_is_away(self, world: World) -> None:
        world.load_errors = [Unavailable("away"), RuntimeError("odd"), Unavailable("away")]
        world.graphs = [graph({"root": TAP}, [])]

        for number in range(3):
            world.publish(message_of(number)[0])
        await until(lambda: world.engine.waiting == 0)

        assert _seen("root") == [0, 1, 2]
        assert world.loads == 4

    async def test_a_tenant_that_is_not_there_has_no_rules(self, world: World) -> None:
        world.load_errors = [NotFound("no such tenant")]
        message, receipt = message_of(1)

        world.publish(message)

        await until(lambda: receipt.is_done)

    async def test_a_saved_chain_replaces_the_old_one(self, world: World) -> None:
        world.graphs = [graph({"old": TAP}, [])]
        await world.ready()
        world.graphs = [graph({"new": TAP}, [])]

        world.engine.on_entity_changed(_event(EntityType.RULE_CHAIN, world.graphs[0].id))
        receipts = []
        for number in range(3):
            message, receipt = message_of(number)
            receipts.append(receipt)
            world.publish(message)
        await until(lambda: all(receipt.is_done for receipt in receipts))

        assert (_seen("old"), _seen("new")) == ([], [0, 1, 2])

    async def test_a_node_that_did_not_change_outlives_the_reload(self, world: World) -> None:
        ids = {"kept": new_id()}
        world.graphs = [graph({"kept": TAP}, [], ids=ids)]
        await world.ready()
        before = TAPS["kept"]
        world.graphs = [graph({"kept": TAP, "more": TAP}, [("kept", "Success", "more")], ids=ids)]

        world.engine.on_entity_changed(_event(EntityType.RULE_CHAIN, new_id()))
        await until(lambda: "more" in TAPS)
        await until(lambda: not world.engine._tenants._tasks)
        world.publish(message_of(1)[0])

        assert TAPS["kept"] is before
        assert [message.data for message in before.seen] == [1]
        assert _seen("more") == [1]

    async def test_what_waits_in_a_node_goes_on_through_the_new_chain(self, world: World) -> None:
        ids = {"wait": new_id()}
        world.graphs = [graph({"wait": ("test.Waits", {})}, [], ids=ids)]
        await world.ready()
        originator = EntityRef(EntityType.DEVICE, new_id())
        message, receipt = message_of({"gate": "g", "n": 1}, originator=originator)
        world.publish(message)
        await until(lambda: bool(Waits.running))
        world.graphs = [
            graph({"wait": ("test.Waits", {}), "then": TAP}, [("wait", "Success", "then")], ids=ids)
        ]
        world.engine.on_entity_changed(_event(EntityType.RULE_CHAIN, new_id()))
        await until(lambda: "then" in TAPS)
        await until(lambda: not world.engine._tenants._tasks)
        world.publish(message_of({"gate": "g", "n": 2}, originator=originator)[0])

        Waits.gates["g"].set()
        await until(lambda: len(TAPS["then"].seen) == 2)

        assert [data["n"] for data in _seen("then")] == [1, 2]
        assert receipt.is_done

    async def test_another_limit_in_a_tenant_profile_counts_at_once(self, world: World) -> None:
        world.graphs = [graph({"a": TAP, "b": TAP}, [("a", "Success", "b")])]
        await world.ready()
        world.execution_limit = 1

        world.engine.on_entity_changed(_event(EntityType.TENANT_PROFILE, new_id()))
        await until(lambda: not world.engine._tenants._tasks)
        world.publish(message_of(1)[0])

        assert (len(TAPS["a"].seen), len(TAPS["b"].seen)) == (1, 0)

    async def test_a_deleted_tenant_is_forgotten(self, world: World) -> None:
        world.graphs = [graph({"root": TAP}, [])]
        await world.ready()

        world.engine.on_entity_changed(_event(EntityType.TENANT, TENANT, Change.DELETED))
        world.graphs = []
        message, receipt = message_of(1)
        world.publish(message)
        await until(lambda: receipt.is_done)

        assert _seen("root") == []

    async def test_keeps_no_more_tenants_than_allowed(self) -> None:
        world = World(limits=EngineLimits(tenants=2))
        tenants = [new_id() for _ in range(3)]
        world.graphs = [graph({str(t): TAP}, [], tenant_id=t) for t in tenants]
        for tenant_id in tenants:
            await world.ready(tenant_id)
            await until(lambda: not world.engine._tenants._tasks)
        loads = world.loads

        await world.ready(tenants[0])

        assert world.loads == loads + 1
        await world.stop()


def _last_reason(world: World, name: str) -> str:
    nodes = {node.name: node.id for chain in world.graphs for node in chain.nodes}
    return world.engine.failures.last(nodes[name])[-1].reason


class TestStopping:
    async def test_lets_nodes_finish_what_waits(self, world: World) -> None:
        world.graphs = [graph({"wait": ("test.Waits", {})}, [])]
        await world.ready()
        message, receipt = message_of({"gate": "g"})
        world.publish(message)
        await until(lambda: bool(Waits.running))

        stopping = asyncio.create_task(world.engine.stop(grace_s=5))
        await asyncio.sleep(0)
        Waits.gates["g"].set()
        await stopping

        assert receipt.is_done

    async def test_gives_up_what_takes_too_long_without_acknowledging(self, world: World) -> None:
        world.graphs = [graph({"wait": ("test.Waits", {})}, [])]
        await world.ready()
        message, receipt = message_of({"gate": "never"})
        world.publish(message)
        await until(lambda: bool(Waits.running))

        await world.engine.stop(grace_s=0.01)

        assert not receipt.is_done

    async def test_a_deleted_tenants_messages_still_end(self, world: World) -> None:
        world.graphs = [graph({"wait": ("test.Waits", {})}, [])]
        await world.ready()
        message, receipt = message_of({"gate": "g"})
        world.publish(message)
        await until(lambda: bool(Waits.running))

        world.engine.on_entity_changed(_event(EntityType.TENANT, TENANT, Change.DELETED))
        Waits.gates["g"].set()
        await until(lambda: receipt.is_done)

        assert world.engine.waiting == 0

    async def test_messages_that_waited_for_a_deleted_tenants_rules_end(self, world: World) -> None:
        world.load_errors = [Unavailable("away")] * 1_000
        message, receipt = message_of(1)
        world.publish(message)

        world.engine.on_entity_changed(_event(EntityType.TENANT, TENANT, Change.DELETED))

        assert receipt.is_done
        assert world.engine.waiting == 0
