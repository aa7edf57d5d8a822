"""Device profiles: each tenant has a default one, devices take their type and rules from theirs."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, TypedDict
from uuid import UUID

from fieldline.database.engine import announce
from fieldline.domains.device_profile import content, schemas
from fieldline.domains.device_profile.errors import (
    InvalidProfile,
    ProfileInUse,
    ProfileNameTaken,
    ProfileNotFound,
)
from fieldline.domains.device_profile.models import DeviceProfile
from fieldline.domains.device_profile.repository import DeviceProfileRepository
from fieldline.kit.errors import StaleVersion
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.paging import Page, PageRequest
from fieldline.kit.text import check_optional_text, check_text
from fieldline.messaging.events import Change, EntityChanged
from fieldline.rest.wire import wire_json
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, check
from fieldline.security.secrets import Vault

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

DEFAULT_NAME = "default"
DEFAULT_DESCRIPTION = "Default device profile"
MAX_IMAGE_CHARS = 1_000_000
_SECRET = "provisionDeviceSecret"  # noqa: S105 - the name of a property


class ProfileFields(TypedDict, total=False):
    """Fields to set; what is left out stays as it is, or takes its default."""

    name: str | None
    description: str | None
    image: str | None
    is_default: bool
    type: str | None
    transport_type: str | None
    provision_type: str | None
    default_rule_chain_id: UUID | None
    default_edge_rule_chain_id: UUID | None
    default_dashboard_id: UUID | None
    default_queue_name: str | None
    profile_data: dict[str, Any] | None
    transport_configuration: dict[str, Any] | None
    provision_device_key: str | None
    firmware_id: UUID | None
    software_id: UUID | None
    external_id: UUID | None


async def seed(session: "AsyncSession", tenant_id: UUID) -> DeviceProfile:
    """Give a new tenant its default profile."""
    return await _add_plain(session, None, tenant_id, DEFAULT_NAME, is_default=True)


async def get(session: "AsyncSession", caller: Caller, profile_id: UUID) -> DeviceProfile:
    profile = await DeviceProfileRepository(session).get(profile_id)
    if profile is None:
        raise ProfileNotFound(profile_id)
    _check(caller, Operation.READ, profile.tenant_id)
    return profile


async def get_default(session: "AsyncSession", caller: Caller) -> DeviceProfile:
    tenant_id = _tenant_of(caller, Operation.READ)
    return await default_of(session, tenant_id)


async def page(
    session: "AsyncSession",
    caller: Caller,
    request: PageRequest,
    *,
    transport_type: str | None = None,
) -> Page[DeviceProfile]:
    tenant_id = _tenant_of(caller, Operation.READ)
    if transport_type:
        transport_type = content.transport_type(transport_type)
    repository = DeviceProfileRepository(session)
    return await repository.page(tenant_id, request, transport_type=transport_type)


async def by_ids(
    session: "AsyncSession", caller: Caller, ids: Collection[UUID]
) -> Sequence[DeviceProfile]:
    """Return the profiles of these ids; one that the caller may not see is left out."""
    tenant_id = _tenant_of(caller, Operation.READ)
    return await DeviceProfileRepository(session).by_ids(tenant_id, ids)


async def names(
    session: "AsyncSession", caller: Caller, *, active_only: bool = False
) -> list[tuple[UUID, str]]:
    """Return id and name of every profile by name; with ``active_only`` those with devices."""
    tenant_id = _tenant_of(caller, Operation.READ)
    return await DeviceProfileRepository(session).names(tenant_id, active_only=active_only)


async def create(
    session: "AsyncSession", caller: Caller, fields: ProfileFields, *, vault: Vault
) -> DeviceProfile:
    tenant_id = _tenant_of(caller, Operation.CREATE)
    profile = DeviceProfile(tenant_id=tenant_id, profile_data={}, transport_configuration={})
    profile.transport_type = content.transport_type(None)
    profile.provision_type = content.provision_type(None)
    with session.no_autoflush:
        await _set(session, profile, {"name": None, **fields}, vault)
        await DeviceProfileRepository(session).add(profile)
    await _tell(session, caller, profile, Change.CREATED)
    if fields.get("is_default"):
        return await set_default(session, caller, profile.id)
    return profile


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
    profile = await get(session, caller, profile_id)
    _check(caller, Operation.WRITE, profile.tenant_id)
    if version is not None and version != profile.version:
        msg = "Device profile was already changed by someone else; read it again and retry"
        raise StaleVersion(msg)
    with session.no_autoflush:
        await _set(session, profile, fields, vault)
    await DeviceProfileRepository(session).save(profile)
    await _tell(session, caller, profile, Change.UPDATED)
    if fields.get("is_default") and not profile.is_default:
        return await set_default(session, caller, profile.id)
    return profile


async def set_default(session: "AsyncSession", caller: Caller, profile_id: UUID) -> DeviceProfile:
    """Make this profile the tenant's default one; the former one loses the mark."""
    profile = await get(session, caller, profile_id)
    _check(caller, Operation.WRITE, profile.tenant_id)
    if profile.is_default:
        return profile
    repository = DeviceProfileRepository(session)
    await repository.clear_default(profile.tenant_id)
    profile.is_default = True
    await repository.save(profile)
    await _tell(session, caller, profile, Change.UPDATED)
    return profile


