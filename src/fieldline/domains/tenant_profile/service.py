"""Tenant profiles, and the limits that they set for their tenants."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, TypedDict
from uuid import UUID

from pydantic import ValidationError

from fieldline.database.engine import announce
from fieldline.domains.tenant_profile import schemas
from fieldline.domains.tenant_profile.configuration import Configuration
from fieldline.domains.tenant_profile.errors import (
    InvalidTenantProfile,
    TenantProfileInUse,
    TenantProfileNameTaken,
    TenantProfileNotFound,
)
from fieldline.domains.tenant_profile.models import TenantProfile
from fieldline.domains.tenant_profile.repository import TenantProfileRepository
from fieldline.kit.errors import LimitReached
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.paging import Page, PageRequest
from fieldline.kit.text import check_json, check_text
from fieldline.messaging.events import Change, EntityChanged
from fieldline.rest.wire import wire_json
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, check

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

DEFAULT_NAME = "Default"
COUNTED = {
    EntityType.DEVICE: "maxDevices",
    EntityType.ASSET: "maxAssets",
    EntityType.CUSTOMER: "maxCustomers",
    EntityType.USER: "maxUsers",
    EntityType.DASHBOARD: "maxDashboards",
    EntityType.RULE_CHAIN: "maxRuleChains",
    EntityType.EDGE: "maxEdges",
}
"""What is counted, and the limit's name in the configuration."""
WEIGHED = {EntityType.OTA_PACKAGE: "maxOtaPackagesInBytes"}
"""What is measured in bytes, likewise."""


class TenantProfileFields(TypedDict, total=False):
    """Fields to set; what is left out stays as it is, or takes its default."""

    name: str | None
    description: str | None
    isolated_tb_rule_engine: bool
    profile_data: dict[str, Any] | None


async def limit(session: "AsyncSession", tenant_id: UUID, name: str) -> int:
    """Return a limit of the tenant's profile by its name, as ``maxDevices``; 0 is unlimited."""
    return int((await configuration(session, tenant_id)).get(name) or 0)


async def limits(session: "AsyncSession", name: str) -> dict[UUID, int]:
    """Return profile -> a limit by its name, of the profiles that have it."""
    found = {
        profile.id: int(profile.profile_data.get("configuration", {}).get(name) or 0)
        for profile in await TenantProfileRepository(session).all()
    }
    return {profile_id: value for profile_id, value in found.items() if value > 0}


async def configuration(session: "AsyncSession", tenant_id: UUID) -> dict[str, Any]:
    """Return the configuration of the tenant's profile, by ThingsBoard's names."""
    profile = await TenantProfileRepository(session).of_tenant(tenant_id)
    if profile is None:
        return {}
    found: dict[str, Any] = profile.profile_data.get("configuration", {})
    return found


async def require_room(
    session: "AsyncSession",
    tenant_id: UUID,
    entity_type: EntityType,
    count: Callable[[], Awaitable[int]],
) -> None:
    """Refuse one more entity when the tenant has as many as its profile allows.

    ``count`` is called only where there is a limit, and after the tenant is locked, so that two
    transactions cannot both take the last place.

    Raises:
        LimitReached: there is no room.
    """
    allowed = await limit(session, tenant_id, COUNTED[entity_type])
    if allowed <= 0:
        return
    await TenantProfileRepository(session).lock_tenant(tenant_id)
    if await count() >= allowed:
        name = entity_type.value.replace("_", " ").capitalize()
        msg = f"{name}s limit reached"
        raise LimitReached(msg, entity_type=entity_type.value, limit=allowed)


async def require_bytes(
    session: "AsyncSession",
    tenant_id: UUID,
    entity_type: EntityType,
    size: int,
    used: Callable[[], Awaitable[int]],
) -> None:
    """Refuse ``size`` bytes more than the tenant's profile allows; as :func:`require_room`.

    Raises:
        LimitReached: there is no room.
    """
    allowed = await limit(session, tenant_id, WEIGHED[entity_type])
    if allowed <= 0:
        return
    await TenantProfileRepository(session).lock_tenant(tenant_id)
    taken = await used()
    if taken + size > allowed:
        name = entity_type.value.replace("_", " ").capitalize()
        msg = f"{name}s limit reached: {taken} of {allowed} bytes are used, {size} more do not fit"
        raise LimitReached(msg, entity_type=entity_type.value, limit=allowed)


async def seed(session: "AsyncSession", *, max_devices: int = 0, max_assets: int = 0) -> None:
    """Make the default profile, unless there is one."""
    repository = TenantProfileRepository(session)
    if await repository.default() is not None:
        return
    limits = {"maxDevices": max_devices, "maxAssets": max_assets, "maxDebugModeDurationMinutes": 15}
    profile = TenantProfile(
        name=DEFAULT_NAME,
        description="Default tenant profile",
        is_default=True,
        profile_data=_profile_data({"configuration": limits}),
    )
    await repository.add(profile)


async def get(session: "AsyncSession", caller: Caller, profile_id: UUID) -> TenantProfile:
    return await _find(session, caller, profile_id, Operation.READ)


async def get_default(session: "AsyncSession") -> TenantProfile:
    """Return the default profile, which every installation has."""
    profile = await TenantProfileRepository(session).default()
    if profile is None:
        raise TenantProfileInUse("There is no default tenant profile; start the server once")
    return profile


