"""Subscriptions to entity views: only what a view shows comes through, as long as it may."""

from typing import Any

from fieldline.domains.entity_view import service
from fieldline.kit.ids import EntityRef
from fieldline.timeseries.store import Scope
from tests.api.websocket.server import Client, watching
from tests.api.websocket.test_v1_commands import cmds, command, update
from tests.domains.entity_view.factory import change, keys, make_view, save
from tests.domains.telemetry.platform import Json, Platform

UNAUTHORIZED = 3


async def settled(client: Client) -> None:
    """Wait until the socket has answered everything before this."""
    await client.ask("{")


def entity_data(view: EntityRef, **parts: Json) -> dict[str, Any]:
    query = {
        "entityFilter": {
            "type": "singleEntity",
            "singleEntity": {"entityType": view.type.value, "id": str(view.id)},
        },
        "pageLink": {"pageSize": 10, "page": 0},
        "latestValues": [{"type": "TIME_SERIES", "key": key} for key in ("t", "u")],
    }
    return {"type": "ENTITY_DATA", "cmdId": 1, "query": query, **parts}


async def test_time_series_are_those_of_the_view_and_its_time(platform: Platform) -> None:
    await save(platform, 10, t=1, u=1)
    view = await make_view(platform, keys=keys(["t"]), start_ts=5, end_ts=20)
    async with watching(platform, platform.customer_user) as client:
        first = await client.ask(cmds(command("TIMESERIES", view)))
        await save(platform, 15, u=2)
        await save(platform, 21, t=3)
        await save(platform, 4, t=4)
        await save(platform, 20, t=5)
        second = await client.receive()

    assert first == update(1, {"t": [[10, "1"]]})
    assert second == update(1, {"t": [[20, "5"]]})


async def test_views_are_found_by_type(platform: Platform) -> None:
    part = await make_view(platform, "part")
    whole = await make_view(platform, "whole", type="whole")
    await make_view(platform, "hidden", customer_id=None)
    filters: list[tuple[Json, list[EntityRef]]] = [
        ({"type": "entityViewType", "entityViewType": "part"}, [part]),
        ({"type": "entityViewType", "entityViewTypes": ["part", "whole"]}, [whole, part]),
        ({"type": "entityType", "entityType": "ENTITY_VIEW"}, [whole, part]),
    ]
    async with watching(platform, platform.customer_user) as client:
        for cmd_id, (entity_filter, expected) in enumerate(filters, 1):
            wanted = entity_data(part, cmdId=cmd_id)
            wanted["query"]["entityFilter"] = entity_filter
            answer = await client.ask(cmds(wanted))
            found = [row["entityId"]["id"] for row in answer["data"]["data"]]
            assert found == [str(view.id) for view in expected], entity_filter


async def test_a_window_begins_with_the_views_history(platform: Platform) -> None:
    for ts in (10, 20, 30):
        await save(platform, ts, t=ts, u=ts)
    view = await make_view(platform, keys=keys(["t"]), start_ts=20)
    async with watching(platform, platform.customer_user) as client:
        subscribe = command("TIMESERIES", view, keys="t,u", startTs=1, timeWindow=100)
        first = await client.ask(cmds(subscribe))
        await save(platform, 40, t=40, u=40)
        second = await client.receive()
        one = command("TIMESERIES_HISTORY", view, 2, keys="t,u", startTs=1, endTs=100)
        history = await client.ask(cmds(one))

    assert first == update(1, {"t": [[30, "30"], [20, "20"]]})
    assert second == update(1, {"t": [[40, "40"]]})
    assert history == update(2, {"t": [[40, "40"], [30, "30"], [20, "20"]]})


async def test_attributes_are_the_views_own(platform: Platform) -> None:
    view = await make_view(platform)
    admin, telemetry = platform.admin, platform.telemetry
    async with watching(platform, platform.customer_user) as client:
        await client.ask(cmds(command("ATTRIBUTES", view, scope="SERVER_SCOPE")))
        await telemetry.save_attributes(admin, platform.device, Scope.SERVER, {"a": "device"})
        await telemetry.save_attributes(admin, view, Scope.SERVER, {"a": "view"})
        told = await client.receive()

    assert told["data"] == {"a": [[platform.clock.now_ms(), "view"]]}


