"""Telemetry and attributes in the v1 dialect, on both databases and under both prefixes."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from fieldline.database.engine import Database
from fieldline.kit.clock import ManualClock
from tests.domains.telemetry.platform import Platform, running_platform, store_of

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


@pytest.fixture
def base(platform: Platform) -> str:
    return f"/api/v1/telemetry/device/{platform.device.id}"


async def test_values_keep_the_types_they_were_sent_with(
    client: httpx.AsyncClient, base: str
) -> None:
    values = {"t": 25.5, "n": 3, "ok": True, "text": "21", "site": {"floor": 2}}

    saved = await client.post(f"{base}/timeseries/ANY", json=values)
    answer = (await client.get(f"{base}/values/timeseries")).json()

    assert (saved.status_code, saved.json()) == (200, {"saved": 5})
    assert answer == {"data": {key: [{"ts": NOW, "value": value}] for key, value in values.items()}}


async def test_history_takes_a_list_and_gives_a_range(client: httpx.AsyncClient, base: str) -> None:
    rows = [{"ts": ts, "values": {"a": ts, "b": "x"}} for ts in (10, 20, 30)]

    await client.post(f"{base}/timeseries/any-word", json=rows)
    query: dict[str, Any] = {"keys": "a", "startTs": 10, "endTs": 30}
    history = (await client.get(f"{base}/values/timeseries", params=query)).json()
    one = (await client.get(f"{base}/values/timeseries", params=query | {"limit": 1})).json()
    open_end = (await client.get(f"{base}/values/timeseries", params={"startTs": 25})).json()
    total = (
        await client.get(
            f"{base}/values/timeseries",
            params={"keys": "a", "startTs": 0, "endTs": 5000, "interval": 5000, "agg": "SUM"},
        )
    ).json()
    keys = (await client.get(f"{base}/keys/timeseries")).json()

    assert history["data"]["a"] == [{"ts": 20, "value": 20}, {"ts": 10, "value": 10}]
    assert one["data"]["a"] == [{"ts": 20, "value": 20}]
    assert set(open_end["data"]) == {"a", "b"}
    assert total["data"]["a"] == [{"ts": 2500, "value": 60}]
    assert keys == ["a", "b"]


async def test_a_key_without_data_has_no_points(client: httpx.AsyncClient, base: str) -> None:
    answer = await client.get(f"{base}/values/timeseries", params={"keys": "none"})

    assert answer.json() == {"data": {"none": []}}


async def test_attributes_are_shown_by_scope_and_deleted_by_key(
    client: httpx.AsyncClient, base: str
) -> None:
    for scope in ("CLIENT_SCOPE", "SERVER_SCOPE", "SHARED_SCOPE"):
        saved = await client.post(f"{base}/attributes/{scope}", json={"a": scope, "b": [1]})
        assert saved.status_code == 200
    deleted = await client.delete(f"{base}/attributes/SERVER_SCOPE", params={"keys": "a,b"})
    answer = (await client.get(f"{base}/attributes")).json()

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert answer == {
        "CLIENT_SCOPE": {
            "a": {"value": "CLIENT_SCOPE", "last_update_ts": NOW},
            "b": {"value": [1], "last_update_ts": NOW},
        },
        "SERVER_SCOPE": {},
        "SHARED_SCOPE": {
            "a": {"value": "SHARED_SCOPE", "last_update_ts": NOW},
            "b": {"value": [1], "last_update_ts": NOW},
        },
    }


async def test_the_same_paths_are_served_under_api(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    answer = await client.get(f"/api/telemetry/DEVICE/{platform.device.id}/keys/timeseries")

    assert (answer.status_code, answer.json()) == (200, [])


REFUSED = [
    ("POST", "timeseries/ANY", b"{", 400),
    ("POST", "timeseries/ANY", b"{}", 400),
    ("POST", "timeseries/ANY", b'{"a": "123456789012345678901"}', 400),
    ("POST", "attributes/MY_SCOPE", b'{"a": 1}', 400),
    ("DELETE", "attributes/SERVER_SCOPE", b"", 400),
    ("GET", "values/timeseries?agg=MEDIAN&startTs=1", b"", 422),
    ("GET", "values/timeseries?agg=SUM&startTs=1&endTs=9&interval=5", b"", 400),
]


async def test_errors_have_v1s_form(client: httpx.AsyncClient, base: str) -> None:
    for method, rest, body, status in REFUSED:
        answer = await client.request(method, f"{base}/{rest}", content=body)

        assert answer.status_code == status, (method, rest)
        assert answer.json()["status_code"] == status
        assert isinstance(answer.json()["detail"], str)


async def test_a_string_over_the_limit_is_refused_with_the_limit(
    client: httpx.AsyncClient, base: str
) -> None:
    answer = await client.post(f"{base}/timeseries/ANY", json={"a": "x" * 21})

    assert "20" in answer.json()["detail"]


@pytest.mark.parametrize(("who", "status"), [("stranger", 404), ("customer_user", 403)])
async def test_others_devices_are_out_of_reach(
    platform: Platform, base: str, who: str, status: int
) -> None:
    async with platform.client(getattr(platform, who)) as client:
        read = await client.get(f"{base}/values/timeseries")
        written = await client.post(f"{base}/attributes/SERVER_SCOPE", json={"a": 1})

    assert (read.status_code, written.status_code) == (status, status)
