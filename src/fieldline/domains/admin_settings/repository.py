"""Queries on settings."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.domains.admin_settings.models import AdminSettings


class AdminSettingsRepository:
    """All queries of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, settings_id: UUID) -> AdminSettings | None:
        return await self._session.get(AdminSettings, settings_id)

    async def add(self, settings: AdminSettings) -> None:
        self._session.add(settings)
        await self._session.flush()
