"""Queries of devices that may be claimed."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.domains.claim.models import DeviceClaim


class ClaimRepository:
    """Claim data of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, device_id: UUID) -> DeviceClaim | None:
        return await self._session.get(DeviceClaim, device_id)

    async def add(self, claim: DeviceClaim) -> None:
        self._session.add(claim)
        await self._session.flush()

    async def delete(self, claim: DeviceClaim) -> None:
        await self._session.delete(claim)
        await self._session.flush()
