"""A tenant with a customer, devices, stores and the alarm rules' parts, all of them real."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from fieldline.app.reactions import REACTIONS
from fieldline.database.engine import Database
from fieldline.domains.alarm.writer import AlarmWriter
from fieldline.domains.device import service as device_service
from fieldline.domains.device.fields import DeviceFields
from fieldline.domains.user import credentials
from fieldline.domains.user import service as user_service
from fieldline.kit.clock import ManualClock
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.messaging.backends.memory import MemoryBus
from fieldline.security.caller import Authority, Caller
from tests.people import VAULT, make_customer, make_tenant


@dataclass
class World:
    """Two tenants, each with a customer and devices; ``bus`` tells what is committed."""

    database: Database
    bus: MemoryBus
    clock: ManualClock
    alarms: AlarmWriter
    admin: Caller
    foreign_admin: Caller
    customer: Caller
    other_customer: Caller

    @property
    def tenant_id(self) -> UUID:
        assert self.admin.tenant_id is not None
        return self.admin.tenant_id

    async def device(self, name: str = "meter", fields: DeviceFields | None = None) -> EntityRef:
        async with self.database.write() as session:
            device = await device_service.create(
                session, self.admin, {"name": name, **(fields or {})}, vault=VAULT
            )
        return EntityRef(EntityType.DEVICE, device.id)

    async def user(self, email: str) -> UUID:
        """Make another administrator of the tenant."""
        membership: user_service.Membership = {
            "authority": Authority.TENANT_ADMIN,
            "tenant_id": self.tenant_id,
            "customer_id": None,
        }
        async with self.database.write() as session:
            user = await user_service.create(
                session,
                self.admin,
                {"email": email},
                membership,
                credentials.inactive(VAULT, self.clock.now_ms()),
            )
        return user.id

    async def profile_id(self, device: EntityRef) -> UUID:
        async with self.database.read() as session:
            return (await device_service.get(session, self.admin, device.id)).device_profile_id


@asynccontextmanager
async def make_world(database_url: str, clock: ManualClock) -> AsyncIterator[World]:
    bus = MemoryBus()
    database = Database(
        database_url, emit=bus.emit, reactions=REACTIONS, pool_size=5, max_overflow=5
    )
    admin = await make_tenant(database, "Farm")
    foreign_admin = await make_tenant(database, "Mill")
    alarms = AlarmWriter(database, clock)
    await alarms.start()
    yield World(
        database,
        bus,
        clock,
        alarms,
        admin,
        foreign_admin,
        await make_customer(database, admin, "Barn"),
        await make_customer(database, admin, "Stable"),
    )
    await alarms.stop()
    await database.close()
