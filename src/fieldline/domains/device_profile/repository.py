"""Queries of device profiles."""

from uuid import UUID

from sqlalchemy import column, select, table

from fieldline.database.profiles import ProfileRepository
from fieldline.database.repository import Column
from fieldline.database.types import Guid
from fieldline.domains.device_profile.models import DeviceProfile
from fieldline.kit.paging import Page, PageRequest


class DeviceProfileRepository(ProfileRepository[DeviceProfile]):
    """Device profiles of one session."""

    model = DeviceProfile
    used_by = table("device", column("device_profile_id", Guid)).c.device_profile_id

    async def by_provision_key(self, key: str) -> DeviceProfile | None:
        query = select(DeviceProfile).where(DeviceProfile.provision_device_key == key)
        return (await self._session.scalars(query)).one_or_none()

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
