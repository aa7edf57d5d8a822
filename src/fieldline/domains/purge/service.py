"""What is to be purged: noted in the transaction of the deletion, forgotten after the purge."""

from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.domains.purge.repository import PurgeRepository
from fieldline.kit.ids import EntityType
from fieldline.messaging.events import Change, EntityChanged

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

WITH_DATA = frozenset(
    {
        EntityType.TENANT,
        EntityType.CUSTOMER,
        EntityType.USER,
        EntityType.DEVICE,
        EntityType.DEVICE_PROFILE,
        EntityType.ASSET,
        EntityType.ASSET_PROFILE,
        EntityType.ENTITY_VIEW,
        EntityType.DASHBOARD,
        EntityType.RULE_CHAIN,
    }
)
"""Kinds of entity that may have readings or attributes."""


async def note(session: "AsyncSession", event: object) -> None:
    """Note a deleted entity, with a tenant everything in it (a reaction of the database)."""
    if not isinstance(event, EntityChanged) or event.change is not Change.DELETED:
        return
    if event.entity.type not in WITH_DATA:
        return
    repository = PurgeRepository(session)
    await repository.add(event.entity.id)
    if event.entity.type is EntityType.TENANT:
        await repository.add_tenant(event.entity.id)


async def waiting(session: "AsyncSession", limit: int) -> list[UUID]:
    """Return entities whose readings are still to be deleted, at most ``limit``."""
    return await PurgeRepository(session).first(limit)


async def forget(session: "AsyncSession", ids: Collection[UUID]) -> None:
    """Note that nothing is stored of these entities any more."""
    await PurgeRepository(session).remove(ids)
