"""Commands to devices, sent by rules."""

from typing import Any
from uuid import UUID

import pytest

from fieldline.domains.rpc.command import Answer, RpcError
from fieldline.domains.rpc.events import RpcAnswered
from fieldline.kit.ids import EntityType, new_id
from tests.rules.support import TAPS, World, graph, message_of

RPC = "org.thingsboard.rule.engine.rpc.TbSendRPCRequestNode"
CALL = {"method": "reboot", "params": {"delay": 5}}


async def world_with(config: dict[str, Any] | None = None) -> World:
    world = World()
    nodes = {"rpc": (RPC, config or {}), "done": ("test.Tap", {}), "failed": ("test.Tap", {})}
    world.graphs = [graph(nodes, [("rpc", "Success", "done"), ("rpc", "Failure", "failed")])]
    await world.ready()
    return world


async def test_the_message_ends_and_the_answer_goes_on() -> None:
    world = await world_with()
    message, receipt = message_of(CALL, metadata={"k": "v"})
    world.publish(message)

    [(command, then)] = world.downlink.sent
    was_done, seen_before = receipt.is_done, list(TAPS["done"].seen)
    then(Answer('{"ok":true}'))

    assert (was_done, seen_before) == (True, [])
    assert (command.method, command.params) == ("reboot", {"delay": 5})
    assert command.device_id == message.originator.id
    assert command.expires_ms == world.clock.now_ms() + 60_000
    assert not command.is_oneway
    assert not command.is_persistent
    [following] = TAPS["done"].seen
    assert (following.data, following.metadata["k"]) == ({"ok": True}, "v")
    await world.stop()


@pytest.mark.parametrize(
    ("response", "data"), [(None, {}), ("null", None), ("5", 5), ("plain text", "plain text")]
)
async def test_any_answer_goes_on(response: str | None, data: object) -> None:
    world = await world_with()
    world.publish(message_of(CALL)[0])

    world.downlink.sent[0][1](Answer(response))

    assert [message.data for message in TAPS["done"].seen] == [data]
    await world.stop()


async def test_an_error_follows_failure_and_says_which() -> None:
    world = await world_with()
    world.publish(message_of(CALL)[0])

    world.downlink.sent[0][1](Answer(error=RpcError.TIMEOUT))

    assert [message.data for message in TAPS["failed"].seen] == [{"error": "TIMEOUT"}]
    await world.stop()


async def test_metadata_says_how() -> None:
    world = await world_with({"timeoutInSeconds": 5})
    request_id = new_id()
    metadata = {
        "oneway": "true",
        "persistent": "true",
        "requestUUID": str(request_id),
        "expirationTime": "99",
        "retries": "2",
    }

    world.publish(message_of({**CALL, "additionalInfo": {"a": 1}}, metadata=metadata)[0])

    command = world.downlink.sent[0][0]
    assert command.id == request_id
    assert (command.is_oneway, command.is_persistent) == (True, True)
    assert (command.expires_ms, command.retries) == (99, 2)
    assert command.additional_info == {"a": 1}
    await world.stop()


async def test_retries_are_limited_by_the_server() -> None:
    world = await world_with()

    world.publish(message_of(CALL, metadata={"retries": "1000"})[0])

    assert world.downlink.sent[0][0].retries == 5
    await world.stop()


@pytest.mark.parametrize(
    ("kind", "answers"), [("RPC_CALL_FROM_SERVER_TO_DEVICE", 1), ("POST_TELEMETRY_REQUEST", 0)]
)
async def test_who_asked_by_rest_is_answered(kind: str, answers: int) -> None:
    world = await world_with()
    told: list[RpcAnswered] = []
    world.bus.listen(RpcAnswered, told.append)
    request_id = new_id()
    metadata = {"requestUUID": str(request_id)}

    message, _ = message_of(CALL, type=kind, metadata=metadata)
    world.publish(message)
    world.downlink.sent[0][1](Answer("1"))

    assert told == [RpcAnswered(message.tenant_id, request_id, Answer("1"))] * answers
    await world.stop()


@pytest.mark.parametrize(
    ("data", "metadata", "reason"),
    [
        ({"params": {}}, {}, "no 'method'"),
        ({"method": 5, "params": {}}, {}, "no 'method'"),
        ({"method": "m"}, {}, "no 'params'"),
        ([], {}, "no 'method'"),
        (CALL, {"expirationTime": "soon"}, "'expirationTime' is not a whole number: 'soon'"),
        (CALL, {"expirationTime": "9" * 20}, "'expirationTime' is larger than 2^53"),
        (CALL, {"requestUUID": "7"}, "'requestUUID' is not a UUID: '7'"),
    ],
)
async def test_what_is_no_command_fails(data: Any, metadata: dict[str, str], reason: str) -> None:
    world = World()
    world.graphs = [graph({"rpc": (RPC, {})}, [])]
    await world.ready()
    message, receipt = message_of(data, metadata=metadata)

    world.publish(message)

    [failure] = world.engine.failures.last(world.graphs[0].nodes[0].id)
    assert reason in failure.reason
    assert receipt.is_done
    await world.stop()


async def test_only_devices_take_commands() -> None:
    world = World()
    world.graphs = [graph({"rpc": (RPC, {})}, [])]
    await world.ready()
    message, _ = message_of(CALL)
    message.originator = message.originator._replace(type=EntityType.ASSET)

    world.publish(message)

    [failure] = world.engine.failures.last(world.graphs[0].nodes[0].id)
    assert failure.reason == "The originator of the message is not a device"
    assert isinstance(message.originator.id, UUID)
    await world.stop()
