"""Alarms in ThingsBoard's dialect.

``/api/alarm/{entityType}/{entityId}`` has the form of ``/api/alarm/rules/names`` and others: the
router of alarm rules is mounted before this one, and here the fixed paths come first.
"""

from dataclasses import replace
from enum import StrEnum
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Query

from fieldline.domains.alarm import assignment, service
from fieldline.domains.alarm.names import with_names
from fieldline.domains.alarm.schemas import Alarm, AlarmInfo, AlarmSave, AlarmType
from fieldline.domains.alarm.status import (
    AlarmFilter,
    Propagation,
    SearchStatus,
    Severity,
    Status,
    halves,
)
from fieldline.domains.user.schemas import UserEmail
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityRef, parse_ref
from fieldline.kit.paging import Page, PageRequest
from fieldline.rest.callers import AnyUser, TenantOrCustomer
from fieldline.rest.dialects import tb_router
from fieldline.rest.paging import PageData, TbPage
from fieldline.rest.parameters import Int64
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.security.caller import Caller

E = TypeVar("E", bound=StrEnum)
router = tb_router("Alarm")

MAX_LISTED = 100
"""Values of one list parameter."""


async def entity_path(entity_type: str, entity_id: str) -> EntityRef:
    return parse_ref(entity_type, entity_id)


OriginatorPath = Annotated[EntityRef, Depends(entity_path)]
AssigneeQuery = Annotated[UUID | None, Query(alias="assigneeId")]
StartQuery = Annotated[Int64 | None, Query(alias="startTime")]
EndQuery = Annotated[Int64 | None, Query(alias="endTime")]
SortOrder = Annotated[str | None, Query(alias="sortOrder")]
"""Of lists of names, which have nothing else to sort by; ``TbPage`` checks it."""


async def filter_v1(
    search_status: Annotated[SearchStatus | None, Query(alias="searchStatus")] = None,
    status: Status | None = None,
    assignee_id: AssigneeQuery = None,
    start_time: StartQuery = None,
    end_time: EndQuery = None,
) -> AlarmFilter:
    """Read the first form of the filter: one status, of either kind."""
    if search_status is not None and status is not None:
        raise Invalid("Invalid alarms search query: either searchStatus or status, not both")
    cleared, acknowledged = halves({search_status} if search_status else set())
    if status is not None:
        cleared, acknowledged = status.is_cleared, status.is_acknowledged
    return AlarmFilter(
        cleared=cleared,
        acknowledged=acknowledged,
        assignee_id=assignee_id,
        created_from_ms=start_time,
        created_to_ms=end_time,
    )


async def filter_v2(
    status_list: Annotated[list[str] | None, Query(alias="statusList")] = None,
    severity_list: Annotated[list[str] | None, Query(alias="severityList")] = None,
    type_list: Annotated[list[str] | None, Query(alias="typeList")] = None,
    assignee_id: AssigneeQuery = None,
    start_time: StartQuery = None,
    end_time: EndQuery = None,
) -> AlarmFilter:
    """Read the second form of the filter: lists, comma separated or repeated."""
    cleared, acknowledged = halves(
        {_member(SearchStatus, text, "statusList") for text in _split(status_list)}
    )
    return AlarmFilter(
        cleared=cleared,
        acknowledged=acknowledged,
        severities=tuple(_member(Severity, text, "severityList") for text in _split(severity_list)),
        types=tuple(_split(type_list)),
        assignee_id=assignee_id,
        created_from_ms=start_time,
        created_to_ms=end_time,
    )


FilterV1 = Annotated[AlarmFilter, Depends(filter_v1)]
FilterV2 = Annotated[AlarmFilter, Depends(filter_v2)]


@router.get("/alarms")
async def list_alarms(
    page: TbPage, wanted: FilterV1, caller: TenantOrCustomer, session: ReadSession
) -> PageData[AlarmInfo]:
    """List alarms of the tenant, or of the caller's customer."""
    found = await service.page(session, caller, wanted, page)
    return await _infos(session, caller, found, page)


@router.get("/v2/alarms")
async def list_alarms_v2(
    page: TbPage, wanted: FilterV2, caller: TenantOrCustomer, session: ReadSession
) -> PageData[AlarmInfo]:
    """List alarms of the tenant, or of the caller's customer, by lists of what is wanted."""
    found = await service.page(session, caller, wanted, page)
    return await _infos(session, caller, found, page)


@router.get("/alarm/types")
async def list_alarm_types(
    page: TbPage, caller: TenantOrCustomer, session: ReadSession, order: SortOrder = None
) -> PageData[AlarmType]:
    """List the types of alarms there are, by name."""
    page = replace(page, descending=(order or "").upper() == "DESC")
    found = await service.types(session, caller, page)
    rows = found.map(lambda type_: AlarmType(tenant_id=caller.tenant_id, type=type_))
    return PageData.of(rows, page)


@router.get("/alarm/info/{alarm_id}")
async def get_alarm_info(
    alarm_id: UUID, caller: TenantOrCustomer, session: ReadSession
) -> AlarmInfo:
    """Return an alarm with the names of its originator and assignee."""
    return await service.info(session, caller, await service.get(session, caller, alarm_id))


