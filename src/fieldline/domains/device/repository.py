"""Queries of devices."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Row,
    column,
    delete,
    exists,
    func,
    select,
    table,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from fieldline.database.repository import Column, fetch_page
from fieldline.database.types import Guid, Json
from fieldline.domains.device.lists import DeviceExtra, DeviceFilter
from fieldline.domains.device.models import Device, DeviceTrace
from fieldline.kit.paging import Page, PageRequest

_PROFILE = table(
    "device_profile",
    column("id", Guid),
    column("name"),
    column("transport_type"),
    column("transport_configuration", Json),
    column("default_rule_chain_id", Guid),
)
_CUSTOMER = table(
    "customer",
    column("id", Guid),
    column("title"),
    column("is_public", Boolean),
)
_ATTRIBUTE = table(
    "attribute_kv",
    column("entity_id", Guid),
    column("scope", Integer),
    column("key_id", Integer),
    column("bool_v", Boolean),
)
_KEY = table("key_dictionary", column("key_id", Integer), column("key"))
_SERVER_SCOPE = 2
"""Number of SERVER_SCOPE in ``attribute_kv``."""
_IS_ACTIVE = exists().where(
    _ATTRIBUTE.c.entity_id == Device.id,
    _ATTRIBUTE.c.scope == _SERVER_SCOPE,
    _ATTRIBUTE.c.key_id == select(_KEY.c.key_id).where(_KEY.c.key == "active").scalar_subquery(),
    _ATTRIBUTE.c.bool_v.is_(True),
)
"""The server attribute that the platform sets while it hears from a device."""
_SORTABLE: dict[str, Column] = {
    "id": Device.id,
    "created_time": Device.created_time,
    "name": Device.name,
    "type": Device.type,
    "label": Device.label,
    "customer_id": Device.customer_id,
    "tenant_id": Device.tenant_id,
    "device_profile_id": Device.device_profile_id,
    "device_profile_name": Device.type,
    "customer_title": _CUSTOMER.c.title,
    "customer_is_public": _CUSTOMER.c.is_public,
    "active": _IS_ACTIVE,
}
_SEARCHED = [Device.search_text, Device.type]


class DeviceRepository:
    """Devices of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, device_id: UUID, *, lock: bool = False) -> Device | None:
        """Return a device; ``lock`` keeps others from changing it until the transaction ends."""
        return await self._session.get(Device, device_id, with_for_update=lock or None)

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

    async def page(
        self,
        tenant_id: UUID,
        request: PageRequest,
        wanted: DeviceFilter,
        *,
        search_customers: bool = False,
    ) -> Page[Device]:
        """Return a page of a tenant's devices; searching may include the customer's title."""
        query = (
            select(Device)
            .outerjoin(_CUSTOMER, _CUSTOMER.c.id == Device.customer_id)
            .where(Device.tenant_id == tenant_id, *_conditions(wanted))
        )
        return await fetch_page(
            self._session,
            query,
            request,
            sortable=_SORTABLE,
            tie_breaker=Device.id,
            searched=[*_SEARCHED, _CUSTOMER.c.title] if search_customers else _SEARCHED,
        )

    async def extras(self, ids: Collection[UUID]) -> dict[UUID, DeviceExtra]:
        """Return what lists show beside the fields of these devices, in one query."""
        query = (
            select(
                Device.id,
                _CUSTOMER.c.title,
                _CUSTOMER.c.is_public,
                _IS_ACTIVE.label("is_active"),
            )
            .outerjoin(_CUSTOMER, _CUSTOMER.c.id == Device.customer_id)
            .where(Device.id.in_(ids))
        )
        rows = await self._session.execute(query)
        return {
            row.id: DeviceExtra(row.title, bool(row.is_public), bool(row.is_active)) for row in rows
        }

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

    async def orphans(self, limit: int) -> list[UUID]:
        """Return devices that are gone and whose readings may still be there."""
        query = (
            select(DeviceTrace.device_id)
            .where(~exists().where(Device.id == DeviceTrace.device_id))
            .limit(limit)
        )
        return list(await self._session.scalars(query))

    async def forget(self, ids: Collection[UUID]) -> None:
        """Note that nothing is stored of these devices any more."""
        await self._session.execute(delete(DeviceTrace).where(DeviceTrace.device_id.in_(ids)))

    async def add(self, device: Device) -> None:
        self._session.add(device)
        await self._session.flush()
        self._session.add(DeviceTrace(device_id=device.id))

    async def save(self, device: Device) -> None:
        """Write the device; its version rises even when nothing else changed."""
        flag_modified(device, "name")
        await self._session.flush()

    async def delete(self, device: Device) -> None:
        await self._session.delete(device)
        await self._session.flush()


def _conditions(wanted: DeviceFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.customer_id is not None:
        found.append(Device.customer_id == wanted.customer_id)
    if wanted.type:
        found.append(Device.type == wanted.type)
    if wanted.device_profile_id is not None:
        found.append(Device.device_profile_id == wanted.device_profile_id)
    if wanted.is_active is not None:
        found.append(_IS_ACTIVE if wanted.is_active else ~_IS_ACTIVE)
    return found
