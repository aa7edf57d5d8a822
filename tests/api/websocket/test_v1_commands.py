"""ATTRIBUTES, TIMESERIES and TIMESERIES_HISTORY over a real socket."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from fieldline.database.engine import Database
from fieldline.kit.clock import ManualClock
from fieldline.kit.ids import EntityRef
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.timeseries.store import Deletion, Point, Scope
from tests.api.websocket.server import watching
from tests.domains.telemetry.platform import Json, Platform, running_platform

NOW = 1_700_000_000_000
OLD = "/api/ws/plugins/telemetry"


def command(kind: str, entity: EntityRef, cmd_id: int = 1, **fields: Json) -> dict[str, Any]:
    return {
        "type": kind,
        "cmdId": cmd_id,
        "entityType": entity.type.value,
        "entityId": str(entity.id),
        **fields,
    }


def cmds(*commands: dict[str, Any]) -> dict[str, Any]:
    return {"cmds": list(commands)}


def update(cmd_id: int, data: dict[str, list[list[Any]]]) -> dict[str, Any]:
    return {
        "subscriptionId": cmd_id,
        "errorCode": 0,
        "errorMsg": None,
        "data": data,
        "latestValues": {key: points[-1][0] for key, points in data.items()},
    }


async def save(platform: Platform, ts: int, **values: Json) -> None:
    await platform.telemetry.save_readings(platform.admin, platform.device, [(ts, values)])


async def test_a_new_subscription_shows_the_latest_values_then_every_point(
    platform: Platform,
) -> None:
    await save(platform, 10, a=1.0, b="x")
    async with watching(platform, platform.admin) as client:
        first = await client.ask(cmds(command("TIMESERIES", platform.device, keys="a,c")))
        await save(platform, 20, a=2.0, b="y")
        second = await client.receive()
        await save(platform, 15, a=1.5)
        late = await client.receive()

    assert first == update(1, {"a": [[10, "1.0"]], "c": [[NOW, None]]})
    assert second == update(1, {"a": [[20, "2.0"]]})
    assert late == update(1, {"a": [[15, "1.5"]]})


async def test_without_keys_every_key_is_shown(platform: Platform) -> None:
    await save(platform, 10, b=1)
    async with watching(platform, platform.admin, OLD) as client:
        wrapped = command("TIMESERIES", platform.device) | {"type": None}
        first = await client.ask({"tsSubCmds": [wrapped]})
        await save(platform, 20, fresh=True)
        second = await client.receive()

    assert first == update(1, {"b": [[10, "1"]]})
    assert second == update(1, {"fresh": [[20, "true"]]})


async def test_latest_telemetry_shows_only_newer_values(platform: Platform) -> None:
    await save(platform, 10, a=1)
    async with watching(platform, platform.admin) as client:
        subscribe = command("TIMESERIES", platform.device, keys="a", scope="LATEST_TELEMETRY")
        await client.ask(cmds(subscribe))
        await save(platform, 5, a=0)
        await save(platform, 30, a=3)
        second = await client.receive()

    assert second == update(1, {"a": [[30, "3"]]})


async def test_a_window_begins_with_its_history(platform: Platform) -> None:
    for ts in (10, 20, 30):
        await save(platform, ts, a=ts)
    async with watching(platform, platform.admin) as client:
        subscribe = command("TIMESERIES", platform.device, keys="a", startTs=15, timeWindow=100)
        first = await client.ask(cmds(subscribe))
        await save(platform, 40, a=40)
        second = await client.receive()

    assert first == update(1, {"a": [[30, "30"], [20, "20"]]})
    assert second == update(1, {"a": [[40, "40"]]})


async def test_what_is_stored_in_one_batch_is_one_frame(platform: Platform) -> None:
    async with watching(platform, platform.admin) as client:
        await client.ask(cmds(command("TIMESERIES", platform.device, keys="a")))
        await platform.telemetry.save_readings(
            platform.admin, platform.device, [(ts, {"a": ts}) for ts in range(1, 101)]
        )
        joined = await client.receive()

    assert joined == update(1, {"a": [[ts, str(ts)] for ts in range(1, 101)]})


class SlowStore(MemoryStore):
    """A store whose answers are out of date when they arrive."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()

    async def latest(
        self, entity_id: UUID, keys: tuple[str, ...] | None = None
    ) -> dict[str, Point]:
        found = await super().latest(entity_id, keys)
        self.asked.set()
        await self.answer.wait()
        return found


