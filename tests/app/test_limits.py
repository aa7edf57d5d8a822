"""Rate limits of the tenant profile, changed while devices are connected."""

from tests.api.support import created
from tests.app.plant import Plant
from tests.waiting import until

LIMIT = "transportDeviceTelemetryMsgRateLimit"


async def test_a_limit_holds_at_once_and_is_told(plant: Plant) -> None:
    admin, device = await plant.tenant(), plant.client()
    await plant.device(admin, "meter")
    sysadmin = await plant.user("sysadmin@thingsboard.org")
    profile = (await sysadmin.get("/api/tenantProfileInfo/default")).json()
    whole = (await sysadmin.get(f"/api/tenantProfile/{profile['id']['id']}")).json()
    limits = whole["profileData"]["configuration"]

    async def send() -> int:
        return (await device.post("/api/v1/meter/telemetry", json={"t": 1})).status_code

    before = [await send() for _ in range(3)]
    limits[LIMIT] = "sometimes"
    wrong = await sysadmin.post("/api/tenantProfile", json=whole)
    limits[LIMIT] = "2:1000"
    await created(sysadmin, "/api/tenantProfile", whole)
    [tenant] = plant.platform.door.rates._tenants.values()
    await until(lambda: tenant.is_limited)
    after = [await send() for _ in range(3)]
    refused = await device.post("/api/v1/meter/telemetry", json={"t": 1})

    assert before == [200] * 3
    assert wrong.status_code == 400
    assert "A rate limit is like '100:1,2000:60'" in wrong.json()["message"]
    assert after == [200, 200, 429]
    assert int(refused.headers["retry-after"]) > 1
    assert (
        refused.text
        == "The device sent more telemetry messages than its profile allows; send slower"
    )


async def test_long_polls_are_messages(plant: Plant) -> None:
    admin, device = await plant.tenant(), plant.client()
    await plant.device(admin, "meter")
    sysadmin = await plant.user("sysadmin@thingsboard.org")
    profile = (await sysadmin.get("/api/tenantProfileInfo/default")).json()
    whole = (await sysadmin.get(f"/api/tenantProfile/{profile['id']['id']}")).json()
    whole["profileData"]["configuration"]["transportDeviceMsgRateLimit"] = "2:1000"
    await created(sysadmin, "/api/tenantProfile", whole)

    found = [
        (await device.get(f"/api/v1/meter/{path}?timeout=1")).status_code
        for path in ("rpc", "attributes/updates", "rpc", "attributes/updates")
    ]

    assert found == [408, 408, 429, 429]
