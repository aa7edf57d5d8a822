"""Queries of devices."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, column, func, select, table
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from fieldline.database.types import Guid, Json
from fieldline.domains.device.models import Device

_PROFILE = table(
    "device_profile",
    column("id", Guid),
    column("name"),
    column("transport_type"),
    column("transport_configuration", Json),
    column("default_rule_chain_id", Guid),
)
_CUSTOMER = table("customer", column("id", Guid), column("tenant_id", Guid))
_TENANT = table("tenant", column("id", Guid))
_SORTABLE = {
    "id": Device.id,
    "created_time": Device.created_time,
    "name": Device.name,
    "type": Device.type,
    "label": Device.label,
    "customer_id": Device.customer_id,
    "tenant_id": Device.tenant_id,
    "device_profile_id": Device.device_profile_id,
    "device_profile_name": Device.type,
}


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """Which devices of a tenant; None asks nothing."""

    customer_id: UUID | None = None
    type: str | None = None
    device_profile_id: UUID | None = None
    is_active: bool | None = None


class DeviceRepository:
    """Devices of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, device_id: UUID) -> Device | None:
        return await self._session.get(Device, device_id)

    async def by_ids(
        self, tenant_id: UUID, ids: Collection[UUID], customer_id: UUID | None
    ) -> Sequence[Device]:
        query = select(Device).where(Device.tenant_id == tenant_id, Device.id.in_(ids))
        if customer_id is not None:
            query = query.where(Device.customer_id == customer_id)
        return (await self._session.scalars(query)).all()

    async def by_name(self, tenant_id: UUID, name: str) -> Device | None:
        query = select(Device).where(Device.tenant_id == tenant_id, Device.name == name)
        return (await self._session.scalars(query)).one_or_none()

    async def names_from(self, tenant_id: UUID, prefix: str) -> set[str]:
        """Return the names that begin with ``prefix``."""
        query = select(Device.name).where(
            Device.tenant_id == tenant_id, Device.name.startswith(prefix, autoescape=True)
        )
        return set(await self._session.scalars(query))

    async def types(self, tenant_id: UUID, customer_id: UUID | None) -> list[str]:
        query = select(Device.type).distinct().where(Device.tenant_id == tenant_id)
        if customer_id is not None:
            query = query.where(Device.customer_id == customer_id)
        return list(await self._session.scalars(query.order_by(Device.type)))

    async def count(self, tenant_id: UUID) -> int:
        query = select(func.count()).select_from(Device).where(Device.tenant_id == tenant_id)
        return await self._session.scalar(query) or 0

    async def tenant_of_customer(self, customer_id: UUID) -> UUID | None:
        query = select(_CUSTOMER.c.tenant_id).where(_CUSTOMER.c.id == customer_id)
        return await self._session.scalar(query)

    async def lock_tenant(self, tenant_id: UUID) -> None:
        """Let nobody else count and add devices of the tenant until this transaction ends.

        PostgreSQL only: SQLite has one writer anyway, and ignores the clause.
        """
        query = select(_TENANT.c.id).where(_TENANT.c.id == tenant_id)
        await self._session.execute(query.with_for_update(key_share=True))

    async def snapshots(
        self, ids: Collection[UUID]
    ) -> Sequence[Row[Device, str, dict[str, Any], UUID | None]]:
        """Return (device, transport type, transport configuration, rule chain id) of each id."""
        query = (
            select(
                Device,
                _PROFILE.c.transport_type,
                _PROFILE.c.transport_configuration,
                _PROFILE.c.default_rule_chain_id,
            )
            .join(_PROFILE, _PROFILE.c.id == Device.device_profile_id)
            .where(Device.id.in_(ids))
        )
        return (await self._session.execute(query)).all()

    async def add(self, device: Device) -> None:
        self._session.add(device)
        await self._session.flush()

    async def save(self, device: Device) -> None:
        """Write the device; its version rises even when nothing else changed."""
        flag_modified(device, "name")
        await self._session.flush()

    async def delete(self, device: Device) -> None:
        await self._session.delete(device)
        await self._session.flush()
