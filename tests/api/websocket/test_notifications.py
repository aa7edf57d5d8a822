"""Notifications over a real socket: there are none."""

from tests.api.websocket.server import watching
from tests.domains.telemetry.platform import Platform


async def test_nobody_has_notifications(platform: Platform) -> None:
    shared = {"errorCode": 0, "errorMsg": None, "totalUnreadCount": 0, "sequenceNumber": 1}
    for caller in (platform.admin, platform.customer_user):
        async with watching(platform, caller) as client:
            count = await client.ask({"cmds": [{"type": "NOTIFICATIONS_COUNT", "cmdId": 1}]})
            latest = await client.ask(
                {"cmds": [{"type": "NOTIFICATIONS", "cmdId": 2, "limit": 10, "types": ["ALARM"]}]}
            )

        assert count == {"cmdId": 1, "cmdUpdateType": "NOTIFICATIONS_COUNT", **shared}
        assert latest == {
            "cmdId": 2,
            "cmdUpdateType": "NOTIFICATIONS",
            "notifications": [],
            "update": None,
            **shared,
        }


async def test_marking_is_not_answered(platform: Platform) -> None:
    marked = {"type": "MARK_NOTIFICATIONS_AS_READ", "cmdId": 1, "notifications": []}
    every = {"type": "MARK_ALL_NOTIFICATIONS_AS_READ", "cmdId": 2}
    asked = {"type": "NOTIFICATIONS_COUNT", "cmdId": 3}

    async with watching(platform, platform.admin) as client:
        answer = await client.ask({"cmds": [marked, every, asked]})

    assert answer["cmdId"] == 3


async def test_a_negative_id_is_refused(platform: Platform) -> None:
    async with watching(platform, platform.admin) as client:
        refused = await client.ask({"cmds": [{"type": "NOTIFICATIONS", "cmdId": -1}]})

    assert (refused["subscriptionId"], refused["errorCode"]) == (-1, 2)
    assert refused["errorMsg"] == "Cmd id is negative value!"


async def test_a_command_that_is_no_notifications_id_is_refused(platform: Platform) -> None:
    command = {"type": "MARK_NOTIFICATIONS_AS_READ", "cmdId": 1, "notifications": ["x"]}

    async with watching(platform, platform.admin) as client:
        refused = await client.ask({"cmds": [command]})

    assert refused["errorMsg"] == "Failed to parse the payload"
