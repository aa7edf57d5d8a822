"""ENTITY_DATA: a query, and its history, latest and live parts."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from fieldline.api.websocket.limits import SocketLimits
from fieldline.database.engine import Database
from fieldline.domains.asset import service as asset_service
from fieldline.domains.device import service as device_service
from fieldline.kit.clock import ManualClock
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.timeseries.store import Deletion, Scope
from tests.api.websocket.server import Client, watching
from tests.domains.telemetry.platform import Json, Platform, running_platform

NOW = 1_700_000_000_000
TEMP = {"type": "TIME_SERIES", "key": "temp"}


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[Client]:
    async with watching(platform, platform.admin) as client:
        yield client


def ref(entity: EntityRef) -> dict[str, str]:
    return {"entityType": entity.type.value, "id": str(entity.id)}


def single(entity: EntityRef, **query: Json) -> dict[str, Any]:
    return {
        "entityFilter": {"type": "singleEntity", "singleEntity": ref(entity)},
        "pageLink": {"pageSize": 1, "page": 0, "textSearch": None, "dynamic": True},
        "entityFields": [{"type": "ENTITY_FIELD", "key": "name"}],
        "latestValues": [],
    } | query


def command(cmd_id: int = 1, **fields: Json) -> dict[str, Any]:
    return {"cmds": [{"type": "ENTITY_DATA", "cmdId": cmd_id, **fields}]}


async def save(platform: Platform, ts: int, **values: Json) -> None:
    await platform.telemetry.save_readings(platform.admin, platform.device, [(ts, values)])


async def test_a_query_with_latest_values_answers_the_page_then_changes(
    platform: Platform, client: Client
) -> None:
    await save(platform, 10, temp=21.0)
    first = await client.ask(
        command(query=single(platform.device), latestCmd={"keys": [TEMP, TEMP | {"key": "wet"}]})
    )
    await save(platform, 20, temp=22.5, other=1)
    second = await client.receive()

    assert first == {
        "cmdId": 1,
        "data": {
            "data": [
                {
                    "entityId": ref(platform.device),
                    "latest": {
                        "ENTITY_FIELD": {"name": {"ts": NOW, "value": "Sensor 1"}},
                        "TIME_SERIES": {
                            "temp": {"ts": 10, "value": "21.0"},
                            "wet": {"ts": 0, "value": ""},
                        },
                    },
                    "timeseries": {},
                    "aggLatest": {},
                }
            ],
            "totalPages": 1,
            "totalElements": 1,
            "hasNext": False,
        },
        "update": None,
        "errorCode": 0,
        "errorMsg": None,
        "allowedEntities": 10_000,
        "cmdUpdateType": "ENTITY_DATA",
    }
    assert second == {
        "cmdId": 1,
        "data": None,
        "update": [
            {
                "entityId": ref(platform.device),
                "latest": {"TIME_SERIES": {"temp": {"ts": 20, "value": "22.5"}}},
                "timeseries": None,
                "aggLatest": None,
            }
        ],
        "errorCode": 0,
        "errorMsg": None,
        "allowedEntities": 10_000,
        "cmdUpdateType": "ENTITY_DATA",
    }


async def test_parts_may_follow_under_the_same_id(platform: Platform, client: Client) -> None:
    for ts in (10, 20, 30):
        await save(platform, ts, temp=ts)
    page = await client.ask(command(query=single(platform.device)))
    history = await client.ask(
        command(historyCmd={"keys": ["temp"], "startTs": 0, "endTs": 25, "limit": 100})
    )
    latest = await client.ask(command(latestCmd={"keys": [TEMP]}))
    window = await client.ask(
        command(tsCmd={"keys": ["temp"], "startTs": 15, "timeWindow": 100, "limit": 100})
    )
    await save(platform, 40, temp=40)
    live = [await client.receive(), await client.receive()]

    assert page["data"]["totalElements"] == 1
    assert history["update"][0]["timeseries"] == {
        "temp": [{"ts": 20, "value": "20"}, {"ts": 10, "value": "10"}]
    }
    assert latest["update"][0]["latest"] == {"TIME_SERIES": {"temp": {"ts": 30, "value": "30"}}}
    assert latest["update"][0]["timeseries"] is None
    assert [point["ts"] for point in window["update"][0]["timeseries"]["temp"]] == [30, 20]
    parts = [(item["update"][0]["latest"], item["update"][0]["timeseries"]) for item in live]
    assert parts == [
        ({"TIME_SERIES": {"temp": {"ts": 40, "value": "40"}}}, None),
        (None, {"temp": [{"ts": 40, "value": "40"}]}),
    ]


async def test_a_history_in_the_first_command_is_inside_the_page(
    platform: Platform, client: Client
) -> None:
    for ts in (10, 20):
        await save(platform, ts, temp=ts)
    part = {"keys": ["temp"], "startTs": 15, "endTs": 99, "fetchLatestPreviousPoint": True}
    first = await client.ask(command(query=single(platform.device), historyCmd=part))

    assert first["update"] is None
    assert first["data"]["data"][0]["timeseries"] == {
        "temp": [{"ts": 20, "value": "20"}, {"ts": 10, "value": "10"}]
    }


async def test_aggregates_come_with_an_earlier_range_to_compare(
    platform: Platform, client: Client
) -> None:
    for ts in (10, 20, 110, 120):
        await save(platform, ts, temp=ts)
    keys = [
        {"id": 1, "key": "temp", "agg": "AVG", "previousStartTs": 0, "previousEndTs": 100},
        {"id": 2, "key": "none", "agg": "COUNT"},
        {"id": 3, "key": "none", "agg": "MAX"},
    ]
    part = {"keys": keys, "startTs": 100, "endTs": 200}
    first = await client.ask(command(query=single(platform.device), aggHistoryCmd=part))

    found = first["data"]["data"][0]["aggLatest"]
    assert found["1"]["current"]["value"] == "115.0"
    assert found["1"]["previous"]["value"] == "15.0"
    assert found["2"] == {"current": {"ts": 0, "value": "0"}}
    assert found["3"] == {"current": {"ts": 0, "value": ""}}


async def test_attributes_of_any_scope_are_followed(platform: Platform, client: Client) -> None:
    keys = [{"type": "ATTRIBUTE", "key": "mode"}, {"type": "SHARED_ATTRIBUTE", "key": "mode"}]
    await platform.telemetry.save_attributes(
        platform.admin, platform.device, Scope.SERVER, {"mode": "a"}
    )
    first = await client.ask(command(query=single(platform.device), latestCmd={"keys": keys}))
    platform.clock.advance(1)
    await platform.telemetry.save_attributes(
        platform.admin, platform.device, Scope.SHARED, {"mode": "b"}
    )
    second = await client.receive()
    await platform.telemetry.delete_attributes(
        platform.admin, platform.device, Scope.SHARED, ["mode"]
    )
    third = await client.receive()

    shown = first["data"]["data"][0]["latest"]
    assert shown["ATTRIBUTE"] == {"mode": {"ts": NOW, "value": "a"}}
    assert shown["SHARED_ATTRIBUTE"] == {"mode": {"ts": 0, "value": ""}}
    changed = {"mode": {"ts": NOW + 1, "value": "b"}}
    assert second["update"][0]["latest"] == {"ATTRIBUTE": changed, "SHARED_ATTRIBUTE": changed}
    assert third["update"][0]["latest"]["SHARED_ATTRIBUTE"] == {"mode": {"ts": 0, "value": ""}}


async def test_a_deleted_key_is_shown_as_empty(platform: Platform, client: Client) -> None:
    await save(platform, 10, temp=1)
    await client.ask(command(query=single(platform.device), latestCmd={"keys": [TEMP]}))
    await platform.telemetry.delete_readings(
        platform.admin, platform.device, Deletion(platform.device.id, ("temp",))
    )
    update = await client.receive()

    assert update["update"][0]["latest"] == {"TIME_SERIES": {"temp": {"ts": 0, "value": ""}}}


async def test_a_list_of_entities_is_searched_sorted_and_paged(
    platform: Platform, client: Client
) -> None:
    entity_filter = {
        "type": "entityList",
        "entityType": "DEVICE",
        "entityList": [str(platform.device.id), str(platform.customer_device.id)],
    }
    order = {"key": {"type": "ENTITY_FIELD", "key": "name"}, "direction": "DESC"}
    link = {"pageSize": 1, "page": 0, "sortOrder": order}
    query = single(platform.device) | {"entityFilter": entity_filter}

    first = await client.ask(command(1, query=query | {"pageLink": link}))
    second = await client.ask(command(2, query=query | {"pageLink": link | {"page": 1}}))
    searched = await client.ask(
        command(3, query=query | {"pageLink": {"pageSize": 9, "page": 0, "textSearch": "R 2"}})
    )

    names = [
        answer["data"]["data"][0]["latest"]["ENTITY_FIELD"]["name"]["value"]
        for answer in (first, second, searched)
    ]
    assert names == ["Sensor 2", "Sensor 1", "Sensor 2"]
    assert (first["data"]["totalPages"], first["data"]["hasNext"]) == (2, True)
    assert searched["data"]["totalElements"] == 1


FILTERS: list[tuple[dict[str, Any], int]] = [
    ({"type": "entityType", "entityType": "DEVICE"}, 2),
    ({"type": "deviceType", "deviceTypes": ["default"]}, 2),
    ({"type": "deviceType", "deviceTypes": ["default", "boiler"]}, 2),
    ({"type": "deviceType", "deviceType": "boiler"}, 0),
    ({"type": "singleEntity", "singleEntity": {"entityType": "CURRENT_TENANT"}}, 1),
]


async def test_filters_find_entities(platform: Platform, client: Client) -> None:
    link = {"pageSize": 10, "page": 0}
    for cmd_id, (entity_filter, count) in enumerate(FILTERS):
        query = single(platform.device) | {"entityFilter": entity_filter, "pageLink": link}

        answer = await client.ask(command(cmd_id, query=query))

        assert answer["data"]["totalElements"] == count, entity_filter


async def test_assets_are_found_by_type_and_watched(platform: Platform, client: Client) -> None:
    async with platform.services.database.write() as session:
        made = [
            await asset_service.create(session, platform.admin, {"name": name, "type": kind})
            for name, kind in (("a", "hall"), ("b", "tower"))
        ]
    hall, tower = (EntityRef(EntityType.ASSET, asset.id) for asset in made)
    filters: list[tuple[Json, list[EntityRef]]] = [
        ({"type": "assetType", "assetType": "hall"}, [hall]),
        ({"type": "assetType", "assetTypes": ["hall", "tower"]}, [tower, hall]),
        ({"type": "entityType", "entityType": "ASSET"}, [tower, hall]),
        ({"type": "entityList", "entityType": "ASSET", "entityList": [str(hall.id)]}, [hall]),
        ({"type": "singleEntity", "singleEntity": ref(tower)}, [tower]),
    ]
    for cmd_id, (entity_filter, expected) in enumerate(filters, 10):
        query = single(hall, entityFilter=entity_filter, pageLink={"pageSize": 9, "page": 0})
        answer = await client.ask(command(cmd_id, query=query))
        found = [row["entityId"] for row in answer["data"]["data"]]
        assert found == [ref(asset) for asset in expected], entity_filter

    await client.ask(command(2, query=single(hall), latestCmd={"keys": [TEMP]}))
    await platform.telemetry.save_readings(platform.admin, hall, [(20, {"temp": 1})])
    (update,) = (await client.receive())["update"]

    assert update["latest"]["TIME_SERIES"] == {"temp": {"ts": 20, "value": "1"}}


NOT_SERVED: list[tuple[dict[str, Any], str]] = [
    ({"entityFilter": {"type": "relationsQuery"}}, "relationsQuery"),
    ({"entityFilter": {"type": "assetType", "assetNameFilter": "a"}}, "assetNameFilter"),
    ({"keyFilters": [{"key": TEMP}]}, "Key filters"),
    ({"pageLink": {"pageSize": 0, "page": 0}}, "pageSize"),
    ({"pageLink": {"pageSize": 1, "page": 10**19}}, "pageSize"),
    (
        {"pageLink": {"pageSize": 1, "sortOrder": {"key": TEMP, "direction": "ASC"}}},
        "Cannot sort",
    ),
    ({"entityFilter": {"type": "entityType", "entityType": "CUSTOMER"}}, "CUSTOMER"),
    ({"entityFilter": {"type": "entityList", "entityType": "DEVICE"}}, "entityList"),
]


async def test_a_query_that_is_not_served_is_refused_by_name(
    platform: Platform, client: Client
) -> None:
    for query, text in NOT_SERVED:
        refused = await client.ask(command(7, query=single(platform.device) | query))

        assert (refused["subscriptionId"], refused["errorCode"]) == (7, 1), query
        assert text in refused["errorMsg"]
    after = await client.ask(command(8, query=single(platform.device)))

    assert after["cmdId"] == 8


async def test_others_devices_are_not_found(platform: Platform) -> None:
    async with watching(platform, platform.stranger) as client:
        answer = await client.ask(
            command(query=single(platform.device), latestCmd={"keys": [TEMP]})
        )

        assert answer["data"]["data"] == []
        assert platform.hub.watched == 0


async def test_a_device_that_changed_hands_is_left_out_of_later_parts(platform: Platform) -> None:
    await platform.telemetry.save_readings(
        platform.admin, platform.customer_device, [(10, {"temp": 1})]
    )
    async with watching(platform, platform.customer_user) as client:
        page = await client.ask(command(query=single(platform.customer_device)))
        await platform.assign(platform.customer_device, None)
        history = await client.ask(
            command(historyCmd={"keys": ["temp"], "startTs": 0, "endTs": 100})
        )

    assert page["data"]["totalElements"] == 1
    assert history["update"] == []


async def test_an_ended_query_is_silent(platform: Platform, client: Client) -> None:
    await client.ask(command(query=single(platform.device), latestCmd={"keys": [TEMP]}))
    await client.send({"cmds": [{"type": "ENTITY_DATA_UNSUBSCRIBE", "cmdId": 1}]})
    await client.ask(command(2, query=single(platform.device)))

    assert platform.hub.watched == 0


async def test_a_part_without_its_query_is_refused(client: Client) -> None:
    refused = await client.ask(command(5, latestCmd={"keys": [TEMP]}))

    assert refused["errorMsg"] == "Query is empty!"


async def test_a_range_out_of_bounds_is_told(platform: Platform, client: Client) -> None:
    part = {"keys": ["temp"], "startTs": 9, "endTs": 5}

    refused = await client.ask(command(query=single(platform.device), historyCmd=part))

    assert (refused["cmdId"], refused["errorCode"]) == (1, 1)
    assert "endTs" in refused["errorMsg"]


async def test_a_dynamic_query_follows_the_set(
    sqlite_database: Database, clock: ManualClock
) -> None:
    limits = SocketLimits(refresh_interval_s=0.05)
    link = {"pageSize": 10, "page": 0, "dynamic": True}
    async with (
        running_platform(sqlite_database, clock, limits=limits) as platform,
        watching(platform, platform.admin) as client,
    ):
        everything = {"type": "entityType", "entityType": "DEVICE"}
        query = single(platform.device) | {"entityFilter": everything, "pageLink": link}
        first = await client.ask(command(query=query, latestCmd={"keys": [TEMP]}))
        async with platform.services.database.write() as session:
            device = await device_service.create(
                session, platform.admin, {"name": "Sensor 3"}, vault=platform.services.vault
            )
        second = await client.receive()
        fresh = EntityRef(platform.device.type, device.id)
        await platform.telemetry.save_readings(platform.admin, fresh, [(10, {"temp": 1})])
        third = await client.receive()

    assert first["data"]["totalElements"] == 2
    assert second["data"]["totalElements"] == 3
    assert third["update"][0]["entityId"] == ref(fresh)


async def test_watching_too_many_entities_is_refused(
    sqlite_database: Database, clock: ManualClock
) -> None:
    limits = SocketLimits(max_watched_entities=1)
    async with (
        running_platform(sqlite_database, clock, limits=limits) as platform,
        watching(platform, platform.admin) as client,
    ):
        part = {"keys": [TEMP]}
        await client.ask(command(1, query=single(platform.device), latestCmd=part))
        refused = await client.ask(command(2, query=single(platform.device), latestCmd=part))

    assert (refused["cmdId"], refused["errorCode"]) == (2, 1)
    assert "1 entities" in refused["errorMsg"]


async def test_too_many_subscriptions_close_the_socket(
    sqlite_database: Database, clock: ManualClock
) -> None:
    limits = SocketLimits(max_subscriptions=1)
    async with (
        running_platform(sqlite_database, clock, limits=limits) as platform,
        watching(platform, platform.admin) as client,
    ):
        await client.ask(command(1, query=single(platform.device)))
        await client.send(command(2, query=single(platform.device)))

        assert await client.closed() == (1008, "Max subscriptions limit reached!")
