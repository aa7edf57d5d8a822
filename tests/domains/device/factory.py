"""Tenants with a customer, a bus, and the directory over them, all of them real."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Unpack
from uuid import UUID

from fieldline.app.reactions import REACTIONS
from fieldline.database.engine import Database
from fieldline.domains.device import service as device_service
from fieldline.domains.device.directory import DeviceDirectory
from fieldline.domains.device.fields import DeviceFields
from fieldline.domains.device.models import Device
from fieldline.domains.device_credentials.content import Content, check_content
from fieldline.domains.device_credentials.service import Credentials
from fieldline.domains.device_profile import service as profile_service
from fieldline.domains.device_profile.models import DeviceProfile
from fieldline.messaging.backends.memory import MemoryBus
from fieldline.messaging.events import EntityChanged
from fieldline.security.caller import Caller
from tests.people import VAULT, make_customer, make_tenant


@dataclass
class World:
    """Two tenants, the first with two customers; ``events`` are what was told so far."""

    database: Database
    bus: MemoryBus
    admin: Caller
    foreign_admin: Caller
    customer: Caller
    other_customer: Caller
    directory: DeviceDirectory
    events: list[EntityChanged] = field(default_factory=list)

    @property
    def tenant_id(self) -> UUID:
        assert self.admin.tenant_id is not None
        return self.admin.tenant_id

    async def device(
        self, name: str = "meter", /, *, token: str | None = None, **fields: Unpack[DeviceFields]
    ) -> Device:
        """Make a device of the first tenant, with this access token."""
        content = check_content("ACCESS_TOKEN", token, None) if token else None
        return await self.device_with(content, {**fields, "name": name})

    async def device_with(self, credentials: Content | None, fields: DeviceFields) -> Device:
        async with self.database.write() as session:
            return await device_service.create(
                session, self.admin, fields, vault=VAULT, credentials=credentials
            )

    async def update(self, device_id: UUID, **fields: Unpack[DeviceFields]) -> Device:
        async with self.database.write() as session:
            return await device_service.update(session, self.admin, device_id, fields)

    async def delete(self, device_id: UUID) -> None:
        async with self.database.write() as session:
            await device_service.delete(session, self.admin, device_id)

    async def profile(self, **fields: Unpack[profile_service.ProfileFields]) -> DeviceProfile:
        async with self.database.write() as session:
            return await profile_service.create(session, self.admin, fields, vault=VAULT)

    async def replace_credentials(
        self, device_id: UUID, kind: str, credentials_id: str | None, value: str | None = None
    ) -> Credentials:
        async with self.database.write() as session:
            return await device_service.replace_credentials(
                session,
                self.admin,
                device_id,
                check_content(kind, credentials_id, value),
                vault=VAULT,
            )


@asynccontextmanager
async def make_world(database_url: str) -> AsyncIterator[World]:
    bus = MemoryBus()
    database = Database(
        database_url, emit=bus.emit, reactions=REACTIONS, pool_size=5, max_overflow=5
    )
    admin = await make_tenant(database, "Farm")
    foreign_admin = await make_tenant(database, "Mill")
    customer = await make_customer(database, admin, "Barn")
    other_customer = await make_customer(database, admin, "Stable")
    directory = DeviceDirectory(database, VAULT, bus)
    world = World(database, bus, admin, foreign_admin, customer, other_customer, directory)
    bus.listen(EntityChanged, world.events.append)
    yield world
    await directory.close()
    await database.close()
