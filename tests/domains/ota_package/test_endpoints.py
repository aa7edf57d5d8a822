"""Packages over ThingsBoard's REST: made, changed, listed, assigned, deleted."""

from typing import Any

from tests.api.support import Client, Platform, created
from tests.app.ota import assign, package, profile_of
from tests.domains.support import expect_error, on_sqlite

URL = "https://files.example.org/pump.bin"


async def refused(admin: Client, profile_id: str, message: str, **fields: Any) -> None:
    body = {
        "deviceProfileId": {"entityType": "DEVICE_PROFILE", "id": profile_id},
        "type": "FIRMWARE",
        "title": "pump",
        "version": "1.0",
    }
    answer = await admin.post("/api/otaPackage", json=body | fields)
    expect_error(answer, 400, 31, message)


async def names(admin: Client, path: str) -> list[str]:
    answer = await admin.get(path)
    assert answer.status_code == 200, answer.text
    return [each["title"] for each in answer.json()["data"]]


@on_sqlite
async def test_packages_that_cannot_be(platform: Platform) -> None:
    tenant, other = await platform.tenant(), await platform.tenant()
    mine, theirs = await profile_of(tenant.admin), await profile_of(other.admin)
    stranger = {"entityType": "DEVICE_PROFILE", "id": theirs}

    for fields, message in (
        ({"title": ""}, "OtaPackage title"),
        ({"title": None}, "OtaPackage title"),
        ({"title": "x" * 256}, "OtaPackage title"),
        ({"version": " "}, "OtaPackage version"),
        ({"type": None}, "FIRMWARE or SOFTWARE"),
        ({"type": "HARDWARE"}, "type"),
        ({"deviceProfileId": None}, "existing device profile"),
        ({"deviceProfileId": stranger}, "existing device profile"),
        ({"usesUrl": True}, "URL should be specified"),
        ({"url": "x" * 256}, "url"),
        ({"url": URL, "checksum": "no hex", "checksumAlgorithm": "MD5"}, "hexadecimal"),
        ({"url": URL, "checksum": "ab"}, "needs its checksumAlgorithm"),
        ({"url": URL, "dataSize": -1}, "dataSize"),
    ):
        await refused(tenant.admin, mine, message, **fields)


async def test_title_and_version_are_taken_once(platform: Platform) -> None:
    tenant, other = await platform.tenant(), await platform.tenant()
    profile_id = await profile_of(tenant.admin)
    await package(tenant.admin, profile_id)

    await refused(tenant.admin, profile_id, "such title and version already exists")
    await package(tenant.admin, profile_id, version="2.0")
    await package(other.admin, await profile_of(other.admin))


async def test_what_devices_may_have_changes_no_more(platform: Platform) -> None:
    admin = (await platform.tenant()).admin
    profile_id = await profile_of(admin)
    made = await package(admin, profile_id)
    changed = await created(admin, "/api/otaPackage", {**made, "title": "valve", "url": URL})

    for fields in ({"title": "pump"}, {"version": "2"}, {"url": f"{URL}.gz"}, {"type": "SOFTWARE"}):
        answer = await admin.post("/api/otaPackage", json={**changed, **fields})
        expect_error(answer, 400, 31, "make a new package")
    noted = await created(admin, "/api/otaPackage", {**changed, "additionalInfo": {"by": "me"}})

    assert (noted["title"], noted["url"], noted["additionalInfo"]) == ("valve", URL, {"by": "me"})


async def test_lists(platform: Platform) -> None:
    tenant, other = await platform.tenant(), await platform.tenant()
    admin, profile_id = tenant.admin, await profile_of(tenant.admin)
    await package(admin, profile_id, b"x", title="full")
    await package(admin, profile_id, title="linked", url=URL)
    await package(admin, profile_id, title="empty")
    await package(admin, profile_id, b"x", title="app", type="SOFTWARE")
    page = "?pageSize=10&page=0&sortProperty=title"

    assert await names(admin, f"/api/otaPackages{page}") == ["app", "empty", "full", "linked"]
    assert await names(admin, f"/api/otaPackages{page}&textSearch=FILES.exa") == ["linked"]
    assert await names(admin, f"/api/otaPackages/{profile_id}/FIRMWARE{page}") == ["full", "linked"]
    assert await names(tenant.customer_user, f"/api/otaPackages/{profile_id}/SOFTWARE{page}") == [
        "app"
    ]
    assert await names(other.admin, f"/api/otaPackages{page}") == []
    assert await names(other.admin, f"/api/otaPackages/{profile_id}/FIRMWARE{page}") == []


