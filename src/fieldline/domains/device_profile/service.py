"""Device profiles: each tenant has a default one, devices take their type and rules from theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from fieldline.domains.device_profile import content, schemas
from fieldline.domains.device_profile.authority import (
    Authority,
    authority_key,
    check_apart,
    check_authority,
)
from fieldline.domains.device_profile.kinds import ProvisionType
from fieldline.domains.device_profile.models import DeviceProfile
from fieldline.domains.device_profile.repository import DeviceProfileRepository
from fieldline.domains.ota_package import service as ota_package_service
from fieldline.domains.ota_package.kinds import OtaType
from fieldline.domains.ota_package.service import Assignment
from fieldline.domains.profile import fields as shared
from fieldline.domains.profile.errors import InvalidProfile, ProfileInUse
from fieldline.domains.profile.service import ProfileKind, Profiles
from fieldline.kit.ids import EntityType
from fieldline.kit.paging import Page, PageRequest
from fieldline.kit.text import check_optional_text
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation
from fieldline.security.secrets import Vault

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

_SECRET = "provisionDeviceSecret"  # noqa: S105 - the name of a property


class ProfileFields(shared.ProfileFields, total=False):
    """Fields to set; what is left out stays as it is, or takes its default."""

    type: str | None
    transport_type: str | None
    provision_type: str | None
    profile_data: dict[str, Any] | None
    transport_configuration: dict[str, Any] | None
    provision_device_key: str | None
    firmware_id: UUID | None
    software_id: UUID | None


def _blank(tenant_id: UUID) -> DeviceProfile:
    transport, provision = content.transport_type(None), content.provision_type(None)
    data = content.profile_data({})
    data["provisionConfiguration"] = content.provision_configuration(provision, None)
    return DeviceProfile(
        tenant_id=tenant_id,
        type="DEFAULT",
        transport_type=transport,
        provision_type=provision,
        profile_data=data,
        transport_configuration=content.transport_configuration(transport, None),
    )


Row = DeviceProfile
"""For annotations of the domain of devices."""
profiles = Profiles(
    ProfileKind(
        EntityType.DEVICE_PROFILE, "device", DeviceProfileRepository, _blank, schemas.DeviceProfile
    )
)
seed = profiles.seed
get = profiles.get
get_default = profiles.get_default
by_ids = profiles.by_ids
names = profiles.names
set_default = profiles.set_default
delete = profiles.delete
default_of = profiles.default_of
find_or_create = profiles.find_or_create
of_tenant = profiles.of_tenant
rule_chains = profiles.rule_chains


async def page(
    session: "AsyncSession",
    caller: Caller,
    request: PageRequest,
    *,
    transport_type: str | None = None,
) -> Page[DeviceProfile]:
    tenant_id = profiles.tenant_of(caller, Operation.READ)
    kind = content.transport_type(transport_type) if transport_type else None
    return await DeviceProfileRepository(session).page_of(tenant_id, request, kind)


async def create(
    session: "AsyncSession", caller: Caller, fields: ProfileFields, *, vault: Vault
) -> DeviceProfile:
    set_own = partial(_set_own, session, fields, vault)
    return await profiles.create(session, caller, fields, set_own)


async def update(
    session: "AsyncSession",
    caller: Caller,
    profile_id: UUID,
    fields: ProfileFields,
    *,
    vault: Vault,
    version: int | None = None,
) -> DeviceProfile:
    """Change the given fields; a new name becomes the type of all devices of the profile.

    Raises:
        StaleVersion: ``version`` is given and is not the stored one.
        ProfileInUse: the transport type may not change while devices use the profile.
    """
    set_own = partial(_set_own, session, fields, vault)
    return await profiles.update(session, caller, profile_id, fields, set_own, version=version)


@dataclass(frozen=True, slots=True)
class Provisioning:
    """What a profile says of devices that make themselves known; ``secret`` is in clear.

    ``configuration`` is that of its type, without the secret.
    """

    profile_id: UUID
    tenant_id: UUID
    type: ProvisionType
    secret: str
    configuration: Mapping[str, Any]


async def provisioning_of(
    session: "AsyncSession", key: str, *, vault: Vault
) -> Provisioning | None:
    """Return what the profile with a provision key says; for the platform."""
    profile = await DeviceProfileRepository(session).by_provision_key(key)
    if profile is None:
        return None
    secret = vault.decrypt(profile.provision_secret) if profile.provision_secret else ""
    kind = ProvisionType(profile.provision_type)
    configuration = profile.profile_data["provisionConfiguration"] or {}
    return Provisioning(profile.id, profile.tenant_id, kind, secret, configuration)


def full_profile_data(profile: DeviceProfile, vault: Vault) -> dict[str, Any]:
    """Return ``profile_data`` with the provisioning secret in clear, for who may manage it."""
    data = dict(profile.profile_data)
    if profile.provision_secret is not None:
        provision = dict(data["provisionConfiguration"])
        provision[_SECRET] = vault.decrypt(profile.provision_secret)
        data["provisionConfiguration"] = provision
    return data


async def _set_own(
    session: "AsyncSession", fields: ProfileFields, vault: Vault, profile: DeviceProfile
) -> None:
    """Set what other profiles do not have; the parts that are JSON are completed."""
    if (fields.get("type") or "DEFAULT") != "DEFAULT":
        raise InvalidProfile("Device profile type must be DEFAULT, the only one there is")
    await _set_packages(session, profile, fields)
    await _set_transport(session, profile, fields)
    await _set_provisioning(session, profile, fields, vault)


async def _set_packages(
    session: "AsyncSession", profile: DeviceProfile, fields: ProfileFields
) -> None:
    given: Mapping[str, object] = fields
    for kind in OtaType:
        if kind.column not in given:
            continue
        package_id = given[kind.column]
        if isinstance(package_id, UUID):
            wanted = Assignment(kind, package_id, profile.tenant_id, profile.id)
            await ota_package_service.require_assignable(session, wanted)
        setattr(profile, kind.column, package_id)


async def _set_transport(
    session: "AsyncSession", profile: DeviceProfile, fields: ProfileFields
) -> None:
    kind = content.transport_type(fields.get("transport_type") or profile.transport_type)
    is_changed = kind != profile.transport_type
    if is_changed and profile.id and await DeviceProfileRepository(session).is_used(profile.id):
        raise ProfileInUse(
            "Can't change device profile transport type because devices referenced it!"
        )
    given = fields.get("transport_configuration")
    if given is None and not is_changed:
        given = profile.transport_configuration
    profile.transport_type = kind
    profile.transport_configuration = content.transport_configuration(kind, given)


async def _set_provisioning(
    session: "AsyncSession", profile: DeviceProfile, fields: ProfileFields, vault: Vault
) -> None:
    kind = content.provision_type(fields.get("provision_type") or profile.provision_type)
    given = fields.get("profile_data")
    if given is None:
        given = full_profile_data(profile, vault)
        if kind != profile.provision_type:
            given.pop("provisionConfiguration", None)
    data = content.profile_data(given)
    provision = content.provision_configuration(kind, data["provisionConfiguration"])
    secret = provision[_SECRET]
    former, profile.provision_type = profile.provision_type, kind
    before = vault.decrypt(profile.provision_secret) if profile.provision_secret else None
    profile.provision_secret = vault.encrypt(secret) if secret else None
    profile.profile_data = {**data, "provisionConfiguration": {**provision, _SECRET: None}}
    if kind is ProvisionType.X509_CERTIFICATE_CHAIN:
        if secret != before or former != kind:
            await _set_authority(session, profile, secret, vault)
        return
    if former == ProvisionType.X509_CERTIFICATE_CHAIN:
        # Nobody may hand in the hash of a certificate, which is no secret, as a key.
        is_former = fields.get("provision_device_key") == profile.provision_device_key
        profile.provision_device_key = None
        if is_former:
            return
    if "provision_device_key" in fields:
        await _set_provision_key(session, profile, fields["provision_device_key"])


async def _set_authority(
    session: "AsyncSession", profile: DeviceProfile, pem: str | None, vault: Vault
) -> None:
    """Make the hash of its authority's certificate the key of a profile.

    Certificates are no secret: anybody can put anybody's into a profile. See ``check_apart``.
    """
    certificate = check_authority(pem)
    der = certificate.public_bytes(Encoding.DER)
    for other in await authorities(session, vault=vault):
        if other.profile_id == profile.id:
            continue
        if other.der == der:
            raise InvalidProfile("Another device profile has this authority's certificate already")
        if other.tenant_id != profile.tenant_id:
            check_apart(certificate, x509.load_der_x509_certificate(other.der))
    await _set_provision_key(session, profile, authority_key(der))


async def authorities(session: "AsyncSession", *, vault: Vault) -> list[Authority]:
    """Return the authorities of all profiles, the oldest profile's first; for the platform."""
    found = []
    for profile in await DeviceProfileRepository(session).with_authority():
        if profile.provision_secret and profile.provision_device_key:
            pem = vault.decrypt(profile.provision_secret)
            der = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
            found.append(
                Authority(profile.id, profile.tenant_id, profile.provision_device_key, der)
            )
    return found


async def _set_provision_key(
    session: "AsyncSession", profile: DeviceProfile, key: str | None
) -> None:
    check_optional_text("Provision device key", key)
    if key:
        other = await DeviceProfileRepository(session).by_provision_key(key)
        if other is not None and other is not profile:
            raise InvalidProfile("Device profile with such provision device key already exists!")
    profile.provision_device_key = key or None
