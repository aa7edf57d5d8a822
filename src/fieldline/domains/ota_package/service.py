"""Packages: made for a device profile, given a file or a URL, assigned to devices and profiles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.database.engine import announce
from fieldline.domains.ota_package import schemas
from fieldline.domains.ota_package.errors import (
    InvalidOtaPackage,
    OtaPackageInUse,
    OtaPackageNotFound,
    OtaPackageTaken,
)
from fieldline.domains.ota_package.fields import (
    OtaPackageFields,
    has_content,
    keep_fixed,
    set_new,
)
from fieldline.domains.ota_package.kinds import OtaType
from fieldline.domains.ota_package.lists import OtaPackageFilter
from fieldline.domains.ota_package.models import OtaPackage
from fieldline.domains.ota_package.repository import OtaPackageRepository
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.paging import Page, PageRequest
from fieldline.messaging.events import Change, EntityChanged
from fieldline.rest.wire import wire_json
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, check, tenant_of

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

Row = OtaPackage
"""For annotations of other domains."""


async def get(session: "AsyncSession", caller: Caller, package_id: UUID) -> OtaPackage:
    return await find(session, caller, package_id, Operation.READ)


async def page(
    session: "AsyncSession", caller: Caller, request: PageRequest, wanted: OtaPackageFilter
) -> Page[OtaPackage]:
    tenant_id = tenant_of(caller, Operation.READ, EntityType.OTA_PACKAGE)
    return await OtaPackageRepository(session).page(tenant_id, request, wanted)


async def create(session: "AsyncSession", caller: Caller, fields: OtaPackageFields) -> OtaPackage:
    """Make a package, without a file.

    Raises:
        InvalidOtaPackage: a field is not what it must be, or there is no such profile.
        OtaPackageTaken: the tenant has one of this title and version.
    """
    tenant_id = tenant_of(caller, Operation.CREATE, EntityType.OTA_PACKAGE)
    package = OtaPackage(tenant_id=tenant_id, has_data=False)
    await _set_new(session, package, fields)
    await OtaPackageRepository(session).add(package)
    await tell(session, caller, package, Change.CREATED)
    return package


async def update(
    session: "AsyncSession", caller: Caller, package_id: UUID, fields: OtaPackageFields
) -> OtaPackage:
    """Change a package: everything while it has no content, else only what devices never see.

    Raises:
        InvalidOtaPackage: a field is not what it must be, or may not be changed any more.
        OtaPackageTaken: the tenant has another one of this title and version.
    """
    package = await find(session, caller, package_id, Operation.WRITE)
    with session.no_autoflush:
        if has_content(package):
            keep_fixed(package, fields)
        else:
            await _set_new(session, package, fields)
    await OtaPackageRepository(session).save(package)
    await tell(session, caller, package, Change.UPDATED)
    return package


async def delete(session: "AsyncSession", caller: Caller, package_id: UUID) -> None:
    """Delete a package with its data.

    Raises:
        OtaPackageInUse: devices or profiles have it.
    """
    package = await find(session, caller, package_id, Operation.DELETE)
    repository = OtaPackageRepository(session)
    users = await repository.users_of(package)
    if users:
        raise OtaPackageInUse([f"{kind} '{name}'" for kind, name in users])
    await tell(session, caller, package, Change.DELETED)
    await repository.delete(package)


async def find(
    session: "AsyncSession", caller: Caller, package_id: UUID, operation: Operation
) -> OtaPackage:
    """Return a package that the caller may do this to, locked unless it is only read.

    Raises:
        OtaPackageNotFound: there is none.
        Forbidden: the caller may not.
    """
    repository = OtaPackageRepository(session)
    package = await repository.get(package_id, lock=operation is not Operation.READ)
    if package is None:
        raise OtaPackageNotFound(package_id)
    check(caller, operation, EntityType.OTA_PACKAGE, tenant_id=package.tenant_id)
    return package


async def tell(
    session: "AsyncSession", caller: Caller, package: OtaPackage, change: Change
) -> None:
    """Announce a change."""
    event = EntityChanged(
        package.tenant_id,
        EntityRef(EntityType.OTA_PACKAGE, package.id),
        change,
        by=caller.actor,
        name=package.title,
        data=wire_json(schemas.OtaPackageInfo, package),
    )
    await announce(session, event)


# For devices and profiles


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which package a device, or a profile, is to have; ``profile_id`` is of the device."""

    kind: OtaType
    package_id: UUID
    tenant_id: UUID
    profile_id: UUID | None


async def require_assignable(session: "AsyncSession", wanted: Assignment) -> None:
    """Refuse an assignment that cannot be, and keep the package until the transaction ends.

    Raises:
        InvalidOtaPackage: there is no such package, of this kind, with content, for the profile.
    """
    package = await OtaPackageRepository(session).get_shared(wanted.package_id)
    label = wanted.kind.label
    if package is None or package.tenant_id != wanted.tenant_id:
        msg = f"Can't assign non-existent {label}!"
        raise InvalidOtaPackage(msg)
    if package.type != wanted.kind:
        msg = f"Can't assign {label} with type: {package.type}!"
        raise InvalidOtaPackage(msg)
    if not has_content(package):
        msg = f"Can't assign {label} with empty data! Upload its file, or give it a URL, first"
        raise InvalidOtaPackage(msg)
    if package.device_profile_id != wanted.profile_id:
        msg = f"Can't assign {label} with different deviceProfile!"
        raise InvalidOtaPackage(msg)


async def assigned_to(session: "AsyncSession", device_id: UUID, kind: OtaType) -> OtaPackage | None:
    """Return the package of a device, its own or its profile's; for the platform."""
    return await OtaPackageRepository(session).assigned_to(device_id, kind)


async def by_ids(session: "AsyncSession", ids: Sequence[UUID]) -> dict[UUID, OtaPackage]:
    """Return packages by id; for the platform."""
    return {each.id: each for each in await OtaPackageRepository(session).by_ids(ids)}


async def _set_new(session: "AsyncSession", package: OtaPackage, fields: OtaPackageFields) -> None:
    repository = OtaPackageRepository(session)
    profile_id = fields.get("device_profile_id")
    if profile_id is None or not await repository.has_profile(package.tenant_id, profile_id):
        raise InvalidOtaPackage("OtaPackage should be assigned to an existing device profile!")
    package.device_profile_id = profile_id
    set_new(package, fields)
    other = await repository.by_title(package.tenant_id, package.title, package.package_version)
    if other is not None and other is not package:
        raise OtaPackageTaken
