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
    exists,
    func,
    select,
    table,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from fieldline.database.repository import Column, fetch_page, fetch_rows
from fieldline.database.types import Guid, Json
from fieldline.domains.device.lists import DeviceFilter, ListedDevice
from fieldline.domains.device.models import Device
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
_INFOS = select(
    Device,
    _CUSTOMER.c.title.label("customer_title"),
    _CUSTOMER.c.is_public.label("customer_is_public"),
    _IS_ACTIVE.label("is_active"),
).outerjoin(_CUSTOMER, _CUSTOMER.c.id == Device.customer_id)
"""Devices with what lists show beside a device's own fields; the profile's name is the type."""


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
        self, tenant_id: UUID, request: PageRequest, wanted: DeviceFilter
    ) -> Page[Device]:
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
            searched=_SEARCHED,
        )

    async def info_page(
        self, tenant_id: UUID, request: PageRequest, wanted: DeviceFilter
    ) -> Page[ListedDevice]:
        """Return a page of a tenant's devices, searched by the customer's title too."""
        page = await fetch_rows(
            self._session,
            _INFOS.where(Device.tenant_id == tenant_id, *_conditions(wanted)),
            request,
            sortable=_SORTABLE,
            tie_breaker=Device.id,
            searched=[*_SEARCHED, _CUSTOMER.c.title],
        )
        return page.map(_info)

    async def info(self, device_id: UUID) -> ListedDevice | None:
        found = (await self._session.execute(_INFOS.where(Device.id == device_id))).one_or_none()
        return None if found is None else _info(found)

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


def _info(row: Row[Any]) -> ListedDevice:
    return ListedDevice(
        row.Device, row.customer_title, bool(row.customer_is_public), bool(row.is_active)
    )


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
