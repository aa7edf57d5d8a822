"""The audit log in the v1 dialect."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from fieldline.domains.audit_log import service
from fieldline.domains.audit_log.actions import Action, ActionStatus
from fieldline.domains.audit_log.filters import AuditLogFilter
from fieldline.kit.ids import EntityType
from fieldline.rest.callers import SysOrTenantAdmin
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.parameters import Int64
from fieldline.rest.sessions import ReadSession

router = v1_router("auditLogs")


class AuditLogOut(BaseModel):
    """What one user did, once; ``name`` is that of the entity."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_time: int
    name: str | None
    tenant_id: UUID | None
    customer_id: UUID | None
    entity_type: EntityType
    entity_id: UUID
    entity_name: str | None
    user_id: UUID
    user_name: str
    action_type: Action
    action_data: Any
    action_status: ActionStatus
    action_failure_details: str | None


@router.get("/auditLogs")
async def list_audit_logs(
    *,
    page: V1Page,
    caller: SysOrTenantAdmin,
    session: ReadSession,
    type_: Annotated[Action | None, Query(alias="type")] = None,
    entity_type: EntityType | None = None,
    entity_id: UUID | None = None,
    user_id: UUID | None = None,
    customer_id: UUID | None = None,
    start_ts: Int64 | None = None,
    end_ts: Int64 | None = None,
) -> list[AuditLogOut]:
    """List what users did, the newest first; ``type`` is the action."""
    wanted = AuditLogFilter(
        actions=() if type_ is None else (type_,),
        entity_type=entity_type,
        entity_id=entity_id,
        user_id=user_id,
        customer_id=customer_id,
        from_ms=start_ts,
        to_ms=end_ts,
    )
    found = await service.records(session, caller, wanted, page)
    return [AuditLogOut.model_validate(record) for record in found.items]
