"""A fleet of one profile with its packages, and the updater, called by hand."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text

from fieldline.database.base import now_ms
from fieldline.domains.device import service as device_service
from fieldline.domains.ota_update.updater import OtaUpdater
from fieldline.messaging.events import AttributesSaved, KeysDeleted
from fieldline.security.caller import Caller
from tests.api.support import Client, Platform, created
from tests.app.ota import assign, package, profile_of

DATA = b"an image" * 8


@dataclass
class Fleet:
    """``told`` are the versions that devices were told of, in order; None: of no package more."""

    platform: Platform
    admin: Client
    profile_id: str
    updater: OtaUpdater
    told: list[tuple[str, str | None]] = field(default_factory=list)

    @property
    def caller(self) -> Caller:
        return self.platform.services.tokens.verify_access(self.admin.token or "")

    async def device(self, name: str) -> str:
        made = await created(self.admin, "/api/device", {"name": name, "type": "meter"})
        device_id: str = made["id"]["id"]
        return device_id

    async def devices(self, count: int) -> list[str]:
        """Make many devices in one transaction."""
        services = self.platform.services
        async with services.database.write() as session:
            made = [
                await device_service.create(
                    session,
                    self.caller,
                    {"name": f"meter {number}", "device_profile_id": UUID(self.profile_id)},
                    vault=services.vault,
                )
                for number in range(count)
            ]
        return [str(device.id) for device in made]

    async def package(self, version: str, **fields: Any) -> dict[str, Any]:
        title = fields.pop("title", "pump")
        return await package(
            self.admin, self.profile_id, DATA, title=title, version=version, **fields
        )

    async def assign(
        self, device_id: str, package: dict[str, Any] | None, name: str = "firmware"
    ) -> None:
        await assign(self.admin, "device", device_id, package, name)

    async def roll_out(self, package: dict[str, Any] | None, name: str = "firmware") -> None:
        """Give the profile a package."""
        await assign(self.admin, "deviceProfile", self.profile_id, package, name)

    async def save(self, session: Any, device_id: str, **packages: dict[str, Any] | None) -> None:
        """Give a device packages, or none, in a transaction that goes on."""
        ids = {
            f"{name}_id": UUID(each["id"]["id"]) if each else None
            for name, each in packages.items()
        }
        fields: Any = ids
        await device_service.update(session, self.caller, UUID(device_id), fields)

    async def states(self, device_id: str, kind: str = "fw") -> list[tuple[int, str]]:
        """Return the times and states of a device, in the order of the times."""
        keys = f"{kind}_state&startTs=0&endTs=99999999999999&orderBy=ASC"
        path = f"/api/plugins/telemetry/DEVICE/{device_id}/values/timeseries?keys={keys}"
        found = (await self.admin.get(path)).json()
        return [(point["ts"], point["value"]) for point in found.get(f"{kind}_state", [])]

    async def is_waiting(self) -> bool:
        """Return whether somebody waits for a row on PostgreSQL."""
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        async with self.platform.services.database.read() as session:
            return bool(await session.scalar(text(query)))


async def make_fleet(platform: Platform) -> Fleet:
    """Make a tenant with a profile `meter`; the clock shows what the database's rows do."""
    platform.clock.advance(now_ms() - platform.clock.now_ms())
    tenant = await platform.tenant()
    profile_id = await profile_of(tenant.admin)
    fleet = Fleet(platform, tenant.admin, profile_id, OtaUpdater(platform.services, 100_000))

    def on_saved(event: AttributesSaved) -> None:
        if "fw_version" in event.values:
            fleet.told.append((str(event.entity.id), str(event.values["fw_version"])))

    def on_deleted(event: KeysDeleted) -> None:
        if "fw_version" in event.keys:
            fleet.told.append((str(event.entity.id), None))

    platform.bus.listen(AttributesSaved, on_saved)
    platform.bus.listen(KeysDeleted, on_deleted)
    return fleet
