"""Answers to devices, found by rules."""

import pytest

from fieldline.kit.ids import EntityType
from tests.rules.support import TAPS, World, graph, message_of

REPLY = "org.thingsboard.rule.engine.rpc.TbSendRPCReplyNode"


async def world_with(**config: str) -> World:
    world = World()
    nodes = {"reply": (REPLY, config), "done": ("test.Tap", {})}
    world.graphs = [graph(nodes, [("reply", "Success", "done")])]
    await world.ready()
    world.downlink.waiting.add(7)
    return world


async def test_the_data_is_the_answer() -> None:
    world = await world_with()
    message, receipt = message_of({"time": 5}, metadata={"requestId": "7"})

    world.publish(message)

    assert world.downlink.answers == [(message.originator.id, 7, b'{"time":5}')]
    assert len(TAPS["done"].seen) == 1
    assert receipt.is_done
    await world.stop()


async def test_the_number_may_stand_elsewhere() -> None:
    world = await world_with(requestIdMetaDataAttribute="of")

    world.publish(message_of({}, metadata={"of": "7"})[0])

    assert [answer[1] for answer in world.downlink.answers] == [7]
    await world.stop()


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({}, "The metadata 'requestId' is no number of a request: ''"),
        ({"requestId": "x"}, "The metadata 'requestId' is no number of a request: 'x'"),
        ({"requestId": "8"}, "The device does not wait for an answer to request 8 any more"),
    ],
)
async def test_an_answer_to_nothing_fails(metadata: dict[str, str], reason: str) -> None:
    world = await world_with()

    world.publish(message_of({}, metadata=metadata)[0])

    [failure] = world.engine.failures.last(world.graphs[0].nodes[0].id)
    assert failure.reason == reason
    await world.stop()


async def test_only_devices_are_answered() -> None:
    world = await world_with()
    message, _ = message_of({}, metadata={"requestId": "7"})
    message.originator = message.originator._replace(type=EntityType.ASSET)

    world.publish(message)

    assert world.downlink.answers == []
    await world.stop()
