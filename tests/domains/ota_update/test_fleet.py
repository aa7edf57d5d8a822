"""Many devices of a profile, a profile that changes, devices that change their profile."""

from collections import Counter

from fieldline.domains.ota_update.service import AGAIN_AFTER_MS
from fieldline.domains.ota_update.updater import BATCH, LOOK_S, OtaUpdater
from tests.api.support import created
from tests.app.ota import assign, package, profile_of
from tests.domains.ota_update.fleet import DATA, Fleet
from tests.domains.ota_update.test_racing import on_postgresql
from tests.domains.support import expect_error, on_sqlite

MANY = BATCH + 30


async def test_all_devices_of_a_profile_are_told_once(fleet: Fleet) -> None:
    devices = await fleet.devices(MANY)

    await fleet.roll_out(await fleet.package("1"))
    await fleet.updater.work()

    assert Counter(fleet.told) == Counter((device_id, "1") for device_id in devices)


async def test_a_restart_goes_on_with_the_others(fleet: Fleet) -> None:
    devices = await fleet.devices(MANY)
    await fleet.roll_out(await fleet.package("1"))

    await OtaUpdater(fleet.platform.services, BATCH).work()
    before = len(fleet.told)
    waiting = [await fleet.states(device_id) for device_id in devices[-2:]]
    await OtaUpdater(fleet.platform.services, 100_000).work()

    assert before == BATCH
    assert [[state for _, state in states] for states in waiting] == [["QUEUED"]] * 2
    assert Counter(fleet.told) == Counter((device_id, "1") for device_id in devices)


async def test_so_many_devices_a_minute_are_told(fleet: Fleet) -> None:
    await fleet.devices(MANY)
    await fleet.roll_out(await fleet.package("1"))
    updater, counts, pauses = OtaUpdater(fleet.platform.services, 120), [], []

    for pause_ms in (0, 500, 500, 60_000):
        fleet.platform.clock.advance(pause_ms)
        pauses.append(await updater.work())
        counts.append(len(fleet.told))

    assert counts == [120, 120, 122, MANY]
    assert pauses == [1.0, 0.5, 1.0, LOOK_S]


async def test_a_profiles_package_is_replaced_before_all_were_told(fleet: Fleet) -> None:
    devices = await fleet.devices(MANY)
    await fleet.roll_out(await fleet.package("1"))
    await OtaUpdater(fleet.platform.services, BATCH).work()

    await fleet.roll_out(await fleet.package("2"))
    await fleet.updater.work()

    told = Counter(version for _, version in fleet.told)
    assert told == {"1": BATCH, "2": MANY}
    assert {device_id for device_id, version in fleet.told if version == "2"} == set(devices)


async def test_a_package_that_is_taken_away_before_all_were_told(fleet: Fleet) -> None:
    devices = await fleet.devices(MANY)
    first = await fleet.package("1")
    await fleet.roll_out(first)
    await OtaUpdater(fleet.platform.services, BATCH).work()

    await fleet.roll_out(None)
    deleted = await fleet.admin.delete(f"/api/otaPackage/{first['id']['id']}")
    await fleet.updater.work()

    assert deleted.status_code == 200
    told = Counter(version for _, version in fleet.told)
    assert told == {"1": BATCH, None: MANY}
    assert {device_id for device_id, version in fleet.told if version is None} == set(devices)


async def test_a_device_that_gets_another_profile(fleet: Fleet) -> None:
    meter, plain = await fleet.device("meter"), await profile_of(fleet.admin, "plain")
    pump = await profile_of(fleet.admin, "pump")
    await fleet.roll_out(await fleet.package("of meters"))
    of_pumps = await package(fleet.admin, pump, DATA, title="other", version="of pumps")
    await assign(fleet.admin, "deviceProfile", pump, of_pumps)

    for profile_id in (pump, plain, fleet.profile_id):
        await fleet.updater.work()
        device = (await fleet.admin.get(f"/api/device/{meter}")).json()
        device["deviceProfileId"]["id"] = profile_id
        await created(fleet.admin, "/api/device", device)
    await fleet.updater.work()

    versions = [version for device_id, version in fleet.told if device_id == meter]
    assert versions == ["of meters", "of pumps", None, "of meters"]


@on_sqlite
async def test_a_package_of_its_own_keeps_a_device_in_its_profile(fleet: Fleet) -> None:
    meter, pump = await fleet.device("meter"), await profile_of(fleet.admin, "pump")
    await fleet.assign(meter, await fleet.package("1"))
    device = (await fleet.admin.get(f"/api/device/{meter}")).json()
    device["deviceProfileId"]["id"] = pump

    refused = await fleet.admin.post("/api/device", json=device)
    moved = await fleet.admin.post("/api/device", json={**device, "firmwareId": None})
    await fleet.updater.work()

    expect_error(refused, 400, 31, "Can't assign firmware with different deviceProfile!")
    assert moved.status_code == 200
    assert fleet.told == [(meter, None)]


@on_postgresql
async def test_a_device_that_joins_its_profile_while_that_gets_a_package(fleet: Fleet) -> None:
    meter = await fleet.device("meter")
    await fleet.assign(meter, await fleet.package("own"))
    common = await fleet.package("common")
    await fleet.updater.work()

    async with fleet.platform.services.database.write() as session:
        await fleet.save(session, meter, firmware=None)
        await fleet.roll_out(common)
        await fleet.updater.work()
    await fleet.updater.work()
    fleet.platform.clock.advance(2 * AGAIN_AFTER_MS)
    await fleet.updater.work()

    assert fleet.told == [(meter, "own"), (meter, None), (meter, "common")]