async def delete(session: "AsyncSession", caller: Caller, profile_id: UUID) -> None:
    """Delete a profile.

    Raises:
        ProfileInUse: it is the tenant's default, or devices use it.
    """
    profile = await get(session, caller, profile_id)
    _check(caller, Operation.DELETE, profile.tenant_id)
    if profile.is_default:
        raise ProfileInUse("Deletion of Default Device Profile is prohibited!")
    repository = DeviceProfileRepository(session)
    if await repository.has_devices(profile.id):
        raise ProfileInUse("The device profile referenced by the devices cannot be deleted!")
    await _tell(session, caller, profile, Change.DELETED)
    await repository.delete(profile)


async def default_of(session: "AsyncSession", tenant_id: UUID) -> DeviceProfile:
    """Return the default profile of a tenant, for those who have checked the permission."""
    profile = await DeviceProfileRepository(session).default(tenant_id)
    return profile or await seed(session, tenant_id)


async def find_or_create(
    session: "AsyncSession", caller: Caller, tenant_id: UUID, name: str
) -> DeviceProfile:
    """Return the tenant's profile of this name, made now when there is none.

    Raises:
        Forbidden: there is none and the caller may not make one.
    """
    profile = await DeviceProfileRepository(session).by_name(tenant_id, name)
    if profile is not None:
        return profile
    _check(caller, Operation.CREATE, tenant_id)
    return await _add_plain(session, caller, tenant_id, name, is_default=False)


async def of_tenant(session: "AsyncSession", tenant_id: UUID, profile_id: UUID) -> DeviceProfile:
    """Return a profile that a device of the tenant may have.

    Raises:
        InvalidProfile: there is none, or it is another tenant's.
    """
    profile = await DeviceProfileRepository(session).get(profile_id)
    if profile is None:
        raise InvalidProfile("Device is referencing non existing device profile!")
    if profile.tenant_id != tenant_id:
        raise InvalidProfile("Device can't be referencing to device profile from different tenant!")
    return profile


def full_profile_data(profile: DeviceProfile, vault: Vault) -> dict[str, Any]:
    """Return ``profile_data`` with the provisioning secret in clear, for who may manage it."""
    data = dict(profile.profile_data)
    if profile.provision_secret is not None:
        provision = dict(data["provisionConfiguration"])
        provision[_SECRET] = vault.decrypt(profile.provision_secret)
        data["provisionConfiguration"] = provision
    return data


async def _add_plain(
    session: "AsyncSession", caller: Caller | None, tenant_id: UUID, name: str, *, is_default: bool
) -> DeviceProfile:
    transport = content.transport_type(None)
    provision = content.provision_type(None)
    profile = DeviceProfile(
        tenant_id=tenant_id,
        name=name,
        description=DEFAULT_DESCRIPTION,
        is_default=is_default,
        type="DEFAULT",
        transport_type=transport,
        provision_type=provision,
        profile_data={
            **content.profile_data({}),
            "provisionConfiguration": content.provision_configuration(provision, None),
        },
        transport_configuration=content.transport_configuration(transport, None),
    )
    await DeviceProfileRepository(session).add(profile)
    await _tell(session, caller, profile, Change.CREATED)
    return profile


async def _set(
    session: "AsyncSession", profile: DeviceProfile, fields: ProfileFields, vault: Vault
) -> None:
    """Check the fields and put them into the profile; the parts that are JSON are completed."""
    await _set_name(session, profile, fields)
    _set_texts(profile, fields)
    await _set_references(session, profile, fields)
    await _set_transport(session, profile, fields)
    await _set_provisioning(session, profile, fields, vault)