@on_sqlite
async def test_assignments_that_cannot_be(platform: Platform) -> None:
    tenant, other = await platform.tenant(), await platform.tenant()
    admin, profile_id = tenant.admin, await profile_of(tenant.admin)
    made = await created(admin, "/api/device", {"name": "meter", "type": "meter"})
    profile = (await admin.get(f"/api/deviceProfile/{profile_id}")).json()
    foreign = await package(other.admin, await profile_of(other.admin), b"x")
    of_another = await package(admin, await profile_of(admin, "pump"), b"x", title="another")
    software = await package(admin, profile_id, b"x", title="app", type="SOFTWARE")
    empty = await package(admin, profile_id, title="empty")

    for package_, message in (
        (foreign, "Can't assign non-existent firmware!"),
        (of_another, "Can't assign firmware with different deviceProfile!"),
        (software, "Can't assign firmware with type: SOFTWARE!"),
        (empty, "Can't assign firmware with empty data!"),
    ):
        for path, entity in (("/api/device", made), ("/api/deviceProfile", profile)):
            answer = await admin.post(path, json={**entity, "firmwareId": package_["id"]})
            expect_error(answer, 400, 31, message)
    new = {"name": "new", "type": "meter", "firmwareId": foreign["id"]}
    expect_error(await admin.post("/api/device", json=new), 400, 31, "non-existent firmware")


async def test_deleting(platform: Platform) -> None:
    admin = (await platform.tenant()).admin
    profile_id = await profile_of(admin)
    device = await created(admin, "/api/device", {"name": "meter", "type": "meter"})
    made = await package(admin, profile_id, b"x")
    path = f"/api/otaPackage/{made['id']['id']}"
    await assign(admin, "device", device["id"]["id"], made)

    expect_error(await admin.delete(path), 400, 31, "assigned to device 'meter'")
    await assign(admin, "device", device["id"]["id"], None)
    await assign(admin, "deviceProfile", profile_id, made)
    expect_error(await admin.delete(path), 400, 31, "assigned to device profile 'meter'")
    await assign(admin, "deviceProfile", profile_id, None)

    assert (await admin.delete(path)).status_code == 200
    expect_error(await admin.get(path), 404, 32)
    expect_error(await admin.delete(path), 404, 32)


async def test_a_profile_is_deleted_with_its_packages(platform: Platform) -> None:
    admin = (await platform.tenant()).admin
    profile_id = await profile_of(admin)
    made = await package(admin, profile_id, b"x")
    await assign(admin, "deviceProfile", profile_id, made)

    deleted = await admin.delete(f"/api/deviceProfile/{profile_id}")

    assert deleted.status_code == 200, deleted.text
    expect_error(await admin.get(f"/api/otaPackage/info/{made['id']['id']}"), 404, 32)


async def test_a_tenants_files_together_have_a_limit(platform: Platform) -> None:
    tenant, sysadmin = await platform.tenant(), await platform.sysadmin()
    profile_id = await profile_of(tenant.admin)
    page = "/api/tenantProfiles?pageSize=10&page=0"
    [limits] = (await sysadmin.get(page)).json()["data"]
    limits["profileData"]["configuration"]["maxOtaPackagesInBytes"] = 100
    await created(sysadmin, "/api/tenantProfile", limits)
    await package(tenant.admin, profile_id, bytes(60))
    second = await package(tenant.admin, profile_id, version="2.0")
    path = f"/api/otaPackage/{second['id']['id']}?checksumAlgorithm=SHA256"

    over = await tenant.admin.post(path, files={"file": ("x", bytes(41))})
    just = await tenant.admin.post(path, files={"file": ("x", bytes(40))})

    assert over.status_code == 403, over.text
    assert just.status_code == 200
