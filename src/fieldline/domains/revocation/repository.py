"""Queries on revocations."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.domains.revocation.models import Revocation


class RevocationRepository:
    """All queries of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def put(self, revocation: Revocation) -> None:
        """Store one; of two for the same subject the later times hold."""
        found = await self._session.get(Revocation, revocation.subject_id)
        if found is None:
            self._session.add(revocation)
        else:
            found.before_ms = max(found.before_ms, revocation.before_ms)
            found.forget_ms = max(found.forget_ms, revocation.forget_ms)
        await self._session.flush()

    async def all(self) -> Sequence[Revocation]:
        return (await self._session.scalars(select(Revocation))).all()

    async def sessions_of(self, user_id: UUID) -> Sequence[Revocation]:
        """Return the ended sessions of a user, oldest first."""
        query = select(Revocation).where(Revocation.user_id == user_id)
        return (await self._session.scalars(query.order_by(Revocation.before_ms))).all()

    async def remove(self, revocation: Revocation) -> None:
        await self._session.delete(revocation)

    async def forget(self, now_ms: int) -> None:
        await self._session.execute(delete(Revocation).where(Revocation.forget_ms <= now_ms))