async def _set_name(session: "AsyncSession", profile: DeviceProfile, fields: ProfileFields) -> None:
    if "name" not in fields:
        return
    name = fields["name"]
    check_text("Device profile name", name)
    other = await DeviceProfileRepository(session).by_name(profile.tenant_id, name or "")
    if other is not None and other is not profile:
        raise ProfileNameTaken
    profile.name = name or ""


def _set_texts(profile: DeviceProfile, fields: ProfileFields) -> None:
    if (fields.get("type") or "DEFAULT") != "DEFAULT":
        raise InvalidProfile("Device profile type must be DEFAULT, the only one there is")
    if "description" in fields:
        check_optional_text("description", fields["description"], None)
        profile.description = fields["description"]
    if "image" in fields:
        check_optional_text("image", fields["image"], MAX_IMAGE_CHARS)
        profile.image = fields["image"]
    if "default_queue_name" in fields:
        profile.default_queue_name = content.queue_name(fields["default_queue_name"])
    if "external_id" in fields:
        profile.external_id = fields["external_id"]


async def _set_references(
    session: "AsyncSession", profile: DeviceProfile, fields: ProfileFields
) -> None:
    if "default_rule_chain_id" in fields:
        chain_id = fields["default_rule_chain_id"]
        await _check_rule_chain(session, profile.tenant_id, chain_id, "rule chain")
        profile.default_rule_chain_id = chain_id
    if "default_edge_rule_chain_id" in fields:
        chain_id = fields["default_edge_rule_chain_id"]
        await _check_rule_chain(session, profile.tenant_id, chain_id, "edge rule chain")
        profile.default_edge_rule_chain_id = chain_id
    if fields.get("default_dashboard_id") is not None:
        raise InvalidProfile("Can't assign non-existent dashboard!")
    if fields.get("firmware_id") is not None:
        raise InvalidProfile("Can't assign non-existent firmware!")
    if fields.get("software_id") is not None:
        raise InvalidProfile("Can't assign non-existent software!")


async def _check_rule_chain(
    session: "AsyncSession", tenant_id: UUID, chain_id: UUID | None, what: str
) -> None:
    if chain_id is None:
        return
    owner = await DeviceProfileRepository(session).tenant_of_rule_chain(chain_id)
    if owner is None:
        msg = f"Can't assign non-existent {what}!"
        raise InvalidProfile(msg)
    if owner != tenant_id:
        msg = f"Can't assign {what} from different tenant!"
        raise InvalidProfile(msg)


async def _set_transport(
    session: "AsyncSession", profile: DeviceProfile, fields: ProfileFields
) -> None:
    kind = content.transport_type(fields.get("transport_type") or profile.transport_type)
    is_changed = kind != profile.transport_type
    if is_changed and profile.id and await DeviceProfileRepository(session).has_devices(profile.id):
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
    profile.provision_type = kind
    profile.provision_secret = vault.encrypt(secret) if secret else None
    profile.profile_data = {**data, "provisionConfiguration": {**provision, _SECRET: None}}
    if "provision_device_key" in fields:
        await _set_provision_key(session, profile, fields["provision_device_key"])


async def _set_provision_key(
    session: "AsyncSession", profile: DeviceProfile, key: str | None
) -> None:
    check_optional_text("Provision device key", key)
    if key:
        other = await DeviceProfileRepository(session).by_provision_key(key)
        if other is not None and other is not profile:
            raise InvalidProfile("Device profile with such provision device key already exists!")
    profile.provision_device_key = key or None


def _check(caller: Caller, operation: Operation, tenant_id: UUID | None) -> None:
    check(caller, operation, EntityType.DEVICE_PROFILE, tenant_id=tenant_id)


def _tenant_of(caller: Caller, operation: Operation) -> UUID:
    """Return the caller's tenant once it may do this there."""
    _check(caller, operation, caller.tenant_id)
    if caller.tenant_id is None:  # a system administrator, whom the check has refused
        raise ProfileNotFound("null")
    return caller.tenant_id


async def _tell(
    session: "AsyncSession", caller: Caller | None, profile: DeviceProfile, change: Change
) -> None:
    event = EntityChanged(
        profile.tenant_id,
        EntityRef(EntityType.DEVICE_PROFILE, profile.id),
        change,
        {"name": profile.name},
        by=caller.actor if caller else None,
        name=profile.name,
        data=wire_json(schemas.DeviceProfile, profile),
    )
    await announce(session, event)
