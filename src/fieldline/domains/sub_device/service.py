"""Finds devices by the names that a gateway or an integration has for them, and makes new ones."""

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from fieldline.domains.device import service as device_service
from fieldline.domains.device.content import LAST_GATEWAY
from fieldline.domains.relation import service as relation_service
from fieldline.domains.relation.kinds import Key, Wanted
from fieldline.domains.sub_device.kind import SubDeviceKind
from fieldline.kit.errors import FieldlineError
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.security.caller import platform_of
from fieldline.security.secrets import Vault

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

CREATED = "Created"
"""The type of the relation from a gateway to the devices that were made for it."""


class Origin(NamedTuple):
    """Through whom the devices speak: a gateway, or with ``gateway_id`` None an integration."""

    tenant_id: UUID
    gateway_id: UUID | None = None
    customer_id: UUID | None = None


class Joined(NamedTuple):
    """A device, and whether it was made just now."""

    id: UUID
    is_new: bool = False


async def joined(
    session: "AsyncSession", origin: Origin, names: list[str]
) -> dict[str, Joined | FieldlineError]:
    """Return those of the devices that are known, by name; a gateway's only with their gateway."""
    found = await device_service.by_names(session, origin.tenant_id, names)
    return {
        device.name: Joined(device.id)
        for device in found
        if origin.gateway_id in (None, device.gateway_id)
    }


async def join(
    session: "AsyncSession", origin: Origin, name: str, kind: SubDeviceKind, *, vault: Vault
) -> Joined:
    """Return the device of a name, noting through which gateway it speaks.

    One that is not there is made: of the profile of that type, which is made too, and of the
    origin's customer.

    Raises:
        LimitReached: the tenant's profile allows no more devices.
        Invalid: the name or type is none.
    """
    caller = platform_of(origin.tenant_id)
    gateway_id = origin.gateway_id
    found = await _found(session, origin, name, kind)
    if found is not None:
        if gateway_id is not None:
            info = {**(found.additional_info or {}), LAST_GATEWAY: str(gateway_id)}
            fields: dict[str, Any] = {"additional_info": info}
            if found.name != name:
                fields |= {"name": name, "label": kind.label}
            await device_service.update(session, caller, found.id, fields)
        return Joined(found.id)
    device = await device_service.create(
        session,
        caller,
        {
            "name": name,
            "label": kind.label,
            "type": kind.type,
            "customer_id": origin.customer_id,
            "additional_info": None if gateway_id is None else {LAST_GATEWAY: str(gateway_id)},
        },
        vault=vault,
    )
    if gateway_id is not None:
        source, target = (EntityRef(EntityType.DEVICE, each) for each in (gateway_id, device.id))
        key = Key(source, target, CREATED)
        await relation_service.save(session, caller, key, additional_info=None)
    return Joined(device.id, is_new=True)


async def _found(
    session: "AsyncSession", origin: Origin, name: str, kind: SubDeviceKind
) -> device_service.Row | None:
    """Return the device of a name; else one that was made for the gateway, named as the label."""
    for device in await device_service.by_names(session, origin.tenant_id, [name]):
        return device
    if not kind.label or kind.label == name or origin.gateway_id is None:
        return None
    for device in await device_service.by_names(session, origin.tenant_id, [kind.label]):
        source, target = (
            EntityRef(EntityType.DEVICE, each) for each in (origin.gateway_id, device.id)
        )
        wanted = Wanted(source, target, CREATED)
        if await relation_service.exists(session, origin.tenant_id, wanted):
            return device
    return None
