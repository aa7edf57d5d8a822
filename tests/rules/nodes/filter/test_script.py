"""A script decides between True and False."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.rules.scripts.sandbox import ScriptLimits
from tests.rules.support import TAP, TAPS, World, graph, message_of
from tests.waiting import until

SCRIPT = "org.thingsboard.rule.engine.filter.TbJsFilterNode"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World(script_limits=ScriptLimits(timeout_s=0.05))
    yield world
    await world.stop()


async def _run(
    world: World, body: str, *data: object, metadata: dict[str, str] | None = None
) -> None:
    """Send messages through a filter, and wait until all are acknowledged."""
    configuration = {"scriptLang": "JS", "jsScript": body, "tbelScript": ""}
    world.graphs = [
        graph(
            {"filter": (SCRIPT, configuration), "True": TAP, "False": TAP, "Failure": TAP},
            [("filter", name, name) for name in ("True", "False", "Failure")],
        )
    ]
    await world.ready()
    originator = EntityRef(EntityType.DEVICE, new_id())
    receipts = []
    for item in data:
        message, receipt = message_of(item, metadata=metadata, originator=originator)
        receipts.append(receipt)
        world.publish(message)
    await until(lambda: all(receipt.is_done for receipt in receipts))


def _seen(name: str) -> list[Any]:
    return [message.data for message in TAPS[name].seen]


async def test_follows_true_or_false_in_order(world: World) -> None:
    await _run(world, "return msg.n % 2 === 0;", *({"n": n} for n in range(600)))

    assert [data["n"] for data in _seen("True")] == list(range(0, 600, 2))
    assert [data["n"] for data in _seen("False")] == list(range(1, 600, 2))


async def test_sees_metadata_and_type(world: World) -> None:
    body = "return metadata.deviceType === 'pump' && msgType === 'POST_TELEMETRY_REQUEST';"

    await _run(world, body, {}, metadata={"deviceType": "pump"})

    assert _seen("True") == [{}]


@pytest.mark.parametrize(
    "body",
    [
        "return 1;",
        "return 'true';",
        "return;",
        "return msg.a.b;",
        "throw 'odd';",
        "return '\\ud800';",
    ],
)
async def test_anything_else_follows_failure(world: World, body: str) -> None:
    await _run(world, body, {})

    assert _seen("Failure") == [{}]


async def test_a_hanging_script_follows_failure_and_others_go_on(world: World) -> None:
    await _run(world, "while (msg.hang) {} return true;", {"hang": 1}, {"hang": 0})

    assert (_seen("Failure"), _seen("True")) == ([{"hang": 1}], [{"hang": 0}])


async def test_the_default_script_is_understood_in_its_default_language(world: World) -> None:
    world.graphs = [
        graph(
            {"filter": (SCRIPT, {}), "True": TAP, "False": TAP},
            [("filter", "True", "True"), ("filter", "False", "False")],
        )
    ]
    await world.ready()
    receipts = []
    for temperature in (20, 21):
        message, receipt = message_of({"temperature": temperature})
        receipts.append(receipt)
        world.publish(message)
    await until(lambda: all(receipt.is_done for receipt in receipts))

    assert (_seen("False"), _seen("True")) == ([{"temperature": 20}], [{"temperature": 21}])


async def test_a_script_that_does_not_compile_makes_the_node_fail(world: World) -> None:
    await _run(world, "return (", {})

    assert _seen("Failure") == [{}]
