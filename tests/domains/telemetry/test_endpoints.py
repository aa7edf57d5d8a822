"""Telemetry and attributes in ThingsBoard's dialect, on both databases."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from fieldline.database.engine import Database
from fieldline.domains.telemetry.submitted import Submitted
from fieldline.kit.clock import ManualClock
from fieldline.kit.ids import EntityRef
from tests.domains.outbox.telling import telling
from tests.domains.telemetry.platform import (
    Json,
    Platform,
    running_platform,
    store_of,
)
from tests.people import SYS_ADMIN
from tests.waiting import until

NOW = 1_700_000_000_000


@pytest.fixture
async def platform(database: Database, clock: ManualClock) -> AsyncIterator[Platform]:
    store = store_of(database, clock)
    async with running_platform(
        database, clock, store=store, max_string_value_length=20
    ) as platform:
        yield platform


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    async with platform.client(platform.admin) as client:
        yield client


def path_of(entity: EntityRef, rest: str) -> str:
    return f"/api/plugins/telemetry/{entity.type.value}/{entity.id}/{rest}"


async def save(client: httpx.AsyncClient, entity: EntityRef, body: Json) -> None:
    response = await client.post(path_of(entity, "timeseries/ANY"), json=body)
    assert (response.status_code, response.content) == (200, b""), response.text


async def test_latest_values_are_text_unless_strict(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    body = {"temperature": 21.0, "count": 3, "on": True, "name": "x", "where": {"lat": 1.5}}
    await save(client, platform.device, body)
    url = path_of(platform.device, "values/timeseries")

    text = (await client.get(url)).json()
    strict = (await client.get(url, params={"useStrictDataTypes": "true"})).json()

    assert {key: points[0]["value"] for key, points in text.items()} == {
        "temperature": "21.0",
        "count": "3",
        "on": "true",
        "name": "x",
        "where": '{"lat":1.5}',
    }
    assert {key: points[0]["value"] for key, points in strict.items()} == body
    assert text["temperature"][0]["ts"] == NOW


async def test_a_key_without_data_is_null_as_of_now(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    await save(client, platform.device, {"a": 1})

    response = await client.get(
        path_of(platform.device, "values/timeseries"), params={"keys": "b,a"}
    )

    assert response.json() == {
        "b": [{"ts": NOW, "value": None}],
        "a": [{"ts": NOW, "value": "1"}],
    }


async def test_repeated_key_parameters_win_over_keys(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    await save(client, platform.device, {"a,b": 1, "c": 2})

    response = await client.get(
        path_of(platform.device, "values/timeseries"), params={"keys": "c", "key": ["a,b"]}
    )

    assert list(response.json()) == ["a,b"]


async def test_history_takes_order_limit_and_half_open_range(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    await save(
        client, platform.device, [{"ts": ts, "values": {"a": ts}} for ts in (10, 20, 30, 40)]
    )
    query: dict[str, Any] = {"keys": "a", "startTs": 10, "endTs": 40}
    url = path_of(platform.device, "values/timeseries")

    newest_first = (await client.get(url, params=query | {"limit": 2})).json()
    oldest_first = (await client.get(f"{url}/history", params=query | {"orderBy": "asc"})).json()

    assert [point["ts"] for point in newest_first["a"]] == [30, 20]
    assert oldest_first["a"] == [{"ts": ts, "value": str(ts)} for ts in (10, 20, 30)]


async def test_history_without_keys_reads_all_of_them(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    await save(client, platform.device, {"ts": 10, "values": {"a": 1, "b": 2}})

    response = await client.get(
        path_of(platform.device, "values/timeseries"), params={"startTs": 0, "endTs": 100}
    )

    assert set(response.json()) == {"a", "b"}


async def test_history_aggregates_over_intervals(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    await save(
        client, platform.device, [{"ts": ts, "values": {"a": ts}} for ts in (0, 500, 1_000, 1_500)]
    )

    query: dict[str, Any] = {"keys": "a", "startTs": 0, "endTs": 2000, "interval": 1000}
    response = await client.get(
        path_of(platform.device, "values/timeseries"),
        params=query | {"agg": "AVG", "orderBy": "ASC"},
    )

    assert response.json()["a"] == [
        {"ts": 500, "value": "250.0"},
        {"ts": 1500, "value": "1250.0"},
    ]


OUT_OF_BOUNDS: list[tuple[dict[str, Any], str]] = [
    ({"interval": 999, "agg": "MAX"}, "1000 ms"),
    ({"interval": 1000, "agg": "MAX", "endTs": 701_000}, "700"),
    ({"limit": 0}, "limit"),
    ({"agg": "MEDIAN"}, "agg"),
    ({"orderBy": "UP"}, "ASC and DESC"),
    ({"startTs": "soon"}, "startTs"),
    ({"startTs": 5, "endTs": 4}, "endTs"),
]


async def test_a_query_out_of_bounds_is_refused_as_text(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    base: dict[str, Any] = {"keys": "a", "startTs": 0, "endTs": 1000}
    for query, text in OUT_OF_BOUNDS:
        response = await client.get(
            path_of(platform.device, "values/timeseries"), params=base | query
        )

        assert response.status_code == 400, query
        assert response.headers["content-type"].startswith("text/plain"), query
        assert text in response.text


@pytest.mark.parametrize("rest", ["SHARED_SCOPE", "attributes/SHARED_SCOPE"])
async def test_attributes_are_typed_and_listed_by_scope(
    platform: Platform, client: httpx.AsyncClient, rest: str
) -> None:
    saved = await client.post(path_of(platform.device, rest), json={"mode": "eco", "level": "007"})
    await client.post(path_of(platform.device, "SERVER_SCOPE"), json={"site": {"floor": 2}})
    url = path_of(platform.device, "values/attributes")

    scoped = (await client.get(f"{url}/SHARED_SCOPE")).json()
    everything = (await client.get(url, params={"keys": "mode,site"})).json()
    keys = (await client.get(path_of(platform.device, "keys/attributes"))).json()

    assert (saved.status_code, saved.content) == (200, b"")
    assert scoped == [
        {"lastUpdateTs": NOW, "key": "level", "value": 7},
        {"lastUpdateTs": NOW, "key": "mode", "value": "eco"},
    ]
    assert {item["key"]: item["value"] for item in everything} == {
        "mode": "eco",
        "site": {"floor": 2},
    }
    assert keys == ["level", "mode", "site"]


async def test_the_short_path_means_a_device(platform: Platform, client: httpx.AsyncClient) -> None:
    url = f"/api/plugins/telemetry/{platform.device.id}/SERVER_SCOPE"

    await client.post(url, json={"a": 1, "b": 2})
    deleted = await client.delete(url, params={"keys": "a"})

    left = await client.get(path_of(platform.device, "keys/attributes/SERVER_SCOPE"))
    assert deleted.status_code == 200
    assert left.json() == ["b"]


BAD_BODIES = [
    ("SERVER_SCOPE", b"{}", "No attributes data"),
    ("SERVER_SCOPE", b"[1]", "JSON object"),
    ("SERVER_SCOPE", b"{", "not JSON"),
    ("SERVER_SCOPE", b'{" ": 1}', "Key"),
    ("SERVER_SCOPE", b'{"a": null}', "a"),
    ("SERVER_SCOPE", b'{"a": "123456789012345678901x"}', "20"),
    ("CLIENT_SCOPE", b'{"a": 1}', "Invalid scope"),
    ("timeseries/ANY", b"{}", "No timeseries data"),
    ("timeseries/ANY", b'{"a": null}', "a"),
    ("timeseries/ANY", b'{"a": "123456789012345678901x"}', "20"),
    ("timeseries/ANY", b'[{"a": 1}, {" ": 2}]', "Key"),
    ("timeseries/ANY/soon", b'{"a": 1}', "ttl"),
]


async def test_bad_bodies_are_refused_and_nothing_is_stored(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    for rest, body, text in BAD_BODIES:
        response = await client.post(path_of(platform.device, rest), content=body)

        assert response.status_code == 400, body
        assert text in response.text
    for rest in ("values/timeseries", "values/attributes"):
        assert not (await client.get(path_of(platform.device, rest))).json()


async def test_a_time_to_live_is_accepted(platform: Platform, client: httpx.AsyncClient) -> None:
    response = await client.post(path_of(platform.device, "timeseries/ANY/3600"), json={"a": 1})

    assert response.status_code == 200
    assert (await client.get(path_of(platform.device, "keys/timeseries"))).json() == ["a"]


async def test_deletes_a_range_and_rewrites_the_latest(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    await save(client, platform.device, [{"ts": ts, "values": {"a": ts}} for ts in (10, 20, 30)])

    response = await client.delete(
        path_of(platform.device, "timeseries/delete"),
        params={"keys": "a", "startTs": 25, "endTs": 100, "rewriteLatestIfDeleted": "true"},
    )

    assert response.status_code == 200
    latest = await client.get(path_of(platform.device, "values/timeseries"))
    assert latest.json()["a"] == [{"ts": 20, "value": "20"}]


async def test_deletes_everything_of_a_key(platform: Platform, client: httpx.AsyncClient) -> None:
    await save(client, platform.device, {"ts": 10, "values": {"a": 1, "b": 2}})

    await client.delete(
        path_of(platform.device, "timeseries/delete"),
        params={"keys": "a", "deleteAllDataForKeys": "true"},
    )

    assert (await client.get(path_of(platform.device, "keys/timeseries"))).json() == ["b"]


async def test_a_delete_must_say_what(platform: Platform, client: httpx.AsyncClient) -> None:
    for query in ({"keys": "a"}, {"deleteAllDataForKeys": "true"}):
        response = await client.delete(path_of(platform.device, "timeseries/delete"), params=query)

        assert response.status_code == 400, query


async def test_only_who_may_see_a_device_reads_and_writes_its_telemetry(
    platform: Platform,
) -> None:
    callers = [
        (platform.stranger, 404),
        (platform.customer_user, 403),
        (SYS_ADMIN, 403),
        (platform.admin, 200),
    ]
    for caller, status in callers:
        async with platform.client(caller) as client:
            for rest in ("keys/timeseries", "values/timeseries", "values/attributes"):
                response = await client.get(path_of(platform.device, rest))
                assert response.status_code == status, (caller.authority, rest)
                if status == 404:
                    assert response.text == "Device with requested id wasn't found!"
            written = await client.post(path_of(platform.device, "timeseries/ANY"), json={"a": 1})
            assert written.status_code == status, caller.authority


async def test_a_customer_user_writes_to_its_own_device(platform: Platform) -> None:
    async with platform.client(platform.customer_user) as client:
        await save(client, platform.customer_device, {"a": 1})


async def test_wrong_paths_are_refused_as_text(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    base = "/api/plugins/telemetry"
    wrong_type = await client.get(f"{base}/GADGET/{uuid4()}/keys/timeseries")
    wrong_id = await client.get(f"{base}/DEVICE/12/keys/timeseries")
    no_telemetry = await client.get(f"{base}/ALARM/{uuid4()}/keys/timeseries")
    unknown = await client.get(f"{base}/DEVICE/{uuid4()}/keys/timeseries")

    statuses = [r.status_code for r in (wrong_type, wrong_id, no_telemetry, unknown)]
    assert statuses == [400, 400, 400, 404]
    assert unknown.text == "Device with requested id wasn't found!"


async def test_a_refused_token_is_told_with_its_error_code(platform: Platform) -> None:
    async with platform.client(platform.admin) as client:
        response = await client.get(
            path_of(platform.device, "keys/timeseries"), headers={"X-Authorization": "Bearer x"}
        )

    assert response.status_code == 401
    assert response.json()["errorCode"] == 10


async def test_rules_are_told_what_a_user_wrote(platform: Platform) -> None:
    async with (
        telling(platform.services),
        platform.client(platform.customer_user) as client,
    ):
        platform.published.clear()
        await save(client, platform.customer_device, {"ts": 5, "values": {"a": 1}})
        await client.post(path_of(platform.customer_device, "SHARED_SCOPE"), json={"b": {"c": 2}})
        await client.delete(path_of(platform.customer_device, "SHARED_SCOPE"), params={"keys": "b"})
        await client.delete(
            path_of(platform.customer_device, "timeseries/delete"),
            params={"keys": "a", "startTs": 0, "endTs": 9},
        )

    told = [(str(m.type), m.data, m.metadata.get("scope")) for m in platform.published]
    assert told == [
        ("TIMESERIES_UPDATED", {"timeseries": [{"ts": 5, "values": {"a": 1}}]}, None),
        ("ATTRIBUTES_UPDATED", {"b": {"c": 2}}, "SHARED_SCOPE"),
        ("ATTRIBUTES_DELETED", {"attributes": ["b"]}, "SHARED_SCOPE"),
        ("TIMESERIES_DELETED", {"timeseries": ["a"], "startTs": 0, "endTs": 9}, None),
    ]
    message = platform.published[0]
    assert message.originator == platform.customer_device
    assert message.customer_id == platform.customer_id
    assert message.metadata == {
        "userId": str(platform.customer_user.user_id),
        "userName": "user@example.org",
        "userEmail": "user@example.org",
        "userFirstName": "Ada",
        "customerId": str(platform.customer_id),
    }


async def test_alarm_rules_see_values_before_they_are_stored(
    database: Database, clock: ManualClock
) -> None:
    seen: list[tuple[int, dict[str, Any]]] = []

    def evaluate(submitted: Submitted, then: Callable[[], None]) -> None:
        seen.append((submitted.ts_ms, dict(submitted.values)))
        then()

    async with (
        running_platform(database, clock, evaluate=evaluate) as platform,
        platform.client(platform.admin) as client,
    ):
        await save(client, platform.device, [{"ts": 1, "values": {"a": 1}}, {"a": 2}])

    assert seen == [(1, {"a": 1}), (NOW, {"a": 2})]


async def test_an_answer_waits_for_alarm_rules(database: Database, clock: ManualClock) -> None:
    held: list[Submitted] = []

    def evaluate(submitted: Submitted, then: Callable[[], None]) -> None:
        submitted.receipt.hold()
        held.append(submitted)
        then()

    async with (
        running_platform(database, clock, evaluate=evaluate) as platform,
        platform.client(platform.admin) as client,
    ):
        answer = asyncio.create_task(save(client, platform.device, {"a": 1}))
        await until(lambda: bool(held))
        await platform.services.writer.flush()
        assert not answer.done()
        held[0].receipt.release()
        await answer
