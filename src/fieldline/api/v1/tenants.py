"""Tenants in the v1 dialect."""

from typing import Any
from uuid import UUID

from fieldline.api.v1.shapes import Contact, ContactBody
from fieldline.domains.tenant import service
from fieldline.domains.tenant.service import TenantFields
from fieldline.rest.callers import SysAdmin, SysOrTenantAdmin
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.rest.wire import values_of

router = v1_router("tenants")


class TenantBody(ContactBody):
    """A tenant's fields; ``name`` and ``title`` are the same."""

    name: str | None = None
    title: str | None = None
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
    made = await service.create(session, caller, _fields(body), seeders=services.tenant_seeders)
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
    return _shown(await service.update(session, caller, tenant_id, _fields(body)))


@router.delete("/tenants/{tenant_id}", status_code=204)
async def delete_tenant(
    tenant_id: UUID, caller: SysAdmin, session: WriteSession, services: ServicesDep
) -> None:
    """Delete a tenant with everything that belongs to it."""
    await service.delete(session, caller, tenant_id, tokens=services.tokens)


def _fields(body: TenantBody) -> TenantFields:
    given: dict[str, Any] = values_of(body, "name", only_set=True)
    if "name" in body.model_fields_set and given.get("title") is None:
        given["title"] = body.name
    fields: TenantFields = given  # type: ignore[assignment]
    return fields


def _shown(tenant: Any) -> Tenant:  # noqa: ANN401 - a row, which only its domain may name
    row = {
        name: getattr(tenant, name, None)
        for name in Tenant.model_fields
        if name not in {"name", "tenant_id", "customer_id", "additional_info"}
    }
    info = tenant.additional_info or {}
    return Tenant(**row, name=tenant.title, tenant_id=tenant.id, additional_info=info)
