"""Queries on users' settings."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.domains.user_settings.models import UserSettings


class UserSettingsRepository:
    """All queries of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, user_id: UUID, kind: str, *, lock: bool = False) -> UserSettings | None:
        """Return settings; ``lock`` lets nobody else change them meanwhile."""
        query = select(UserSettings).where(
            UserSettings.user_id == user_id, UserSettings.type == kind
        )
        if lock:
            query = query.with_for_update().execution_options(populate_existing=True)
        return await self._session.scalar(query)

    async def get_or_add(self, user_id: UUID, kind: str) -> UserSettings | None:
        """Return settings, locked, empty ones if there were none; None if there is no such user."""
        found = await self.get(user_id, kind, lock=True)
        if found is not None:
            return found
        new = UserSettings(user_id=user_id, type=kind, settings={})
        try:
            async with self._session.begin_nested():
                self._session.add(new)
        except IntegrityError:
            # Somebody else has just added them, or the user is gone.
            return await self.get(user_id, kind, lock=True)
        return new

    async def flush(self) -> None:
        await self._session.flush()
