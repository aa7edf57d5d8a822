"""Queries of device profiles."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import column, select, table

from fieldline.database.profiles import ProfileRepository
from fieldline.database.repository import Column
from fieldline.database.types import Guid
from fieldline.domains.device_profile.kinds import ProvisionType
from fieldline.domains.device_profile.models import DeviceProfile
from fieldline.kit.paging import Page, PageRequest

MAX_AUTHORITIES = 10_000
"""Of all tenants; those of later profiles are not trusted."""


class DeviceProfileRepository(ProfileRepository[DeviceProfile]):
    """Device profiles of one session."""

    model = DeviceProfile
    used_by = table("device", column("device_profile_id", Guid)).c.device_profile_id

    async def by_provision_key(self, key: str) -> DeviceProfile | None:
        query = select(DeviceProfile).where(DeviceProfile.provision_device_key == key)
        return (await self._session.scalars(query)).one_or_none()

    async def with_authority(self) -> Sequence[DeviceProfile]:
        """Return the profiles with an authority, the oldest first."""
        kind = ProvisionType.X509_CERTIFICATE_CHAIN
        query = select(DeviceProfile).where(DeviceProfile.provision_type == kind)
        order = (DeviceProfile.created_time, DeviceProfile.id)
        return (await self._session.scalars(query.order_by(*order).limit(MAX_AUTHORITIES))).all()

    async def page_of(
        self, tenant_id: UUID, request: PageRequest, transport_type: str | None
    ) -> Page[DeviceProfile]:
        """Return a page of profiles of one transport type; None stands for all."""
        if transport_type is None:
            return await self.page(tenant_id, request)
        return await self.page(tenant_id, request, DeviceProfile.transport_type == transport_type)

    def _sortable(self) -> dict[str, Column]:
        return super()._sortable() | {
            "type": DeviceProfile.type,
            "transport_type": DeviceProfile.transport_type,
            "provision_type": DeviceProfile.provision_type,
        }
