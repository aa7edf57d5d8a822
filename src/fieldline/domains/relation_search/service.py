"""Finds entities of one kind by relations, each kind read by its own domain."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from fieldline.domains.asset import service as asset_service
from fieldline.domains.asset.schemas import Asset
from fieldline.domains.device import service as device_service
from fieldline.domains.device.schemas import Device
from fieldline.domains.entity_view import service as entity_view_service
from fieldline.domains.entity_view.schemas import EntityView
from fieldline.domains.relation import service as relation_service
from fieldline.domains.relation.search import Search
from fieldline.security.caller import Caller

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def devices(
    session: "AsyncSession", caller: Caller, wanted: Search, types: Collection[str]
) -> list[Device]:
    """Return the devices of these types that a search leads to and the caller may see."""
    refs = await relation_service.related(session, caller, wanted)
    found = await device_service.by_ids(session, caller, [ref.id for ref in refs])
    return [Device.model_validate(device) for device in found if device.type in types]


async def assets(
    session: "AsyncSession", caller: Caller, wanted: Search, types: Collection[str]
) -> list[Asset]:
    """Return the assets of these types that a search leads to and the caller may see."""
    refs = await relation_service.related(session, caller, wanted)
    found = await asset_service.by_ids(session, caller, [ref.id for ref in refs])
    return [Asset.model_validate(asset) for asset in found if asset.type in types]


async def entity_views(
    session: "AsyncSession", caller: Caller, wanted: Search, types: Collection[str]
) -> list[EntityView]:
    """Return the views of these types that a search leads to and the caller may see."""
    refs = await relation_service.related(session, caller, wanted)
    found = await entity_view_service.by_ids(session, caller, [ref.id for ref in refs])
    return [EntityView.model_validate(view) for view in found if view.type in types]
