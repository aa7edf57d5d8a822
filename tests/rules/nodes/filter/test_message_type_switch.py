"""Each type of message has its relation."""

from typing import Any

import pytest

from tests.rules.support import TAPS, World, graph, message_of

SWITCH = "org.thingsboard.rule.engine.filter.TbMsgTypeSwitchNode"


@pytest.mark.parametrize(
    ("kind", "relation"),
    [
        ("POST_TELEMETRY_REQUEST", "Post telemetry"),
        ("POST_ATTRIBUTES_REQUEST", "Post attributes"),
        ("TO_SERVER_RPC_REQUEST", "RPC Request from Device"),
        ("RPC_CALL_FROM_SERVER_TO_DEVICE", "RPC Request to Device"),
        ("ALARM_ACK", "Alarm Acknowledged"),
        ("RELATIONS_DELETED", "All Relations Deleted"),
        ("REST_API_REQUEST", "REST API request"),
        ("ALARM_DELETE", "Other"),
        ("PROVISION_SUCCESS", "Other"),
        ("of my own", "Other"),
    ],
)
async def test_follows_the_relation_of_the_type(kind: str, relation: str) -> None:
    world = World()
    tap: tuple[str, dict[str, Any]] = ("test.Tap", {})
    links = [("switch", relation, "right"), ("switch", "Alarm", "wrong")]
    world.graphs = [graph({"switch": (SWITCH, {}), "right": tap, "wrong": tap}, links)]
    await world.ready()

    world.publish(message_of({}, type=kind)[0])

    assert (len(TAPS["right"].seen), len(TAPS["wrong"].seen)) == (1, 0)
    await world.stop()
