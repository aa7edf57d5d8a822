"""What an entity view shows of the time series of another entity: its keys, in its time."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from fieldline.database.engine import Database
from fieldline.domains.entity_view import service
from fieldline.kit.clock import ManualClock
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityRef
from tests.domains.entity_view.factory import change, keys, make_view, save, stored_platform
from tests.domains.telemetry.platform import Platform

ODD = ["a,b", "ключ", "it's", 'say "x"', "50%_", "a b", "x.y[0]", "null"]


@pytest.fixture
async def platform(database: Database, clock: ManualClock) -> AsyncIterator[Platform]:
    async with stored_platform(database, clock) as platform:
        yield platform


def path_of(entity: EntityRef, tail: str) -> str:
    return f"/api/plugins/telemetry/{entity.type}/{entity.id}/{tail}"


async def read(platform: Platform, view: EntityRef, query: str = "") -> Any:
    """Read as the customer's user, who sees the view and not the device."""
    async with platform.client(platform.customer_user) as client:
        answer = await client.get(
            path_of(view, f"values/timeseries?useStrictDataTypes=true&{query}")
        )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_history_is_cut_to_the_views_time_both_ends_included(platform: Platform) -> None:
    for ts in (9, 10, 20, 21):
        await save(platform, ts, t=ts)
    view = await make_view(platform, keys=keys(["t"]), start_ts=10, end_ts=20)

    whole = await read(platform, view, "keys=t&startTs=0&endTs=100")
    inside = await read(platform, view, "keys=t&startTs=11&endTs=20")
    outside = await read(platform, view, "keys=t&startTs=21&endTs=100")

    assert [point["ts"] for point in whole["t"]] == [20, 10]
    assert inside == {}
    assert outside == {}


async def test_a_time_of_zero_leaves_a_side_open(platform: Platform) -> None:
    for ts in (1, 10, 20):
        await save(platform, ts, t=ts)
    until = await make_view(platform, "until", keys=keys(["t"]), end_ts=10)
    since = await make_view(platform, "since", keys=keys(["t"]), start_ts=10)

    query = "keys=t&startTs=0&endTs=100"
    assert [p["ts"] for p in (await read(platform, until, query))["t"]] == [10, 1]
    assert [p["ts"] for p in (await read(platform, since, query))["t"]] == [20, 10]


async def test_only_listed_keys_are_shown(platform: Platform) -> None:
    await save(platform, 10, t=1, secret=2)
    view = await make_view(platform, keys=keys(["t", "none"]))

    async with platform.client(platform.customer_user) as client:
        listed = (await client.get(path_of(view, "keys/timeseries"))).json()
        v1 = await client.get(
            f"/api/v1/telemetry/ENTITY_VIEW/{view.id}/values/timeseries?keys=t,secret"
        )
        v1_keys = (
            await client.get(f"/api/v1/telemetry/entity_view/{view.id}/keys/timeseries")
        ).json()

    assert listed == v1_keys == ["t"]
    assert await read(platform, view) == {"t": [{"ts": 10, "value": 1}]}
    assert (await read(platform, view, "keys=secret"))["secret"][0]["value"] is None
    assert await read(platform, view, "keys=t,secret&startTs=0&endTs=100") == {
        "t": [{"ts": 10, "value": 1}]
    }
    assert v1.json() == {"data": {"t": [{"ts": 10, "value": 1}], "secret": []}}


async def test_without_listed_keys_every_key_is_shown_in_the_views_time(
    platform: Platform,
) -> None:
    await save(platform, 10, t=1)
    await save(platform, 30, late=2)
    view = await make_view(platform, end_ts=20)

    assert await read(platform, view) == {"t": [{"ts": 10, "value": 1}]}
    async with platform.client(platform.customer_user) as client:
        assert (await client.get(path_of(view, "keys/timeseries"))).json() == ["t"]


async def test_the_latest_value_is_the_last_within_the_time(platform: Platform) -> None:
    for ts in (5, 15, 16, 25):
        await save(platform, ts, t=ts)
    await save(platform, 5, early=1)
    view = await make_view(platform, keys=keys(["t", "early"]), start_ts=10, end_ts=20)

    assert await read(platform, view) == {"t": [{"ts": 16, "value": 16}]}


