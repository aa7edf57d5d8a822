"""The audit log in ThingsBoard's dialect."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from fieldline.domains.audit_log import service
from fieldline.domains.audit_log.filters import AuditLogFilter, parse_actions
from fieldline.domains.audit_log.schemas import AuditLog
from fieldline.kit.ids import parse_ref
from fieldline.rest.callers import SysOrTenantAdmin, TenantAdmin
from fieldline.rest.dialects import tb_router
from fieldline.rest.paging import PageData, TbPage
from fieldline.rest.parameters import Int64
from fieldline.rest.sessions import ReadSession

router = tb_router("AuditLog")


async def _filter(
    start_time: Annotated[Int64 | None, Query(alias="startTime")] = None,
    end_time: Annotated[Int64 | None, Query(alias="endTime")] = None,
    action_types: Annotated[str | None, Query(alias="actionTypes")] = None,
) -> AuditLogFilter:
    return AuditLogFilter(parse_actions(action_types), from_ms=start_time, to_ms=end_time)


Filter = Annotated[AuditLogFilter, Depends(_filter)]


@router.get("/audit/logs/customer/{customer_id}")
async def list_audit_logs_of_customer(
    customer_id: UUID, page: TbPage, wanted: Filter, caller: TenantAdmin, session: ReadSession
) -> PageData[AuditLog]:
    """List what was done to things of a customer, and by its users."""
    found = await service.page(session, caller, replace(wanted, customer_id=customer_id), page)
    return PageData.of(found, page)


@router.get("/audit/logs/user/{user_id}")
async def list_audit_logs_of_user(
    user_id: UUID, page: TbPage, wanted: Filter, caller: TenantAdmin, session: ReadSession
) -> PageData[AuditLog]:
    """List what a user did."""
    found = await service.page(session, caller, replace(wanted, user_id=user_id), page)
    return PageData.of(found, page)


@router.get("/audit/logs/entity/{entity_type}/{entity_id}")
async def list_audit_logs_of_entity(
    entity_type: str,
    entity_id: str,
    page: TbPage,
    wanted: Filter,
    caller: SysOrTenantAdmin,
    session: ReadSession,
) -> PageData[AuditLog]:
    """List what was done to an entity, which may be gone since."""
    entity = parse_ref(entity_type, entity_id)
    wanted = replace(wanted, entity_type=entity.type, entity_id=entity.id)
    return PageData.of(await service.page(session, caller, wanted, page), page)


@router.get("/audit/logs")
async def list_audit_logs(
    page: TbPage, wanted: Filter, caller: SysOrTenantAdmin, session: ReadSession
) -> PageData[AuditLog]:
    """List what users of the tenant did; for a system administrator, what these did."""
    return PageData.of(await service.page(session, caller, wanted, page), page)
