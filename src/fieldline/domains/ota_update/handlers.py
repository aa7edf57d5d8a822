"""What a change of a device or a profile means for updates."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fieldline.domains.ota_package.kinds import OtaType
from fieldline.domains.ota_update import service
from fieldline.kit.ids import EntityType
from fieldline.messaging.events import Change, EntityChanged

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

_SAVED = frozenset({Change.CREATED, Change.UPDATED})
_WIRE_NAMES = {OtaType.FIRMWARE: "firmwareId", OtaType.SOFTWARE: "softwareId"}


async def follow_assignments(session: "AsyncSession", event: object) -> None:
    """Have devices told that have another package now; a reaction."""
    if not isinstance(event, EntityChanged) or event.change not in _SAVED:
        return
    if event.entity.type is EntityType.DEVICE:
        await service.look_at_device(session, event.entity.id)
    elif event.entity.type is EntityType.DEVICE_PROFILE:
        for kind, name in _WIRE_NAMES.items():
            package_id = _id(event.data or {}, name)
            await service.look_at_profile(session, event.entity.id, kind, package_id)


def _id(data: Mapping[str, Any], name: str) -> UUID | None:
    reference = data.get(name)
    return None if reference is None else UUID(reference["id"])
