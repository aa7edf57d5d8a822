"""Attributes on their way to the store."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from fieldline.kit.errors import Invalid
from fieldline.messaging.events import AttributesSaved
from fieldline.messaging.receipt import Receipt
from fieldline.rules.registry import discover
from fieldline.timeseries.store import Scope
from tests.rules.support import TAP, TAPS, World, graph, message_of

SAVE = "org.thingsboard.rule.engine.telemetry.TbMsgAttributesNode"
SWITCH = "org.thingsboard.rule.engine.filter.TbMsgTypeSwitchNode"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.stop()


async def _prepare(world: World, **configuration: object) -> None:
    nodes = {
        "switch": (SWITCH, {}),
        "save": (SAVE, {**configuration}),
        "Success": TAP,
        "Failure": TAP,
        "updated": TAP,
    }
    links = [
        ("switch", "Post attributes", "save"),
        ("switch", "Post telemetry", "save"),
        ("switch", "Attributes Updated", "updated"),
        ("save", "Success", "Success"),
        ("save", "Failure", "Failure"),
    ]
    world.graphs = [graph(nodes, links)]
    await world.ready()


def _send(world: World, data: object, **fields: Any) -> Receipt:
    message, receipt = message_of(data, **{"type": "POST_ATTRIBUTES_REQUEST", **fields})
    world.publish(message)
    return receipt


def _counts() -> tuple[int, int]:
    return len(TAPS["Success"].seen), len(TAPS["Failure"].seen)


async def test_success_and_the_acknowledgement_follow_the_commit(world: World) -> None:
    await _prepare(world)

    receipt = _send(world, {"a": 1, "o": {"x": 1}})

    assert (_counts(), receipt.is_done) == ((0, 0), False)
    world.writer.commit()
    assert (_counts(), receipt.is_done) == ((1, 0), True)
    assert world.writer.attributes[0].values == {"a": 1, "o": '{"x":1}'}


@pytest.mark.parametrize(
    ("configured", "metadata", "scope"),
    [
        ("CLIENT_SCOPE", {}, Scope.CLIENT),
        ("CLIENT_SCOPE", {"scope": ""}, Scope.CLIENT),
        ("CLIENT_SCOPE", {"scope": "SHARED_SCOPE"}, Scope.SHARED),
    ],
)
async def test_the_scope_is_the_metadatas_else_the_nodes(
    world: World, configured: str, metadata: dict[str, str], scope: Scope
) -> None:
    await _prepare(world, scope=configured)

    _send(world, {"a": 1}, metadata=metadata)

    assert world.writer.attributes[0].scope is scope
    assert world.evaluator.submitted[0].scope is scope


@pytest.mark.parametrize(
    ("configured", "metadata", "notify"),
    [
        (False, {"notifyDevice": "false"}, False),
        (False, {"notifyDevice": "true"}, True),
        (False, {"notifyDevice": ""}, True),
        (False, {}, True),
        (True, {"notifyDevice": "false"}, True),
    ],
)
async def test_asks_to_notify_the_device(
    world: World, configured: bool, metadata: dict[str, str], notify: bool
) -> None:
    await _prepare(world, notifyDevice=configured)

    _send(world, {"a": 1}, metadata=metadata)

    assert world.writer.attributes[0].notify_device is notify


@pytest.mark.parametrize("only_changed", [True, False])
async def test_may_store_only_what_changed(world: World, only_changed: bool) -> None:
    await _prepare(world, updateAttributesOnlyOnValueChange=only_changed)

    _send(world, {"a": 1})

    assert world.writer.attributes[0].only_changed is only_changed


@pytest.mark.parametrize(("scope", "told"), [("SHARED_SCOPE", 1), ("CLIENT_SCOPE", 0)])
async def test_may_tell_the_rules_of_what_was_written(world: World, scope: str, told: int) -> None:
    await _prepare(world, scope=scope, sendAttributesUpdatedNotification=True)

    _send(world, {"a": 1, "o": {"x": 1}}, metadata={"m": "1"})
    assert TAPS["updated"].seen == []
    world.writer.commit()

    seen = [(message.data, message.metadata) for message in TAPS["updated"].seen]
    assert seen == [({"a": 1, "o": {"x": 1}}, {"m": "1", "scope": scope})] * told


async def test_an_empty_object_is_a_success(world: World) -> None:
    await _prepare(world)

    receipt = _send(world, {})

    assert (_counts(), receipt.is_done) == ((1, 0), True)


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ([], {}),
        ("x", {}),
        ({"a": None}, {}),
        ({"a": 1}, {"type": "POST_TELEMETRY_REQUEST"}),
        ({"a": 1}, {"metadata": {"scope": "MY_SCOPE"}}),
    ],
)
async def test_anything_else_follows_failure(
    world: World, data: object, fields: dict[str, Any]
) -> None:
    await _prepare(world)

    receipt = _send(world, data, **fields)

    assert (_counts(), receipt.is_done) == ((0, 1), True)


async def test_what_the_writer_refuses_follows_failure(world: World) -> None:
    await _prepare(world)
    receipt = _send(world, {"a": 1})

    world.writer.commit(Invalid("no"))

    assert (_counts(), receipt.is_done) == ((0, 1), True)


async def test_a_writer_that_refuses_at_once_follows_failure(world: World) -> None:
    await _prepare(world)

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise Invalid("key too long")

    world.writer.save_attributes = refuse

    receipt = _send(world, {"a": 1})

    assert (_counts(), receipt.is_done) == ((0, 1), True)


async def test_websockets_only_shows_and_stores_nothing(world: World) -> None:
    await _prepare(world, processingSettings={"type": "WEBSOCKETS_ONLY"})
    shown: list[AttributesSaved] = []
    world.bus.listen(AttributesSaved, shown.append)

    receipt = _send(world, {"a": 1})

    assert (world.writer.attributes, _counts(), receipt.is_done) == ([], (1, 0), True)
    assert [(event.values, event.notify_device) for event in shown] == [({"a": 1}, False)]


async def test_may_skip_everything(world: World) -> None:
    skip = {"type": "SKIP"}
    settings = {
        "type": "ADVANCED",
        "attributes": skip,
        "webSockets": skip,
        "calculatedFields": skip,
    }
    await _prepare(world, processingSettings=settings)

    receipt = _send(world, {"a": 1})

    assert (world.writer.attributes, world.evaluator.submitted) == ([], [])
    assert (_counts(), receipt.is_done) == ((1, 0), True)


async def test_one_message_of_each_interval_may_be_enough(world: World) -> None:
    settings = {"type": "DEDUPLICATE", "deduplicationIntervalSecs": 60}
    await _prepare(world, processingSettings=settings)
    message, _ = message_of({"a": 1}, type="POST_ATTRIBUTES_REQUEST")

    world.publish(message)
    _send(world, {"a": 2}, originator=message.originator)

    assert [saved.values for saved in world.writer.attributes] == [{"a": 1}]


def test_old_configurations_are_brought_up_to_date() -> None:
    old = {
        "scope": "CLIENT_SCOPE",
        "notifyDevice": None,
        "sendAttributesUpdatedNotification": "true",
    }

    upgraded, version = discover().prepare(SAVE, "save", old, 0)

    assert version == 3
    assert upgraded == {
        "scope": "CLIENT_SCOPE",
        "notifyDevice": True,
        "sendAttributesUpdatedNotification": True,
        "updateAttributesOnlyOnValueChange": False,
        "processingSettings": {"type": "ON_EVERY_MESSAGE"},
    }
