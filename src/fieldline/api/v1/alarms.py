"""Alarms in the v1 dialect."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from fieldline.api.v1.shapes import Body, Entity
from fieldline.domains.alarm import assignment, service
from fieldline.domains.alarm.status import AlarmFilter, Propagation, Severity, Status
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.rest.callers import TenantOrCustomer
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.parameters import Int64
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession

router = v1_router("alarms")


class AlarmBody(Body):
    """A new alarm; times are ms since 1970, 0 is now."""

    originator_type: EntityType = EntityType.DEVICE
    originator_id: UUID
    type: str
    severity: Severity
    start_ts: Int64 = 0
    end_ts: Int64 = 0
    details: Any = None
    propagate: bool = False
    propagate_to_owner: bool = False
    propagate_to_tenant: bool = False
    propagate_relation_types: list[str] | None = None


class AlarmOut(Entity):
    """An alarm; a time of 0 means that it has not happened."""

    originator_type: EntityType
    originator_id: UUID
    type: str
    severity: Severity
    status: Status
    assignee_id: UUID | None
    start_ts: int
    end_ts: int
    ack_ts: int
    clear_ts: int
    assign_ts: int
    details: Any
    propagate: bool
    propagate_to_owner: bool
    propagate_to_tenant: bool
    propagate_relation_types: list[str] | None


@router.post("/alarms", status_code=201)
async def create_alarm(
    body: AlarmBody, caller: TenantOrCustomer, session: WriteSession, services: ServicesDep
) -> AlarmOut:
    """Create an alarm, or renew the active one of the same originator and type."""
    content = service.Content(
        severity=body.severity,
        start_ts_ms=body.start_ts,
        end_ts_ms=body.end_ts,
        details=body.details,
        propagation=Propagation(
            to_related=body.propagate,
            to_owner=body.propagate_to_owner,
            to_tenant=body.propagate_to_tenant,
            relation_types=tuple(body.propagate_relation_types or ()),
        ),
    )
    originator = EntityRef(body.originator_type, body.originator_id)
    now_ms = services.clock.now_ms()
    saved = await service.create(session, caller, originator, body.type, content, now_ms=now_ms)
    return AlarmOut.model_validate(saved)


@router.get("/alarms")
async def list_alarms(
    *,
    page: V1Page,
    caller: TenantOrCustomer,
    session: ReadSession,
    type_: Annotated[str | None, Query(alias="type")] = None,
    severity: Severity | None = None,
    status: Status | None = None,
    customer_id: UUID | None = None,
    originator_type: EntityType | None = None,
    originator_id: UUID | None = None,
    assignee_id: UUID | None = None,
) -> list[AlarmOut]:
    """List alarms, the newest first."""
    wanted = AlarmFilter(
        cleared=None if status is None else status.is_cleared,
        acknowledged=None if status is None else status.is_acknowledged,
        severities=() if severity is None else (severity,),
        types=() if type_ is None else (type_,),
        customer_id=customer_id,
        originator_type=originator_type,
        originator_id=originator_id,
        assignee_id=assignee_id,
    )
    found = await service.page(session, caller, wanted, page)
    return [AlarmOut.model_validate(alarm) for alarm in found.items]


@router.get("/alarms/{alarm_id}")
async def get_alarm(alarm_id: UUID, caller: TenantOrCustomer, session: ReadSession) -> AlarmOut:
    """Return one alarm."""
    return AlarmOut.model_validate(await service.get(session, caller, alarm_id))


@router.delete("/alarms/{alarm_id}", status_code=204)
async def delete_alarm(alarm_id: UUID, caller: TenantOrCustomer, session: WriteSession) -> Response:
    """Delete an alarm."""
    await service.delete(session, caller, alarm_id)
    return Response(status_code=204)


@router.post("/alarms/{alarm_id}/ack")
async def acknowledge_alarm(
    alarm_id: UUID, caller: TenantOrCustomer, session: WriteSession, services: ServicesDep
) -> AlarmOut:
    """Acknowledge an alarm; 400 when it was."""
    now_ms = services.clock.now_ms()
    return AlarmOut.model_validate(
        await service.acknowledge(session, caller, alarm_id, now_ms=now_ms)
    )


@router.post("/alarms/{alarm_id}/clear")
async def clear_alarm(
    alarm_id: UUID, caller: TenantOrCustomer, session: WriteSession, services: ServicesDep
) -> AlarmOut:
    """Clear an alarm; 400 when it was."""
    now_ms = services.clock.now_ms()
    return AlarmOut.model_validate(await service.clear(session, caller, alarm_id, now_ms=now_ms))


@router.post("/alarms/{alarm_id}/assign/{user_id}")
async def assign_alarm(
    alarm_id: UUID,
    user_id: UUID,
    caller: TenantOrCustomer,
    session: WriteSession,
    services: ServicesDep,
) -> AlarmOut:
    """Give an alarm to a user to take care of."""
    now_ms = services.clock.now_ms()
    return AlarmOut.model_validate(
        await assignment.assign(session, caller, alarm_id, user_id, now_ms=now_ms)
    )


@router.delete("/alarms/{alarm_id}/assign")
async def unassign_alarm(
    alarm_id: UUID, caller: TenantOrCustomer, session: WriteSession, services: ServicesDep
) -> AlarmOut:
    """Take an alarm from the user it was given to; 400 when it is nobody's."""
    now_ms = services.clock.now_ms()
    return AlarmOut.model_validate(
        await assignment.assign(session, caller, alarm_id, None, now_ms=now_ms)
    )