@pytest.mark.parametrize("scope", ["", "LATEST_TELEMETRY"])
async def test_what_is_stored_while_the_first_reply_is_made_follows_it(
    sqlite_database: Database, clock: ManualClock, scope: str
) -> None:
    store = SlowStore()
    async with (
        running_platform(sqlite_database, clock, store=store) as platform,
        watching(platform, platform.admin) as client,
    ):
        await save(platform, 10, a=1)
        await client.send(cmds(command("TIMESERIES", platform.device, keys="a", scope=scope)))
        await store.asked.wait()
        await save(platform, 20, a=2)
        store.answer.set()

        first = await client.receive()
        second = await client.receive()

    assert first == update(1, {"a": [[10, "1"]]})
    assert second == update(1, {"a": [[20, "2"]]})


async def test_attributes_show_present_values_then_changes(platform: Platform) -> None:
    await platform.telemetry.save_attributes(
        platform.admin, platform.device, Scope.SERVER, {"a": 1, "b": 2}
    )
    async with watching(platform, platform.admin) as client:
        subscribe = command("ATTRIBUTES", platform.device, keys="a,c", scope="SERVER_SCOPE")
        first = await client.ask(cmds(subscribe))
        platform.clock.advance(5)
        await platform.telemetry.save_attributes(
            platform.admin, platform.device, Scope.SHARED, {"a": 9}
        )
        await platform.telemetry.save_attributes(
            platform.admin, platform.device, Scope.SERVER, {"a": 3, "b": 4}
        )
        second = await client.receive()
        await platform.telemetry.delete_attributes(
            platform.admin, platform.device, Scope.SERVER, ["a"]
        )
        third = await client.receive()

    assert first == update(1, {"a": [[NOW, "1"]]})
    assert second == update(1, {"a": [[NOW + 5, "3"]]})
    assert third == update(1, {"a": [[0, ""]]})


async def test_a_deleted_reading_is_shown_as_empty(platform: Platform) -> None:
    await save(platform, 10, a=1)
    async with watching(platform, platform.admin) as client:
        await client.ask(cmds(command("TIMESERIES", platform.device, keys="a")))
        await platform.telemetry.delete_readings(
            platform.admin, platform.device, Deletion(platform.device.id, ("a",))
        )
        deleted = await client.receive()

    assert deleted == update(1, {"a": [[0, ""]]})


async def test_history_is_answered_once(platform: Platform) -> None:
    for ts in (10, 20, 30):
        await save(platform, ts, a=ts)
    async with watching(platform, platform.admin, OLD) as client:
        wrapped = command("", platform.device, 7, keys="a", startTs=0, endTs=100, limit=2)
        del wrapped["type"]
        answer = await client.ask({"historyCmds": [wrapped]})

    assert answer == update(7, {"a": [[30, "30"], [20, "20"]]})


async def test_an_ended_subscription_is_silent(platform: Platform) -> None:
    async with watching(platform, platform.admin) as client:
        subscribe = command("TIMESERIES", platform.device, keys="a")
        other = command("TIMESERIES", platform.device, 2, keys="a")
        await client.ask(cmds(subscribe))
        await client.ask(cmds(other))
        await client.send(cmds(subscribe | {"unsubscribe": True}))
        await client.ask(cmds(command("TIMESERIES_HISTORY", platform.device, 3)))
        await save(platform, 10, a=1)
        live = await client.receive()
        await client.send(cmds(other | {"unsubscribe": True, "entityId": ""}))
        await client.ask(cmds(command("TIMESERIES_HISTORY", platform.device, 3)))

        assert live["subscriptionId"] == 2
        assert platform.hub.watched == 0


