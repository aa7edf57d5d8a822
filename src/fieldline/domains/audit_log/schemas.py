"""Records of the audit log on ThingsBoard's wire; their id has no entity type."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from fieldline.domains.audit_log.actions import Action, ActionStatus
from fieldline.kit.ids import EntityType
from fieldline.rest.wire import (
    CustomerIdField,
    EntityRefField,
    RecordId,
    TbModel,
    TenantIdField,
    WireId,
)


class AuditLog(TbModel):
    """What one user did, once."""

    id: RecordId
    created_time: int
    tenant_id: TenantIdField
    customer_id: CustomerIdField
    entity: EntityRefField = Field(serialization_alias="entityId", validation_alias="entity")
    entity_name: str | None
    user_id: Annotated[UUID | None, WireId(EntityType.USER, none_is_null_uuid=True)]
    user_name: str
    action_type: Action
    action_data: Any
    action_status: ActionStatus
    action_failure_details: str | None
