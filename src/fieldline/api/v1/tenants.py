"""Tenants in the v1 dialect."""

from typing import Any
from uuid import UUID

from fieldline.api.v1.shapes import Contact, ContactBody
from fieldline.domains.tenant import service
from fieldline.rest.callers import SysAdmin, SysOrTenantAdmin
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession

router = v1_router("tenants")


class TenantBody(ContactBody):
    """A tenant's fields."""

    region: str | None = None
    tenant_profile_id: UUID | None = None
    isolated_tb_core: bool = False
    isolated_tb_rule_engine: bool = False


class Tenant(Contact):
    """A tenant."""

    region: str | None
    tenant_profile_id: UUID
    isolated_tb_core: bool
    isolated_tb_rule_engine: bool


@router.post("/tenants", status_code=201)
async def create_tenant(
    body: TenantBody, caller: SysAdmin, session: WriteSession, services: ServicesDep
) -> Tenant:
    """Create a tenant with what a tenant starts with."""
    made = await service.create(session, caller, body.fields(), seeders=services.tenant_seeders)
    return _shown(made)


@router.get("/tenants/{tenant_id}")
async def get_tenant(tenant_id: UUID, caller: SysOrTenantAdmin, session: ReadSession) -> Tenant:
    """Return one tenant; a tenant administrator sees the own one."""
    return _shown(await service.get(session, caller, tenant_id))


@router.get("/tenants")
async def list_tenants(
    page: V1Page, caller: SysOrTenantAdmin, session: ReadSession
) -> list[Tenant]:
    """List tenants, newest first; a tenant administrator sees the own one."""
    found = await service.page(session, caller, page)
    return [_shown(item) for item in found.items]


@router.put("/tenants/{tenant_id}")
async def update_tenant(
    tenant_id: UUID, body: TenantBody, caller: SysOrTenantAdmin, session: WriteSession
) -> Tenant:
    """Change the fields given; profile and isolation only as a system administrator."""
    return _shown(await service.update(session, caller, tenant_id, body.fields()))


@router.delete("/tenants/{tenant_id}", status_code=204)
async def delete_tenant(
    tenant_id: UUID, caller: SysAdmin, session: WriteSession, services: ServicesDep
) -> None:
    """Delete a tenant with everything that belongs to it."""
    await service.delete(session, caller, tenant_id, tokens=services.tokens)


def _shown(tenant: Any) -> Tenant:  # noqa: ANN401 - a row, which only its domain may name
    return Tenant.of(tenant, tenant_id=tenant.id)