async def test_the_end_of_a_socket_ends_its_subscriptions(platform: Platform) -> None:
    async with watching(platform, platform.admin) as client:
        await client.ask(cmds(command("TIMESERIES", platform.device, keys="a")))
        assert platform.hub.watched == 1

    assert platform.hub.watched == 0


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"type": "TIMESERIES", "cmdId": -1}, 2, "Cmd id is negative value!"),
    ({"type": "TIMESERIES", "entityId": ""}, 2, "Device id is empty!"),
    ({"type": "TIMESERIES_HISTORY", "entityId": ""}, 2, "Device id is empty!"),
    ({"type": "TIMESERIES_HISTORY"}, 2, "Keys are empty!"),
    ({"type": "TIMESERIES", "entityId": str(uuid4())}, 1, "Failed to fetch data!"),
    (
        {"type": "TIMESERIES_HISTORY", "entityId": str(uuid4()), "keys": "a", "endTs": 5},
        1,
        "Failed to fetch data!",
    ),
    ({"type": "ATTRIBUTES", "entityId": str(uuid4())}, 1, "Failed to fetch attributes!"),
    ({"type": "ATTRIBUTES", "scope": "MY_SCOPE"}, 2, "Invalid scope: MY_SCOPE"),
    ({"type": "ENTITY_DATA", "entityId": None, "entityType": None}, 2, "Query is empty!"),
    (
        {"type": "ENTITY_COUNT"},
        2,
        "Command type ENTITY_COUNT is not served by this server",
    ),
]


async def test_a_wrong_command_is_answered_and_the_socket_stays(platform: Platform) -> None:
    async with watching(platform, platform.admin) as client:
        for fields, code, text in WRONG:
            refused = await client.ask(cmds(command("", platform.device) | fields))

            assert refused == {
                "subscriptionId": fields.get("cmdId", 1),
                "errorCode": code,
                "errorMsg": text,
                "data": None,
                "latestValues": {},
            }
        after = await client.ask(cmds(command("TIMESERIES", platform.device, 9, keys="a")))

    assert after["subscriptionId"] == 9


@pytest.mark.parametrize("who", ["stranger", "customer_user"])
async def test_nobody_watches_what_is_not_theirs(platform: Platform, who: str) -> None:
    async with watching(platform, getattr(platform, who)) as client:
        for kind in ("TIMESERIES", "ATTRIBUTES"):
            refused = await client.ask(cmds(command(kind, platform.device)))
            assert refused["errorCode"] == 1

        assert platform.hub.watched == 0


UNREADABLE = [
    "{",
    '{"cmds": [{"type": "TELEPORT", "cmdId": 1}]}',
    '{"cmds": [{"type": "TIMESERIES", "cmdId": 1, "colour": "red"}]}',
    '{"attrSubCmds": []}',
    "[]",
]


async def test_an_unreadable_frame_is_answered_and_the_socket_stays(platform: Platform) -> None:
    async with watching(platform, platform.admin) as client:
        for frame in UNREADABLE:
            refused = await client.ask(frame)
            assert (refused["subscriptionId"], refused["errorCode"]) == (1, 2), frame
            assert refused["errorMsg"] == "Failed to parse the payload"
        after = await client.ask(cmds(command("TIMESERIES", platform.device, keys="a")))

    assert after["errorCode"] == 0


async def test_a_device_that_changes_hands_ends_its_subscriptions(platform: Platform) -> None:
    async with watching(platform, platform.customer_user) as client:
        await client.ask(cmds(command("TIMESERIES", platform.customer_device, keys="a")))
        await platform.assign(platform.customer_device, None)
        ended = await client.receive()
        await platform.telemetry.save_readings(
            platform.admin, platform.customer_device, [(10, {"a": 1})]
        )

        assert (ended["subscriptionId"], ended["errorCode"]) == (1, 3)
        assert platform.hub.watched == 0


async def test_a_device_that_stays_is_watched_on_after_a_change(platform: Platform) -> None:
    async with watching(platform, platform.admin) as client:
        await client.ask(cmds(command("TIMESERIES", platform.device, keys="a")))
        await platform.assign(platform.device, platform.customer_id)
        await platform.assign(platform.device, None)
        await save(platform, 10, a=1)
        live = await client.receive()

    assert live == update(1, {"a": [[10, "1"]]})