async def test_an_aggregate_counts_only_what_is_shown(platform: Platform) -> None:
    for ts in (5, 15, 16, 25):
        await save(platform, ts, t=ts)
    view = await make_view(platform, keys=keys(["t"]), start_ts=10, end_ts=20)

    query = "keys=t&startTs=0&endTs=100000&agg=SUM&interval=100000"
    assert [p["value"] for p in (await read(platform, view, query))["t"]] == [31]


async def test_keys_with_odd_names_are_shown(platform: Platform) -> None:
    await save(platform, 10, **dict.fromkeys([*ODD, "other"], 1))
    view = await make_view(platform, keys=keys(ODD))

    assert set(await read(platform, view)) == set(ODD)
    assert set(await read(platform, view, "startTs=0&endTs=100")) == set(ODD)
    one = await read(platform, view, "key=a%2Cb&key=other&startTs=0&endTs=100")
    assert set(one) == {"a,b"}


async def test_a_change_of_the_view_counts_at_once(platform: Platform) -> None:
    await save(platform, 10, t=1, u=2)
    view = await make_view(platform, keys=keys(["t"]))

    await change(platform, view, keys=keys(["u"]))

    assert set(await read(platform, view)) == {"u"}


async def test_telemetry_is_not_written_or_deleted_through_a_view(platform: Platform) -> None:
    await save(platform, 10, t=1)
    view = await make_view(platform, keys=keys(["t"]))

    async with platform.client(platform.admin) as client:
        answers = [
            await client.post(path_of(view, "timeseries/ANY"), json={"t": 2}),
            await client.post(path_of(view, "timeseries/ANY/60"), json={"t": 2}),
            await client.delete(
                path_of(view, "timeseries/delete?keys=t&deleteAllDataForKeys=true")
            ),
            await client.post(
                f"/api/v1/telemetry/ENTITY_VIEW/{view.id}/timeseries/ANY", json={"t": 2}
            ),
        ]

    for answer in answers:
        assert answer.status_code == 400
        assert "telemetry of an entity view cannot be written" in answer.text
    assert await read(platform, view) == {"t": [{"ts": 10, "value": 1}]}


async def test_rules_cannot_write_readings_of_a_view(platform: Platform) -> None:
    view = await make_view(platform)
    assert platform.admin.tenant_id is not None

    with pytest.raises(Invalid, match="no readings of its own"):
        platform.services.writer.save_readings(platform.admin.tenant_id, view, 1, {"t": 1})


async def test_a_customer_user_sees_the_view_and_not_its_device(platform: Platform) -> None:
    await save(platform, 10, t=1)
    view = await make_view(platform, keys=keys(["t"]))

    assert await read(platform, view) == {"t": [{"ts": 10, "value": 1}]}
    async with platform.client(platform.customer_user) as client:
        for tail in ("values/timeseries", "keys/timeseries", "values/attributes"):
            answer = await client.get(path_of(platform.device, tail))
            assert answer.status_code == 403, tail


async def test_strangers_see_nothing_of_a_view(platform: Platform) -> None:
    await save(platform, 10, t=1)
    view = await make_view(platform, keys=keys(["t"]), customer_id=None)

    for caller in (platform.stranger, platform.customer_user):
        async with platform.client(caller) as client:
            for tail in ("values/timeseries", "values/timeseries?startTs=0&endTs=99&keys=t"):
                answer = await client.get(path_of(view, tail))
                assert answer.status_code == 403, answer.text


async def test_a_deleted_view_shows_nothing(platform: Platform) -> None:
    await save(platform, 10, t=1)
    view = await make_view(platform, keys=keys(["t"]))
    async with platform.services.database.write() as session:
        await service.delete(session, platform.admin, view.id)

    async with platform.client(platform.admin) as client:
        answer = await client.get(path_of(view, "values/timeseries"))

    assert answer.status_code == 404
    assert answer.text == "Entity view with requested id wasn't found!"
