"""Making OTA packages, and what devices hear of them."""

import json
from typing import Any

from fieldline.protocols.mqtt.packets import Publish
from tests.api.support import Client, created
from tests.app.plant import Plant
from tests.waiting import until

ATTRIBUTES = "v1/devices/me/attributes"


async def profile_of(admin: Client, name: str = "meter") -> str:
    """Make a device profile; returns its id."""
    made = await created(admin, "/api/deviceProfile", {"name": name, "type": "DEFAULT"})
    profile_id: str = made["id"]["id"]
    return profile_id


async def package(
    admin: Client, profile_id: str, data: bytes | None = None, **fields: Any
) -> dict[str, Any]:
    """Make a package and upload its data, if there is any."""
    body = {
        "deviceProfileId": {"entityType": "DEVICE_PROFILE", "id": profile_id},
        "type": "FIRMWARE",
        "title": "pump",
        "version": "1.0",
        **fields,
    }
    made: dict[str, Any] = await created(admin, "/api/otaPackage", body)
    return made if data is None else await upload(admin, made["id"]["id"], data)


async def upload(admin: Client, package_id: str, data: bytes, query: str = "") -> dict[str, Any]:
    path = f"/api/otaPackage/{package_id}?checksumAlgorithm=SHA256{query}"
    answer = await admin.post(path, files={"file": ("pump.bin", data)})
    assert answer.status_code == 200, answer.text
    saved: dict[str, Any] = answer.json()
    return saved


async def assign(
    admin: Client, kind: str, entity_id: str, package: dict[str, Any] | None, name: str = "firmware"
) -> None:
    """Give a ``device`` or ``deviceProfile`` a package, or none."""
    entity = (await admin.get(f"/api/{kind}/{entity_id}")).json()
    entity[f"{name}Id"] = package["id"] if package else None
    await created(admin, f"/api/{kind}", entity)


async def telemetry(admin: Client, device_id: str, *keys: str) -> dict[str, list[Any]]:
    """Return all values of keys, the newest first."""
    path = f"/api/plugins/telemetry/DEVICE/{device_id}/values/timeseries"
    query = f"?keys={','.join(keys)}&startTs=0&endTs=99999999999999&useStrictDataTypes=true"
    found = (await admin.get(path + query)).json()
    return {key: [point["value"] for point in points] for key, points in found.items()}


async def shared(admin: Client, device_id: str) -> dict[str, Any]:
    path = f"/api/plugins/telemetry/DEVICE/{device_id}/values/attributes/SHARED_SCOPE"
    return {each["key"]: each["value"] for each in (await admin.get(path)).json()}


class Heard:
    """What one device was told by shared attributes, in order."""

    def __init__(self) -> None:
        self.pushes: list[dict[str, Any]] = []
        self.chunks: list[Publish] = []

    def take(self, packet: Publish) -> None:
        if packet.topic == ATTRIBUTES:
            self.pushes.append(json.loads(packet.payload))
        else:
            self.chunks.append(packet)

    async def told(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many pushes, take and return them."""
        await until(lambda: len(self.pushes) >= count)
        found, self.pushes = self.pushes[:count], self.pushes[count:]
        return found


async def listening(plant: Plant, token: str) -> Heard:
    """Connect a device that wants to know of its shared attributes."""
    heard = Heard()
    client = await plant.connect(token, on_message=heard.take)
    await client.subscribe(ATTRIBUTES)
    return heard
