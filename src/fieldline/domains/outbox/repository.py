"""Queries of the outbox."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.domains.outbox.models import OutboxMessage


class OutboxRepository:
    """The outbox in one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, message: OutboxMessage) -> None:
        self._session.add(message)
        await self._session.flush()

    async def oldest(self, limit: int) -> Sequence[OutboxMessage]:
        query = select(OutboxMessage).order_by(OutboxMessage.id).limit(limit)
        return (await self._session.scalars(query)).all()

    async def remove(self, ids: Collection[int]) -> None:
        await self._session.execute(delete(OutboxMessage).where(OutboxMessage.id.in_(ids)))
