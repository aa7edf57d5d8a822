"""Which entities a view may show, and how they are found."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fieldline.domains.asset import service as asset_service
from fieldline.domains.device import service as device_service
from fieldline.domains.entity_view.errors import InvalidEntityView
from fieldline.domains.entity_view.repository import EntityViewRepository
from fieldline.kit.errors import NotFound
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.security.caller import Caller

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

TARGETS: dict[EntityType, Callable[["AsyncSession", Caller, UUID], Awaitable[Any]]] = {
    EntityType.DEVICE: device_service.get,
    EntityType.ASSET: asset_service.get,
}
"""Kinds of entity that views show; each is found if the caller may see it."""


async def hold_target(session: "AsyncSession", caller: Caller, target: EntityRef | None) -> None:
    """Check what a view is to show, and keep it from being deleted until this is committed.

    Raises:
        InvalidEntityView: it is of a kind that views do not show, as another view.
        NotFound: there is no such entity, as far as the caller may know.
        Forbidden: the caller may not see it.
    """
    kinds = " or ".join(TARGETS)
    if target is None:
        msg = f"Entity view needs an entity whose data it shows: the id of a {kinds}"
        raise InvalidEntityView(msg)
    find = TARGETS.get(target.type)
    if find is None:
        msg = f"Entity view cannot show a {target.type}; it shows a {kinds}"
        raise InvalidEntityView(msg)
    await find(session, caller, target.id)
    if not await EntityViewRepository(session).hold(target):
        msg = f"{target.type.capitalize()} with requested id wasn't found!"
        raise NotFound(msg)
