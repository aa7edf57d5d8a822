"""Relations as rule nodes see them: whether one is there."""

import asyncio
from typing import Protocol
from uuid import UUID

from fieldline.database.engine import Database
from fieldline.domains.relation import service as relation_service
from fieldline.domains.relation.kinds import Wanted
from fieldline.kit.errors import Unavailable

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


class Relations(Protocol):
    """What nodes may ask about relations. A store that is away is waited for."""

    async def exists(self, tenant_id: UUID, wanted: Wanted) -> bool:
        """Return whether the tenant has such a relation."""


class StoredRelations:
    """The relations in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def exists(self, tenant_id: UUID, wanted: Wanted) -> bool:
        """See :class:`Relations`."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                async with self._database.read() as session:
                    return await relation_service.exists(session, tenant_id, wanted)
            except Unavailable:
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
