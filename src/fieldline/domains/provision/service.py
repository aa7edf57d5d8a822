"""Makes devices for those that know their profile's key, or hands credentials to expected ones."""

from typing import TYPE_CHECKING, Any

from fieldline.database.base import now_ms
from fieldline.domains.audit_log import service as audit_log_service
from fieldline.domains.audit_log.actions import Action
from fieldline.domains.audit_log.service import Deed
from fieldline.domains.device import service as device_service
from fieldline.domains.device.content import GATEWAY
from fieldline.domains.device_credentials import service as credentials_service
from fieldline.domains.device_credentials.content import generate_token
from fieldline.domains.device_credentials.service import Credentials
from fieldline.domains.device_profile.service import Provisioning
from fieldline.domains.outbox.service import post
from fieldline.domains.provision.request import ProvisionRequest
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.messaging.message import Message, MessageType
from fieldline.security.caller import platform_of
from fieldline.security.secrets import Vault

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def create(
    session: "AsyncSession", profile: Provisioning, request: ProvisionRequest, *, vault: Vault
) -> tuple[device_service.Row, Credentials | None]:
    """Make a device of the profile; without credentials, it is one that has the name already.

    Raises:
        Invalid: the name, or the credentials that the device wants, cannot be.
        CredentialsTaken: another device has these credentials.
        LimitReached: the tenant's profile allows no more devices.
    """
    name = request.device_name
    if name is None:
        name = generate_token()
    for taken in await device_service.by_names(session, profile.tenant_id, [name]):
        await note(session, taken, request, failure=f"There is a device '{name}' already")
        return taken, None
    info: dict[str, Any] | None = {GATEWAY: True} if request.is_gateway else None
    device = await device_service.create(
        session,
        platform_of(profile.tenant_id),
        {"name": name, "device_profile_id": profile.profile_id, "additional_info": info},
        vault=vault,
        credentials=request.credentials(),
    )
    await note(session, device, request)
    return device, await credentials_service.get(session, device.id, vault=vault)


async def expected(
    session: "AsyncSession", profile: Provisioning, request: ProvisionRequest
) -> device_service.Row | None:
    """Return the device of the profile that has the name in the request."""
    name = request.device_name
    for device in await device_service.by_names(session, profile.tenant_id, [name] if name else []):
        if device.device_profile_id == profile.profile_id:
            return device
    return None


async def note(
    session: "AsyncSession",
    device: device_service.Row,
    request: ProvisionRequest,
    *,
    failure: str | None = None,
) -> None:
    """Record how a request of a device ended, and tell the rules."""
    origin = EntityRef(EntityType.DEVICE, device.id)
    action = Action.PROVISION_FAILURE if failure else Action.PROVISION_SUCCESS
    shown = request.shown()
    deed = Deed(action, origin, device.name, device.customer_id, shown, failure)
    await audit_log_service.record(session, platform_of(device.tenant_id).actor, deed)
    message = Message(
        MessageType(action.value),
        origin,
        device.tenant_id,
        shown,
        {
            "tenantId": str(device.tenant_id),
            "deviceName": device.name,
            "deviceType": device.type,
        },
        ts_ms=now_ms(),
        customer_id=device.customer_id,
        profile_id=device.device_profile_id,
    )
    await post(session, message)
