"""Devices are told of their OTA packages, through the whole platform."""

import hashlib
from typing import Any

from tests.app.ota import assign, listening, package, profile_of, shared, telemetry
from tests.app.plant import Plant

DATA = bytes(range(256)) * 40
TOLD = {
    "fw_title": "pump",
    "fw_version": "1.0",
    "fw_tag": "pump one",
    "fw_size": len(DATA),
    "fw_checksum": hashlib.sha256(DATA).hexdigest(),
    "fw_checksum_algorithm": "SHA256",
}
EVERY_KEY = {
    f"fw_{key}"
    for key in [
        "title",
        "version",
        "ts",
        "state",
        "size",
        "checksum",
        "checksum_algorithm",
        "url",
        "tag",
    ]
}


async def test_a_device_is_told_of_its_own_package(plant: Plant) -> None:
    admin = await plant.tenant()
    profile_id = await profile_of(admin)
    device_id = await plant.device(admin, "meter", type="meter")
    heard = await listening(plant, "meter")
    made = await package(admin, profile_id, DATA, tag="pump one")

    await assign(admin, "device", device_id, made)
    deleted, told = await heard.told(2)

    assert deleted == {"deleted": ["fw_url"]}
    assert told == TOLD
    assert await shared(admin, device_id) == TOLD
    seen = await telemetry(
        admin, device_id, "fw_state", "target_fw_title", "target_fw_version", "target_fw_tag",
        "target_fw_ts",
    )  # fmt: skip
    assert isinstance(seen.pop("target_fw_ts")[0], int)
    assert seen == {
        "fw_state": ["INITIATED", "QUEUED"],
        "target_fw_title": ["pump"],
        "target_fw_version": ["1.0"],
        "target_fw_tag": ["pump one"],
    }


async def test_the_same_package_again_does_nothing(plant: Plant) -> None:
    admin = await plant.tenant()
    profile_id = await profile_of(admin)
    device_id = await plant.device(admin, "meter", type="meter")
    heard = await listening(plant, "meter")
    made = await package(admin, profile_id, DATA)
    await assign(admin, "device", device_id, made)
    await heard.told(2)

    await assign(admin, "device", device_id, made)
    await assign(admin, "deviceProfile", profile_id, made)
    other = await package(admin, profile_id, DATA, version="2.0")
    await assign(admin, "device", device_id, other)
    told = await heard.told(2)

    assert told[1]["fw_version"] == "2.0"
    assert (await telemetry(admin, device_id, "fw_state"))["fw_state"] == [
        "INITIATED", "QUEUED", "INITIATED", "QUEUED",
    ]  # fmt: skip


async def test_a_package_that_is_taken_away(plant: Plant) -> None:
    admin = await plant.tenant()
    profile_id = await profile_of(admin)
    device_id = await plant.device(admin, "meter", type="meter")
    heard = await listening(plant, "meter")
    made = await package(admin, profile_id, DATA)
    await assign(admin, "device", device_id, made)
    await heard.told(2)

    await assign(admin, "device", device_id, None)
    [gone] = await heard.told(1)

    assert set(gone["deleted"]) == EVERY_KEY
    assert await shared(admin, device_id) == {}
    assert (await admin.delete(f"/api/otaPackage/{made['id']['id']}")).status_code == 200


async def test_a_profiles_package_is_for_its_devices_without_their_own(plant: Plant) -> None:
    admin = await plant.tenant()
    profile_id = await profile_of(admin)
    own_id = await plant.device(admin, "own", type="meter")
    await plant.device(admin, "plain", type="meter")
    other_id = await plant.device(admin, "other", type="another")
    own, plain = await listening(plant, "own"), await listening(plant, "plain")
    mine = await package(admin, profile_id, DATA, title="special")
    common = await package(admin, profile_id, DATA)
    await assign(admin, "device", own_id, mine)
    await own.told(2)

    await assign(admin, "deviceProfile", profile_id, common)
    told = await plain.told(2)
    new_id = await plant.device(admin, "new", type="meter")
    count = await admin.get(f"/api/devices/count/FIRMWARE/{profile_id}")
    await assign(admin, "device", own_id, None)
    [*_, follows] = await own.told(2)

    assert told[1]["fw_title"] == follows["fw_title"] == "pump"
    assert count.json() == 2
    await assign(admin, "deviceProfile", profile_id, None)
    [gone] = await plain.told(1)
    assert set(gone["deleted"]) == EVERY_KEY
    states = (await telemetry(admin, new_id, "fw_state"))["fw_state"]
    assert states == ["INITIATED", "QUEUED"]
    assert await telemetry(admin, other_id, "fw_state") == {}


async def test_a_package_that_is_a_url(plant: Plant) -> None:
    admin = await plant.tenant()
    profile_id = await profile_of(admin)
    device_id = await plant.device(admin, "meter", type="meter")
    heard = await listening(plant, "meter")
    made = await package(admin, profile_id, url="https://files.example/pump.bin")

    await assign(admin, "device", device_id, made)
    deleted, told = await heard.told(2)

    assert told == {
        "fw_title": "pump",
        "fw_version": "1.0",
        "fw_url": "https://files.example/pump.bin",
    }
    assert set(deleted["deleted"]) == {
        "fw_tag", "fw_size", "fw_checksum", "fw_checksum_algorithm",
    }  # fmt: skip
    answer = await plant.client().get("/api/v1/meter/firmware?title=pump&version=1.0")
    assert answer.status_code == 404


async def test_software_is_told_beside_firmware(plant: Plant) -> None:
    admin = await plant.tenant()
    profile_id = await profile_of(admin)
    device_id = await plant.device(admin, "meter", type="meter")
    heard = await listening(plant, "meter")
    made = await package(admin, profile_id, DATA, type="SOFTWARE", title="app")

    await assign(admin, "device", device_id, made, "software")
    told: dict[str, Any] = {}
    for push in await heard.told(2):
        told |= push

    assert set(told.pop("deleted")) == {"sw_url", "sw_tag"}
    assert told["sw_title"] == "app"
    assert (await telemetry(admin, device_id, "sw_state"))["sw_state"] == ["INITIATED", "QUEUED"]


async def test_what_the_next_package_lacks_is_gone(plant: Plant) -> None:
    admin = await plant.tenant()
    profile_id = await profile_of(admin)
    device_id = await plant.device(admin, "meter", type="meter")
    heard = await listening(plant, "meter")
    file = await package(admin, profile_id, DATA, tag="pump one")
    linked = await package(admin, profile_id, version="2.0", url="https://files.example/pump.bin")

    seen = []
    for each in (file, linked, file):
        await assign(admin, "device", device_id, each)
        await heard.told(2)
        seen.append(await shared(admin, device_id))

    expected = {"fw_title": "pump", "fw_version": "2.0", "fw_url": "https://files.example/pump.bin"}
    assert seen == [TOLD, expected, TOLD]
