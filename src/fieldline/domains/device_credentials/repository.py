"""Queries of device credentials."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.domains.device_credentials.models import DeviceCredentials


class DeviceCredentialsRepository:
    """Device credentials of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def of_device(self, device_id: UUID) -> DeviceCredentials | None:
        query = select(DeviceCredentials).where(DeviceCredentials.device_id == device_id)
        return (await self._session.scalars(query)).one_or_none()

    async def by_lookup_hashes(self, hashes: Collection[bytes]) -> Sequence[DeviceCredentials]:
        query = select(DeviceCredentials).where(DeviceCredentials.lookup_hash.in_(hashes))
        return (await self._session.scalars(query)).all()

    async def add(self, credentials: DeviceCredentials) -> None:
        self._session.add(credentials)
        await self._session.flush()
