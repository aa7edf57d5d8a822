"""Makes devices for those that know their profile's key, or hands credentials to expected ones."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fieldline.database.base import now_ms
from fieldline.domains.audit_log import service as audit_log_service
from fieldline.domains.audit_log.actions import Action
from fieldline.domains.audit_log.service import Deed
from fieldline.domains.device import service as device_service
from fieldline.domains.device.content import GATEWAY
from fieldline.domains.device_credentials import service as credentials_service
from fieldline.domains.device_credentials.content import check_content, generate_token
from fieldline.domains.device_credentials.kinds import CredentialsType
from fieldline.domains.device_credentials.service import Credentials
from fieldline.domains.device_profile.authority import ALLOW_CREATE
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
        await note(session, taken, request.shown(), failure=f"There is a device '{name}' already")
        return taken, None
    info: dict[str, Any] | None = {GATEWAY: True} if request.is_gateway else None
    device = await device_service.create(
        session,
        platform_of(profile.tenant_id),
        {"name": name, "device_profile_id": profile.profile_id, "additional_info": info},
        vault=vault,
        credentials=request.credentials(),
    )
    await note(session, device, request.shown())
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


async def by_certificate(
    session: "AsyncSession", profile: Provisioning, name: str, pem: str, *, vault: Vault
) -> device_service.Row | None:
    """Give the device of a name in the profile a certificate; make one where that is allowed.

    Returns:
        The device; None when there is none and may be none.

    Raises:
        Invalid: the name cannot be that of a device.
        CredentialsTaken: another device has the certificate.
        LimitReached: the tenant's profile allows no more devices.
    """
    caller = platform_of(profile.tenant_id)
    credentials = check_content(CredentialsType.X509_CERTIFICATE, None, pem)
    shown = {"deviceName": name, "credentialsType": CredentialsType.X509_CERTIFICATE.value}
    for device in await device_service.by_names(session, profile.tenant_id, [name]):
        if device.device_profile_id != profile.profile_id:
            await note(session, device, shown, failure="It has another profile")
            return None
        await device_service.replace_credentials(
            session, caller, device.id, credentials, vault=vault
        )
        await note(session, device, shown)
        return device
    if not profile.configuration.get(ALLOW_CREATE):
        return None
    device = await device_service.create(
        session,
        caller,
        {"name": name, "device_profile_id": profile.profile_id},
        vault=vault,
        credentials=credentials,
    )
    await note(session, device, shown)
    return device


async def note(
    session: "AsyncSession",
    device: device_service.Row,
    shown: Mapping[str, Any],
    *,
    failure: str | None = None,
) -> None:
    """Record how a request of a device ended, and tell the rules; ``shown`` is the request."""
    origin = EntityRef(EntityType.DEVICE, device.id)
    action = Action.PROVISION_FAILURE if failure else Action.PROVISION_SUCCESS
    request = dict(shown)
    deed = Deed(action, origin, device.name, device.customer_id, request, failure)
    await audit_log_service.record(session, platform_of(device.tenant_id).actor, deed)
    message = Message(
        MessageType(action.value),
        origin,
        device.tenant_id,
        request,
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