async def test_entity_data_shows_what_the_view_shows(platform: Platform) -> None:
    for ts in (10, 30):
        await save(platform, ts, t=ts, u=ts)
    view = await make_view(platform, keys=keys(["t"]), end_ts=20)
    window = {"keys": ["t", "u"], "startTs": 1, "timeWindow": 100}
    latest = {"keys": [{"type": "TIME_SERIES", "key": key} for key in ("t", "u")]}
    aggregate = {"id": 1, "key": "t", "agg": "COUNT"}
    hidden = {"id": 2, "key": "u", "agg": "MAX"}
    async with watching(platform, platform.customer_user) as client:
        first = await client.ask(cmds(entity_data(view, latestCmd=latest, tsCmd=window)))
        live = [first, await client.receive()]
        await save(platform, 40, t=40, u=40)
        await save(platform, 15, t=15, u=15)
        live += [await client.receive(), await client.receive()]
        counted = cmds(
            {
                "type": "ENTITY_DATA",
                "cmdId": 1,
                "aggHistoryCmd": {"keys": [aggregate, hidden], "startTs": 1, "endTs": 100},
            }
        )
        aggregated = await client.ask(counted)

    (shown,) = first["data"]["data"]
    assert shown["latest"]["TIME_SERIES"] == {
        "t": {"ts": 10, "value": "10"},
        "u": {"ts": 0, "value": ""},
    }
    updates = [frame["update"][0] for frame in live[1:]]
    assert updates[0]["timeseries"] == {"t": [{"ts": 10, "value": "10"}], "u": []}
    assert {"t": [{"ts": 15, "value": "15"}]} in [each["timeseries"] for each in updates[1:]]
    assert {"TIME_SERIES": {"t": {"ts": 15, "value": "15"}}} in [
        each["latest"] for each in updates[1:]
    ]
    assert "'40'" not in str(updates)
    agg = aggregated["update"][0]["aggLatest"]
    assert agg["1"]["current"]["value"] == "2"
    assert agg["2"]["current"]["value"] == ""


async def test_a_view_that_leaves_the_customer_ends_its_subscriptions(
    platform: Platform,
) -> None:
    view = await make_view(platform, keys=keys(["t"]))
    async with watching(platform, platform.customer_user) as client:
        await client.ask(cmds(command("TIMESERIES", view)))
        async with platform.services.database.write() as session:
            await service.unassign(session, platform.admin, view.id)
        ended = await client.receive()
        await save(platform, 10, t=1)
        await settled(client)

    assert (ended["subscriptionId"], ended["errorCode"]) == (1, UNAUTHORIZED)


async def test_a_deleted_view_ends_its_subscriptions(platform: Platform) -> None:
    view = await make_view(platform, keys=keys(["t"]))
    async with watching(platform, platform.admin) as client:
        await client.ask(cmds(command("TIMESERIES", view)))
        async with platform.services.database.write() as session:
            await service.delete(session, platform.admin, view.id)
        ended = await client.receive()

    assert (ended["subscriptionId"], ended["errorCode"]) == (1, UNAUTHORIZED)
    assert platform.hub.watched == 0


async def test_a_change_of_the_view_narrows_open_subscriptions(platform: Platform) -> None:
    view = await make_view(platform, keys=keys(["t", "u"]))
    async with watching(platform, platform.customer_user) as client:
        await client.ask(cmds(command("TIMESERIES", view, keys="t,u")))
        await change(platform, view, keys=keys(["u"]))
        await save(platform, 10, t=1)
        await settled(client)
        await save(platform, 11, t=2, u=3)
        told = await client.receive()

    assert told == update(1, {"u": [[11, "3"]]})


async def test_a_device_that_changes_hands_leaves_its_views_alone(platform: Platform) -> None:
    view = await make_view(platform, keys=keys(["t"]))
    async with watching(platform, platform.customer_user) as client:
        await client.ask(cmds(command("TIMESERIES", view)))
        await platform.assign(platform.device, platform.customer_id)
        await platform.assign(platform.device, None)
        await save(platform, 10, t=1)
        told = await client.receive()

    assert told == update(1, {"t": [[10, "1"]]})


async def test_a_customer_user_does_not_watch_the_device(platform: Platform) -> None:
    await make_view(platform, keys=keys(["t"]))
    async with watching(platform, platform.customer_user) as client:
        refused = await client.ask(cmds(command("TIMESERIES", platform.device)))

    assert refused["errorCode"] != 0
    assert platform.hub.watched == 0
