"""Queries of device profiles."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import column, exists, select, table, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from fieldline.database.repository import fetch_page
from fieldline.database.types import Guid
from fieldline.domains.device_profile.models import DeviceProfile
from fieldline.kit.paging import Page, PageRequest

_RULE_CHAIN = table("rule_chain", column("id", Guid), column("tenant_id", Guid))
_DEVICE = table("device", column("device_profile_id", Guid))
_SORTABLE = {
    "id": DeviceProfile.id,
    "created_time": DeviceProfile.created_time,
    "name": DeviceProfile.name,
    "type": DeviceProfile.type,
    "transport_type": DeviceProfile.transport_type,
    "provision_type": DeviceProfile.provision_type,
    "description": DeviceProfile.description,
    "is_default": DeviceProfile.is_default,
    "default": DeviceProfile.is_default,
}


class DeviceProfileRepository:
    """Device profiles of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, profile_id: UUID) -> DeviceProfile | None:
        return await self._session.get(DeviceProfile, profile_id)

    async def by_ids(self, tenant_id: UUID, ids: Collection[UUID]) -> Sequence[DeviceProfile]:
        query = select(DeviceProfile).where(
            DeviceProfile.tenant_id == tenant_id, DeviceProfile.id.in_(ids)
        )
        return (await self._session.scalars(query.order_by(DeviceProfile.name))).all()

    async def by_name(self, tenant_id: UUID, name: str) -> DeviceProfile | None:
        query = select(DeviceProfile).where(
            DeviceProfile.tenant_id == tenant_id, DeviceProfile.name == name
        )
        return (await self._session.scalars(query)).one_or_none()

    async def by_provision_key(self, key: str) -> DeviceProfile | None:
        query = select(DeviceProfile).where(DeviceProfile.provision_device_key == key)
        return (await self._session.scalars(query)).one_or_none()

    async def default(self, tenant_id: UUID) -> DeviceProfile | None:
        query = select(DeviceProfile).where(
            DeviceProfile.tenant_id == tenant_id, DeviceProfile.is_default
        )
        return (await self._session.scalars(query)).one_or_none()

    async def page(
        self, tenant_id: UUID, request: PageRequest, *, transport_type: str | None = None
    ) -> Page[DeviceProfile]:
        query = select(DeviceProfile).where(DeviceProfile.tenant_id == tenant_id)
        if transport_type:
            query = query.where(DeviceProfile.transport_type == transport_type)
        return await fetch_page(
            self._session,
            query,
            request,
            sortable=_SORTABLE,
            tie_breaker=DeviceProfile.id,
            searched=[DeviceProfile.name],
        )

    async def names(self, tenant_id: UUID, *, active_only: bool) -> list[tuple[UUID, str]]:
        query = select(DeviceProfile.id, DeviceProfile.name).where(
            DeviceProfile.tenant_id == tenant_id
        )
        if active_only:
            query = query.where(exists().where(_DEVICE.c.device_profile_id == DeviceProfile.id))
        rows = await self._session.execute(query.order_by(DeviceProfile.name))
        return [(row.id, row.name) for row in rows]

    async def has_devices(self, profile_id: UUID) -> bool:
        query = select(exists().where(_DEVICE.c.device_profile_id == profile_id))
        return bool(await self._session.scalar(query))

    async def tenant_of_rule_chain(self, rule_chain_id: UUID) -> UUID | None:
        query = select(_RULE_CHAIN.c.tenant_id).where(_RULE_CHAIN.c.id == rule_chain_id)
        return await self._session.scalar(query)

    async def clear_default(self, tenant_id: UUID) -> None:
        """Leave the tenant without a default, which the caller sets next: there may be one."""
        await self._session.execute(
            update(DeviceProfile)
            .where(DeviceProfile.tenant_id == tenant_id, DeviceProfile.is_default)
            .values(is_default=False, version=DeviceProfile.version + 1)
        )

    async def add(self, profile: DeviceProfile) -> None:
        self._session.add(profile)
        await self._session.flush()

    async def save(self, profile: DeviceProfile) -> None:
        """Write the profile; its version rises even when nothing else changed."""
        flag_modified(profile, "name")
        await self._session.flush()

    async def delete(self, profile: DeviceProfile) -> None:
        await self._session.delete(profile)
        await self._session.flush()