@router.get("/users/assign/{alarm_id}")
async def list_assignable_users(
    alarm_id: UUID, page: TbPage, caller: TenantOrCustomer, session: ReadSession
) -> PageData[UserEmail]:
    """List the users that the alarm may be assigned to."""
    return PageData.of(await assignment.assignable(session, caller, alarm_id, page), page)


@router.get("/alarm/highestSeverity/{entity_type}/{entity_id}")
async def get_highest_severity(
    originator: OriginatorPath, wanted: FilterV1, caller: TenantOrCustomer, session: ReadSession
) -> Severity | None:
    """Return the worst severity of an entity's alarms, or null."""
    return await service.worst_severity(session, caller, originator, wanted)


@router.get("/alarm/{entity_type}/{entity_id}")
async def list_alarms_of(
    page: TbPage,
    originator: OriginatorPath,
    wanted: FilterV1,
    caller: AnyUser,
    session: ReadSession,
) -> PageData[AlarmInfo]:
    """List alarms of one entity."""
    found = await service.page_of(session, caller, originator, wanted, page)
    return await _infos(session, caller, found, page)


@router.get("/v2/alarm/{entity_type}/{entity_id}")
async def list_alarms_of_v2(
    page: TbPage,
    originator: OriginatorPath,
    wanted: FilterV2,
    caller: AnyUser,
    session: ReadSession,
) -> PageData[AlarmInfo]:
    """List alarms of one entity by lists of what is wanted."""
    found = await service.page_of(session, caller, originator, wanted, page)
    return await _infos(session, caller, found, page)


@router.get("/alarm/{alarm_id}")
async def get_alarm(alarm_id: UUID, caller: TenantOrCustomer, session: ReadSession) -> Alarm:
    """Return one alarm."""
    return Alarm.model_validate(await service.get(session, caller, alarm_id))


@router.post("/alarm")
async def save_alarm(
    body: AlarmSave, caller: TenantOrCustomer, session: WriteSession, services: ServicesDep
) -> Alarm:
    """Create an alarm or renew the active one of its originator and type; with an id, change it."""
    now_ms = services.clock.now_ms()
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
    if body.id is None:
        saved = await service.create(
            session, caller, body.originator, body.type, content, now_ms=now_ms
        )
    else:
        saved = await service.update(session, caller, body.id, content, now_ms=now_ms)
    await service.follow(
        session,
        caller,
        saved,
        service.Wish(body.acknowledged, body.cleared, body.assignee_id),
        now_ms=now_ms,
    )
    return Alarm.model_validate(saved)


@router.delete("/alarm/{alarm_id}")
async def delete_alarm(alarm_id: UUID, caller: TenantOrCustomer, session: WriteSession) -> bool:
    """Delete an alarm."""
    await service.delete(session, caller, alarm_id)
    return True


@router.post("/alarm/{alarm_id}/ack")
async def acknowledge_alarm(
    alarm_id: UUID, caller: TenantOrCustomer, session: WriteSession, services: ServicesDep
) -> AlarmInfo:
    """Acknowledge an alarm; 400 when it was."""
    now_ms = services.clock.now_ms()
    alarm = await service.acknowledge(session, caller, alarm_id, now_ms=now_ms)
    return await service.info(session, caller, alarm)


@router.post("/alarm/{alarm_id}/clear")
async def clear_alarm(
    alarm_id: UUID, caller: TenantOrCustomer, session: WriteSession, services: ServicesDep
) -> AlarmInfo:
    """Clear an alarm; 400 when it was."""
    alarm = await service.clear(session, caller, alarm_id, now_ms=services.clock.now_ms())
    return await service.info(session, caller, alarm)


@router.post("/alarm/{alarm_id}/assign/{assignee_id}")
async def assign_alarm(
    alarm_id: UUID,
    assignee_id: UUID,
    caller: TenantOrCustomer,
    session: WriteSession,
    services: ServicesDep,
) -> AlarmInfo:
    """Give an alarm to a user to take care of."""
    now_ms = services.clock.now_ms()
    alarm = await assignment.assign(session, caller, alarm_id, assignee_id, now_ms=now_ms)
    return await service.info(session, caller, alarm)


@router.delete("/alarm/{alarm_id}/assign")
async def unassign_alarm(
    alarm_id: UUID, caller: TenantOrCustomer, session: WriteSession, services: ServicesDep
) -> AlarmInfo:
    """Take an alarm from the user it was given to."""
    now_ms = services.clock.now_ms()
    alarm = await assignment.assign(session, caller, alarm_id, None, now_ms=now_ms)
    return await service.info(session, caller, alarm)


async def _infos(
    session: ReadSession, caller: Caller, found: Page[service.AlarmRow], page: PageRequest
) -> PageData[AlarmInfo]:
    return PageData.of(Page(await with_names(session, caller, found.items), found.total), page)


def _split(values: list[str] | None) -> list[str]:
    parts = [part.strip() for value in values or () for part in value.split(",") if part.strip()]
    if len(parts) > MAX_LISTED:
        msg = f"A list parameter takes at most {MAX_LISTED} values"
        raise Invalid(msg)
    return parts


def _member(kind: type[E], text: str, parameter: str) -> E:
    try:
        return kind(text.upper())
    except ValueError as error:
        msg = f"'{text}' in {parameter} is unknown; one of {', '.join(kind)} is possible"
        raise Invalid(msg) from error
