"""Devices are saved while the updater works on them."""

import asyncio
from typing import Any

import pytest

from fieldline.domains.ota_update import service
from tests.domains.ota_update.fleet import Fleet
from tests.waiting import until_async

on_postgresql = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
"""SQLite has one writer, who waits for nobody while it writes."""


async def test_a_device_that_is_saved_while_its_profile_is_looked_through(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter, other = await fleet.device("meter"), await fleet.device("other")
    own, common = await fleet.package("own"), await fleet.package("common")
    look_through = service.look_through

    async def found_then_saved(*given: Any) -> Any:
        found = await look_through(*given)
        await fleet.assign(meter, own)
        return found

    monkeypatch.setattr(service, "look_through", found_then_saved)
    await fleet.roll_out(common)
    await fleet.updater.work()

    assert sorted(fleet.told) == sorted([(meter, "own"), (other, "common")])
    assert [state for _, state in await fleet.states(meter)] == ["QUEUED", "INITIATED"]


async def test_a_device_that_is_deleted_while_its_profile_is_looked_through(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter, other = await fleet.device("meter"), await fleet.device("other")
    common = await fleet.package("common")
    look_through = service.look_through

    async def found_then_deleted(*given: Any) -> Any:
        found = await look_through(*given)
        await fleet.admin.delete(f"/api/device/{meter}")
        return found

    monkeypatch.setattr(service, "look_through", found_then_deleted)
    await fleet.roll_out(common)
    await fleet.updater.work()

    assert fleet.told == [(other, "common")]


@on_postgresql
async def test_a_device_that_is_being_saved_when_its_profile_is_looked_through(
    fleet: Fleet,
) -> None:
    meter, other = await fleet.device("meter"), await fleet.device("other")
    own, common = await fleet.package("own"), await fleet.package("common")
    await fleet.roll_out(common)

    async with fleet.platform.services.database.write() as session:
        await fleet.save(session, meter, firmware=own)
        work = asyncio.create_task(fleet.updater.work())
        await until_async(fleet.is_waiting)
    await work

    assert sorted(fleet.told) == sorted([(meter, "own"), (other, "common")])
    assert [state for _, state in await fleet.states(meter)] == ["QUEUED", "INITIATED"]


@on_postgresql
async def test_devices_that_are_saved_in_another_order_than_they_are_told(fleet: Fleet) -> None:
    first, second = sorted([await fleet.device("meter"), await fleet.device("other")])
    old, new = await fleet.package("old"), await fleet.package("new")
    for device_id in (first, second):
        await fleet.assign(device_id, old)

    async with fleet.platform.services.database.write() as session:
        await fleet.save(session, second, firmware=new)
        work = asyncio.create_task(fleet.updater.work())
        await until_async(fleet.is_waiting)
        await fleet.save(session, first, firmware=new)
    await work

    assert sorted(fleet.told[-2:]) == [(first, "new"), (second, "new")]


@on_postgresql
async def test_packages_that_are_saved_in_another_order_than_they_are_told(fleet: Fleet) -> None:
    meter = await fleet.device("meter")
    app, image = await fleet.package("app", type="SOFTWARE"), await fleet.package("image")
    other_app = await fleet.package("other app", type="SOFTWARE")
    other_image = await fleet.package("other image")
    await fleet.assign(meter, app, "software")
    await fleet.assign(meter, image)

    async with fleet.platform.services.database.write() as session:
        await fleet.save(session, meter, firmware=other_image)
        work = asyncio.create_task(fleet.updater.work())
        await until_async(fleet.is_waiting)
        await fleet.save(session, meter, software=other_app)
    await work

    assert fleet.told[-1] == (meter, "other image")
    assert [state for _, state in await fleet.states(meter, "sw")][-1] == "INITIATED"
