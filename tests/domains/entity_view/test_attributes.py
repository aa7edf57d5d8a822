"""Attributes of an entity view: copied from what it shows whenever it is saved, then its own."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fieldline.database.engine import Database
from fieldline.kit.clock import ManualClock
from fieldline.kit.errors import Unavailable
from fieldline.kit.ids import EntityRef
from fieldline.messaging.events import AttributesSaved, KeysDeleted
from fieldline.timeseries.store import Scope
from fieldline.timeseries.writer import TimeseriesWriter
from tests.domains.entity_view.factory import change, keys, make_view, stored_platform
from tests.domains.telemetry.platform import Platform


@pytest.fixture
async def platform(database: Database, clock: ManualClock) -> AsyncIterator[Platform]:
    async with stored_platform(database, clock) as platform:
        yield platform


async def set_on(
    platform: Platform, entity: EntityRef, scope: Scope = Scope.SERVER, **values: Any
) -> None:
    await platform.telemetry.save_attributes(platform.admin, entity, scope, values)


async def shown(platform: Platform, view: EntityRef) -> dict[str, dict[str, Any]]:
    """Return the view's attributes as its customer's user sees them, without empty scopes."""
    found = await platform.telemetry.attributes(platform.customer_user, view)
    return {
        scope.value: {item.key: item.value for item in items}
        for scope, items in found.items()
        if items
    }


async def test_listed_attributes_of_each_scope_are_copied(platform: Platform) -> None:
    for scope in Scope:
        await set_on(platform, platform.device, scope, a=scope.value, b={"x": [1, 2]})

    view = await make_view(platform, keys=keys(cs=["a"], ss=["b"], sh=["a", "none"]))

    assert await shown(platform, view) == {
        "CLIENT_SCOPE": {"a": "CLIENT_SCOPE"},
        "SERVER_SCOPE": {"b": '{"x":[1,2]}'},
        "SHARED_SCOPE": {"a": "SHARED_SCOPE"},
    }


async def test_without_listed_attributes_none_is_copied(platform: Platform) -> None:
    await set_on(platform, platform.device, a=1)

    view = await make_view(platform)

    assert await shown(platform, view) == {}


async def test_only_what_was_changed_in_the_views_time_is_copied(platform: Platform) -> None:
    await set_on(platform, platform.device, a=1)
    now = platform.clock.now_ms()
    listed = keys(ss=["a"])

    exact = await make_view(platform, "exact", keys=listed, start_ts=now, end_ts=now)
    before = await make_view(platform, "before", keys=listed, end_ts=now - 1)
    after = await make_view(platform, "after", keys=listed, start_ts=now + 1)

    assert await shown(platform, exact) == {"SERVER_SCOPE": {"a": 1}}
    assert await shown(platform, before) == {}
    assert await shown(platform, after) == {}


async def test_later_changes_are_copied_at_the_next_save(platform: Platform) -> None:
    await set_on(platform, platform.device, a=1, b=1)
    view = await make_view(platform, keys=keys(ss=["a", "b"]))

    await set_on(platform, platform.device, a=2)
    await platform.telemetry.delete_attributes(platform.admin, platform.device, Scope.SERVER, ["b"])
    assert await shown(platform, view) == {"SERVER_SCOPE": {"a": 1, "b": 1}}

    await change(platform, view, name="renamed")
    assert await shown(platform, view) == {"SERVER_SCOPE": {"a": 2}}


async def test_what_is_not_listed_any_more_goes_and_the_views_own_stays(
    platform: Platform,
) -> None:
    await set_on(platform, platform.device, a=1, b=1)
    view = await make_view(platform, keys=keys(ss=["a", "b"]))
    await set_on(platform, view, own="x")
    await set_on(platform, view, Scope.SHARED, b="own too")

    await change(platform, view, keys=keys(ss=["a"]))

    assert await shown(platform, view) == {
        "SERVER_SCOPE": {"a": 1, "own": "x"},
        "SHARED_SCOPE": {"b": "own too"},
    }


async def test_an_attribute_of_the_view_is_not_written_to_its_device(platform: Platform) -> None:
    view = await make_view(platform)

    async with platform.client(platform.customer_user) as client:
        path = f"/api/plugins/telemetry/ENTITY_VIEW/{view.id}/SERVER_SCOPE"
        assert (await client.post(path, json={"a": 5})).status_code == 200

    assert await shown(platform, view) == {"SERVER_SCOPE": {"a": 5}}
    found = await platform.telemetry.attributes(platform.admin, platform.device, [Scope.SERVER])
    assert "a" not in {item.key for item in found[Scope.SERVER]}


async def test_copies_and_their_end_are_told(platform: Platform) -> None:
    await set_on(platform, platform.device, a=1)
    told: list[Any] = []
    platform.services.bus.listen(AttributesSaved, told.append)
    platform.services.bus.listen(KeysDeleted, told.append)

    view = await make_view(platform, keys=keys(ss=["a"]))
    await change(platform, view, keys=keys())

    saved, deleted = told
    assert (saved.entity, saved.scope, saved.values) == (view, "SERVER_SCOPE", {"a": 1})
    assert (deleted.entity, deleted.scope, deleted.keys) == (view, "SERVER_SCOPE", ("a",))


async def test_of_saves_at_once_the_last_one_counts(platform: Platform) -> None:
    names = [f"key {number}" for number in range(6)]
    values: dict[str, Any] = dict.fromkeys(names, 1)
    await set_on(platform, platform.device, **values)
    view = await make_view(platform)

    await asyncio.gather(*(change(platform, view, keys=keys(ss=[name])) for name in names))

    async with platform.client(platform.admin) as client:
        attributes = await shown(platform, view)
        assert len(attributes["SERVER_SCOPE"]) == 1
        path = f"/api/plugins/telemetry/ENTITY_VIEW/{view.id}/keys/attributes"
        assert (await client.get(path)).json() == list(attributes["SERVER_SCOPE"])


async def test_a_full_store_is_said_and_a_later_save_copies(platform: Platform) -> None:
    await set_on(platform, platform.device, a=1)
    view = await make_view(platform)
    writer = platform.services.writer
    assert isinstance(writer, TimeseriesWriter)

    writer._is_full = True
    with pytest.raises(Unavailable, match="is saved, but its attributes could not be copied"):
        await change(platform, view, keys=keys(ss=["a"]))
    writer._is_full = False
    await change(platform, view, name="again")

    assert await shown(platform, view) == {"SERVER_SCOPE": {"a": 1}}
