"""Alarms on ThingsBoard's wire."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from fieldline.domains.alarm.status import Severity, Status
from fieldline.kit.ids import EntityType
from fieldline.rest.parameters import Int64
from fieldline.rest.wire import (
    CustomerIdField,
    EntityRefField,
    TbModel,
    TenantIdField,
    WireId,
)

AlarmId = Annotated[UUID, WireId(EntityType.ALARM)]
OptionalUserId = Annotated[UUID | None, WireId(EntityType.USER)]


class AlarmFields(TbModel):
    """What reading and writing have in common."""

    customer_id: CustomerIdField = None
    type: str = Field(max_length=255)
    originator: EntityRefField
    severity: Severity
    acknowledged: bool = False
    cleared: bool = False
    assignee_id: OptionalUserId = None
    start_ts: Int64 = 0
    end_ts: Int64 = 0
    ack_ts: Int64 = 0
    clear_ts: Int64 = 0
    assign_ts: Int64 = 0
    details: Any = None
    propagate: bool = False
    propagate_to_owner: bool = False
    propagate_to_tenant: bool = False
    propagate_relation_types: list[str] | None = None


class AlarmSave(AlarmFields):
    """The body of ``POST /api/alarm``; with an id it changes that alarm."""

    id: Annotated[UUID | None, WireId(EntityType.ALARM)] = None


class Alarm(AlarmFields):
    id: AlarmId
    created_time: int
    tenant_id: TenantIdField
    name: str
    status: Status


class AlarmAssignee(TbModel):
    """Who takes care of it."""

    id: Annotated[UUID, WireId(EntityType.USER)]
    first_name: str | None = None
    last_name: str | None = None
    email: str


class AlarmInfo(Alarm):
    """An alarm with the names of what it is about."""

    originator_name: str | None = None
    originator_label: str | None = None
    originator_display_name: str | None = None
    assignee: AlarmAssignee | None = None


class AlarmType(TbModel):
    """EntitySubtype on ThingsBoard's wire: a type that the tenant has alarms of."""

    tenant_id: TenantIdField
    entity_type: EntityType = EntityType.ALARM
    type: str
