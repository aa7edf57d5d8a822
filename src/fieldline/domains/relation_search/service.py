"""Finds entities of one kind by relations, each kind read by its own domain."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from fieldline.domains.device import service as device_service
from fieldline.domains.device.schemas import Device
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