async def page(
    session: "AsyncSession", caller: Caller, request: PageRequest
) -> Page[TenantProfile]:
    check(caller, Operation.READ, EntityType.TENANT_PROFILE, tenant_id=None)
    return await TenantProfileRepository(session).page(request)


async def by_ids(
    session: "AsyncSession", caller: Caller, ids: Collection[UUID]
) -> Sequence[TenantProfile]:
    check(caller, Operation.READ, EntityType.TENANT_PROFILE, tenant_id=None)
    return await TenantProfileRepository(session).by_ids(ids)


async def names(session: "AsyncSession", ids: Collection[UUID]) -> dict[UUID, str]:
    """Return id -> name, for the lists of those who have read the ids already."""
    return {item.id: item.name for item in await TenantProfileRepository(session).by_ids(ids)}


async def create(
    session: "AsyncSession", caller: Caller, fields: TenantProfileFields
) -> TenantProfile:
    check(caller, Operation.CREATE, EntityType.TENANT_PROFILE, tenant_id=None)
    profile = TenantProfile(is_default=False, isolated_tb_rule_engine=False)
    await _set(session, profile, {"name": None, "profile_data": None, **fields})
    await TenantProfileRepository(session).add(profile)
    await _tell(session, caller, profile, Change.CREATED)
    return profile


async def update(
    session: "AsyncSession", caller: Caller, profile_id: UUID, fields: TenantProfileFields
) -> TenantProfile:
    profile = await _find(session, caller, profile_id, Operation.WRITE)
    await _set(session, profile, fields)
    await TenantProfileRepository(session).save(profile)
    await _tell(session, caller, profile, Change.UPDATED)
    return profile


async def set_default(session: "AsyncSession", caller: Caller, profile_id: UUID) -> TenantProfile:
    """Make this the profile that new tenants get; the former one loses the mark."""
    profile = await _find(session, caller, profile_id, Operation.WRITE)
    former = await get_default(session)
    former.is_default = False
    profile.is_default = True
    await TenantProfileRepository(session).save(profile)
    await _tell(session, caller, profile, Change.UPDATED)
    return profile


async def delete(session: "AsyncSession", caller: Caller, profile_id: UUID) -> None:
    """Delete a profile that is not the default one and that no tenant has."""
    profile = await _find(session, caller, profile_id, Operation.DELETE)
    repository = TenantProfileRepository(session)
    if profile.is_default:
        raise TenantProfileInUse("Deletion of Default Tenant Profile is prohibited!")
    if await repository.is_used(profile_id):
        raise TenantProfileInUse("The tenant profile referenced by the tenants cannot be deleted!")
    await _tell(session, caller, profile, Change.DELETED)
    await repository.delete(profile)


async def _find(
    session: "AsyncSession", caller: Caller, profile_id: UUID, operation: Operation
) -> TenantProfile:
    check(caller, operation, EntityType.TENANT_PROFILE, tenant_id=None)
    repository = TenantProfileRepository(session)
    profile = await repository.get(profile_id, lock=operation is not Operation.READ)
    if profile is None:
        raise TenantProfileNotFound(profile_id)
    return profile


async def _set(
    session: "AsyncSession", profile: TenantProfile, fields: TenantProfileFields
) -> None:
    if "name" in fields:
        name = fields["name"]
        check_text("Tenant profile name", name)
        with session.no_autoflush:
            other = await TenantProfileRepository(session).by_name(name or "")
        if other is not None and other is not profile:
            raise TenantProfileNameTaken
        profile.name = name or ""
    if "description" in fields:
        check_json("description", fields["description"])
        profile.description = fields["description"]
    if "isolated_tb_rule_engine" in fields:
        profile.isolated_tb_rule_engine = fields["isolated_tb_rule_engine"]
    if "profile_data" in fields:
        profile.profile_data = _profile_data(fields["profile_data"])
    if profile.isolated_tb_rule_engine:
        _check_queues(profile.profile_data["queueConfiguration"])


def _profile_data(given: dict[str, Any] | None) -> dict[str, Any]:
    """Return the data with every limit, known ones checked and unknown ones left out."""
    given = given or {}
    try:
        configuration = Configuration.model_validate(given.get("configuration") or {})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        msg = f"Validation error: profileData.configuration.{place}: {first['msg']}"
        raise InvalidTenantProfile(msg) from error
    # After what names the limit that is wrong.
    check_json("profileData", given)
    queues = given.get("queueConfiguration")
    if queues is not None and not isinstance(queues, list):
        raise InvalidTenantProfile("Validation error: queueConfiguration must be a list or null")
    return {"configuration": configuration.model_dump(), "queueConfiguration": queues}


def _check_queues(queues: list[Any] | None) -> None:
    names = [queue.get("name") for queue in queues or [] if isinstance(queue, dict)]
    if not names:
        raise InvalidTenantProfile("Tenant profile queue configuration should be specified!")
    if "Main" not in names:
        raise InvalidTenantProfile("Main queue configuration should be specified!")
    if len(set(names)) != len(names):
        raise InvalidTenantProfile("Queue configuration names should be unique!")


async def _tell(
    session: "AsyncSession", caller: Caller, profile: TenantProfile, change: Change
) -> None:
    event = EntityChanged(
        None,
        EntityRef(EntityType.TENANT_PROFILE, profile.id),
        change,
        by=caller.actor,
        name=profile.name,
        data=wire_json(schemas.TenantProfile, profile),
    )
    await announce(session, event)
