"""Finds a gateway's devices by name, and makes those that are not there yet."""

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from fieldline.domains.device import service as device_service
from fieldline.domains.device.content import LAST_GATEWAY
from fieldline.domains.relation import service as relation_service
from fieldline.domains.relation.kinds import Key
from fieldline.kit.errors import FieldlineError
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.security.caller import platform_of
from fieldline.security.secrets import Vault

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

CREATED = "Created"
"""The type of the relation from a gateway to the devices that were made for it."""


class Gateway(NamedTuple):
    """Through whom the devices speak."""

    id: UUID
    tenant_id: UUID
    customer_id: UUID | None


async def joined(
    session: "AsyncSession", gateway: Gateway, names: list[str]
) -> dict[str, UUID | FieldlineError]:
    """Return those of the devices that are known to speak through the gateway, by name."""
    found = await device_service.by_names(session, gateway.tenant_id, names)
    return {device.name: device.id for device in found if device.gateway_id == gateway.id}


async def join(
    session: "AsyncSession", gateway: Gateway, name: str, device_type: str, *, vault: Vault
) -> UUID:
    """Return the device of a name, noting that it speaks through the gateway.

    One that is not there is made: of the profile of that name, which is made too, and of the
    gateway's customer.

    Raises:
        LimitReached: the tenant's profile allows no more devices.
        Invalid: the name or type is none.
    """
    caller = platform_of(gateway.tenant_id)
    for found in await device_service.by_names(session, gateway.tenant_id, [name]):
        info = {**(found.additional_info or {}), LAST_GATEWAY: str(gateway.id)}
        await device_service.update(session, caller, found.id, {"additional_info": info})
        return found.id
    device = await device_service.create(
        session,
        caller,
        {
            "name": name,
            "type": device_type,
            "customer_id": gateway.customer_id,
            "additional_info": {LAST_GATEWAY: str(gateway.id)},
        },
        vault=vault,
    )
    origin, target = (EntityRef(EntityType.DEVICE, each) for each in (gateway.id, device.id))
    key = Key(origin, target, CREATED)
    await relation_service.save(session, caller, key, additional_info=None)
    return device.id
