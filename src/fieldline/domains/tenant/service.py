"""Tenants: made by a system administrator, together with what a tenant starts with."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, TypedDict
from uuid import UUID

from fieldline.database.contact import CONTACT_FIELDS
from fieldline.database.engine import announce
from fieldline.domains.revocation import service as revocation_service
from fieldline.domains.tenant import schemas
from fieldline.domains.tenant.errors import TenantNotFound
from fieldline.domains.tenant.models import Tenant
from fieldline.domains.tenant.repository import TenantRepository
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.paging import Page, PageRequest
from fieldline.kit.text import check_optional_text, check_text
from fieldline.kit.versions import check_version
from fieldline.messaging.events import Change, EntityChanged
from fieldline.rest.contact import check_contact
from fieldline.rest.services import TenantSeeder
from fieldline.rest.wire import wire_json
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, check
from fieldline.security.tokens import Tokens

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

GLOBAL = "Global"
_PLAIN = (*CONTACT_FIELDS, "region", "additional_info")
_ADMINISTRATED = ("isolated_tb_core", "isolated_tb_rule_engine")
"""Fields that a tenant's own administrator cannot change; its profile is the other one."""


class TenantFields(TypedDict, total=False):
    """Fields to set; what is left out stays as it is, or takes its default."""

    title: str | None
    region: str | None
    tenant_profile_id: UUID | None
    country: str | None
    state: str | None
    city: str | None
    address: str | None
    address2: str | None
    zip: str | None
    phone: str | None
    email: str | None
    additional_info: dict[str, Any] | None
    isolated_tb_core: bool
    isolated_tb_rule_engine: bool


async def get(session: "AsyncSession", caller: Caller, tenant_id: UUID) -> Tenant:
    check(caller, Operation.READ, EntityType.TENANT, tenant_id=tenant_id)
    return await _find(session, tenant_id)


async def page(session: "AsyncSession", caller: Caller, request: PageRequest) -> Page[Tenant]:
    """Return a page of all tenants, to a tenant administrator of the own one."""
    check(caller, Operation.READ, EntityType.TENANT, tenant_id=caller.tenant_id)
    return await TenantRepository(session).page(request, only_id=caller.tenant_id)


async def by_ids(
    session: "AsyncSession", caller: Caller, ids: Collection[UUID]
) -> Sequence[Tenant]:
    """Return the tenants of these ids; one that the caller may not see is left out."""
    check(caller, Operation.READ, EntityType.TENANT, tenant_id=caller.tenant_id)
    if not caller.is_sys_admin:
        ids = [tenant_id for tenant_id in ids if tenant_id == caller.tenant_id]
    return await TenantRepository(session).by_ids(ids)


async def additional_info(session: "AsyncSession", tenant_id: UUID) -> dict[str, Any] | None:
    """Return a tenant's free JSON, for those who act for one of its users."""
    return (await _find(session, tenant_id)).additional_info


async def profile_names(session: "AsyncSession", tenants: Collection[Tenant]) -> dict[UUID, str]:
    """Return profile id -> name of the tenants' profiles."""
    from_ids = {tenant.tenant_profile_id for tenant in tenants}
    return await tenant_profile_service.names(session, from_ids)


async def find_by_title(session: "AsyncSession", title: str) -> Tenant | None:
    """Return the oldest tenant of this title (for the demo)."""
    return await TenantRepository(session).by_title(title)


async def create(
    session: "AsyncSession",
    caller: Caller,
    fields: TenantFields,
    *,
    seeders: Sequence[TenantSeeder],
) -> Tenant:
    """Make a tenant, and by the seeders what it starts with, in one transaction."""
    check(caller, Operation.CREATE, EntityType.TENANT, tenant_id=None)
    tenant = Tenant()
    await _set(session, caller, tenant, {"title": None, "tenant_profile_id": None, **fields})
    await TenantRepository(session).add(tenant)
    for seed in seeders:
        await seed(session, tenant.id)
    await _tell(session, caller, tenant, Change.CREATED)
    return tenant


async def update(
    session: "AsyncSession",
    caller: Caller,
    tenant_id: UUID,
    fields: TenantFields,
    *,
    version: int | None = None,
) -> Tenant:
    """Change the given fields.

    Raises:
        StaleVersion: ``version`` is given and is not the stored one.
    """
    check(caller, Operation.WRITE, EntityType.TENANT, tenant_id=tenant_id)
    tenant = await _find(session, tenant_id, lock=True)
    check_version("Tenant", version, tenant.version)
    await _set(session, caller, tenant, fields)
    await TenantRepository(session).save(tenant)
    await _tell(session, caller, tenant, Change.UPDATED)
    return tenant


async def delete(
    session: "AsyncSession", caller: Caller, tenant_id: UUID, *, tokens: Tokens
) -> None:
    """Delete a tenant with everything that belongs to it; its users' tokens end."""
    check(caller, Operation.DELETE, EntityType.TENANT, tenant_id=tenant_id)
    tenant = await _find(session, tenant_id, lock=True)
    await _tell(session, caller, tenant, Change.DELETED)
    await TenantRepository(session).delete(tenant)
    await revocation_service.revoke(session, tokens, tenant_id)


async def _find(session: "AsyncSession", tenant_id: UUID, *, lock: bool = False) -> Tenant:
    tenant = await TenantRepository(session).get(tenant_id, lock=lock)
    if tenant is None:
        raise TenantNotFound(tenant_id)
    return tenant


async def _set(
    session: "AsyncSession", caller: Caller, tenant: Tenant, fields: TenantFields
) -> None:
    if "title" in fields:
        check_text("Tenant title", fields["title"])
        tenant.title = fields["title"] or ""
    check_contact(fields)
    check_optional_text("region", fields.get("region"))
    allowed = (*_PLAIN, *_ADMINISTRATED) if caller.is_sys_admin else _PLAIN
    for name, value in fields.items():
        if name in allowed:
            setattr(tenant, name, value)
    if "tenant_profile_id" in fields and caller.is_sys_admin:
        tenant.tenant_profile_id = await _profile_id(session, caller, fields["tenant_profile_id"])


async def _profile_id(session: "AsyncSession", caller: Caller, given: UUID | None) -> UUID:
    """Return the id of an existing profile, by default of the default one."""
    with session.no_autoflush:
        if given is None:
            return (await tenant_profile_service.get_default(session)).id
        return (await tenant_profile_service.get(session, caller, given)).id


async def _tell(session: "AsyncSession", caller: Caller, tenant: Tenant, change: Change) -> None:
    event = EntityChanged(
        tenant.id,
        EntityRef(EntityType.TENANT, tenant.id),
        change,
        by=caller.actor,
        name=tenant.title,
        data=wire_json(schemas.Tenant, tenant),
    )
    await announce(session, event)
