"""Which rule chain the messages of an asset or of a profile enter, in memory.

Loaded once and then kept up to date by events, so that no message asks the database.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.database.engine import Database
from fieldline.database.loading import Loader
from fieldline.kit.ids import EntityType
from fieldline.kit.lru import Lru
from fieldline.messaging.bus import Bus
from fieldline.messaging.events import EntityChanged

MAX_ENTITIES = 100_000
"""Entities kept in memory at about 200 bytes each."""

LoadChains = Callable[[AsyncSession, Collection[UUID]], Awaitable[Mapping[UUID, UUID | None]]]
"""Reads entity -> the chain of its profile, if that names one; who does not exist is left out."""


class Target(NamedTuple):
    """Where an entity's messages go; None is the tenant's root chain."""

    rule_chain_id: UUID | None


class ChainDirectory:
    """Finds the chain of entities of one kind.

    Args:
        database: read on a miss.
        bus: its events keep what is known correct.
        load: see :data:`LoadChains`.
        kind: of the entities.
        profile_kind: of their profiles; the same one for profiles.
        max_entities: kept in memory.
    """

    def __init__(
        self,
        database: Database,
        bus: Bus,
        load: LoadChains,
        *,
        kind: EntityType,
        profile_kind: EntityType,
        max_entities: int = MAX_ENTITIES,
    ) -> None:
        self._database = database
        self._load_chains = load
        self._kind = kind
        self._profile_kind = profile_kind
        self._targets: Lru[UUID, Target] = Lru(max_entities)
        self._loader = Loader(self._load, _is_changed, self._keep)
        self._stop_listening = bus.listen(EntityChanged, self._on_change)

    def cached_by_id(self, entity_id: UUID) -> Target | None:
        """Return what is in memory."""
        return self._targets.get(entity_id)

    async def by_id(self, entity_id: UUID) -> Target | None:
        """Return where the entity's messages go; None when there is no such entity.

        Raises:
            Unavailable: it is not in memory and the database is away.
        """
        return self._targets.get(entity_id) or await self._loader.get(entity_id)

    async def close(self) -> None:
        """Stop following changes."""
        self._stop_listening()
        await self._loader.stop()

    async def _load(self, ids: list[UUID]) -> dict[UUID, Target]:
        async with self._database.read() as session:
            found = await self._load_chains(session, ids)
        return {entity_id: Target(chain_id) for entity_id, chain_id in found.items()}

    def _keep(self, entity_id: UUID, found: Target | None, *, is_current: bool) -> Target | None:
        if found is not None and is_current:
            self._targets.put(entity_id, found)
        return found

    def _on_change(self, event: EntityChanged) -> None:
        if event.entity.type is self._kind:
            self._targets.pop(event.entity.id)
            self._loader.changed(event.entity.id)
        elif event.entity.type is self._profile_kind:
            self._targets.clear()
            self._loader.all_changed()


def _is_changed(entity_id: UUID, _found: Target | None, changed: set[UUID]) -> bool:
    return entity_id in changed
