"""Queries of devices."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Row,
    case,
    column,
    exists,
    func,
    select,
    table,
)

from fieldline.database.things import ThingFilter, ThingRepository
from fieldline.database.types import Guid, Json
from fieldline.domains.device.lists import DeviceCount, DeviceFilter
from fieldline.domains.device.models import Device
from fieldline.domains.ota_package.kinds import OtaType

_PROFILE = table(
    "device_profile",
    column("id", Guid),
    column("transport_type"),
    column("transport_configuration", Json),
    column("default_rule_chain_id", Guid),
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


class DeviceRepository(ThingRepository[Device]):
    """Devices of one session."""

    model = Device
    is_active = exists().where(
        _ATTRIBUTE.c.entity_id == Device.id,
        _ATTRIBUTE.c.scope == _SERVER_SCOPE,
        _ATTRIBUTE.c.key_id
        == select(_KEY.c.key_id).where(_KEY.c.key == "active").scalar_subquery(),
        _ATTRIBUTE.c.bool_v.is_(True),
    )
    """The server attribute that the platform sets while it hears from a device."""

    async def newest_of_profile(
        self, tenant_id: UUID, profile_id: UUID | None, limit: int
    ) -> list[UUID]:
        """Return ids of the newest devices of a profile; None stands for all profiles."""
        query = select(Device.id).where(Device.tenant_id == tenant_id)
        if profile_id is not None:
            query = query.where(Device.device_profile_id == profile_id)
        query = query.order_by(Device.created_time.desc(), Device.id.desc()).limit(limit)
        return list(await self._session.scalars(query))

    async def count_without_own(
        self, tenant_id: UUID, profile_id: UUID, kind: OtaType, customer_id: UUID | None
    ) -> int:
        """Count the devices of a profile that have no OTA package of their own."""
        own = Device.firmware_id if kind is OtaType.FIRMWARE else Device.software_id
        query = select(func.count(Device.id)).where(
            Device.tenant_id == tenant_id, Device.device_profile_id == profile_id, own.is_(None)
        )
        if customer_id is not None:
            query = query.where(Device.customer_id == customer_id)
        return await self._session.scalar(query) or 0

    async def by_names(self, tenant_id: UUID, names: Collection[str]) -> Sequence[Device]:
        query = select(Device).where(Device.tenant_id == tenant_id, Device.name.in_(names))
        return (await self._session.scalars(query)).all()

    async def active_of(self, ids: Collection[UUID]) -> set[UUID]:
        query = select(Device.id).where(Device.id.in_(ids), self.is_active)
        return set(await self._session.scalars(query))

    async def counts_by_gateway(
        self, tenant_id: UUID, gateway_ids: Collection[UUID], customer_id: UUID | None
    ) -> dict[UUID, DeviceCount]:
        """Return how many devices each gateway has; one without any is left out."""
        active = func.sum(case((self.is_active, 1), else_=0))
        query = (
            select(Device.gateway_id, func.count().label("devices"), active.label("active"))
            .where(Device.tenant_id == tenant_id, Device.gateway_id.in_(gateway_ids))
            .group_by(Device.gateway_id)
        )
        if customer_id is not None:
            query = query.where(Device.customer_id == customer_id)
        rows = (await self._session.execute(query)).all()
        return {row.gateway_id: DeviceCount(row.devices, row.active) for row in rows}

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

    def _conditions(self, wanted: ThingFilter) -> list[ColumnElement[bool]]:
        found = super()._conditions(wanted)
        if isinstance(wanted, DeviceFilter):
            if wanted.is_gateway is not None:
                found.append(Device.is_gateway.is_(wanted.is_gateway))
            if wanted.gateway_id is not None:
                found.append(Device.gateway_id == wanted.gateway_id)
        return found
