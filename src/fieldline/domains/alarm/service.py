"""The life of an alarm in the hands of users; what rules decide goes through ``writer``."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fieldline.domains.alarm import assignment
from fieldline.domains.alarm.access import find
from fieldline.domains.alarm.changes import owner_of
from fieldline.domains.alarm.errors import AlreadyAcknowledged, AlreadyCleared
from fieldline.domains.alarm.models import Alarm
from fieldline.domains.alarm.names import with_names
from fieldline.domains.alarm.propagation import propagation_of, set_propagation, spread
from fieldline.domains.alarm.repository import AlarmRepository, RuleMark
from fieldline.domains.alarm.schemas import AlarmInfo
from fieldline.domains.alarm.status import AlarmFilter, Propagation, Severity
from fieldline.domains.alarm.telling import tell
from fieldline.domains.entity.access import known
from fieldline.kit.errors import Conflict, Forbidden, Invalid
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.kit.paging import Page, PageRequest
from fieldline.kit.text import check_json, check_text
from fieldline.messaging.message import MessageType
from fieldline.security.caller import Caller
from fieldline.security.permissions import DENIED, Operation, check

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

_ATTEMPTS = 3
"""How often a create is tried that somebody else's create overtakes (PostgreSQL)."""
MAX_RELATION_TYPES = 100
"""Types of relations along which one alarm is shown."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a user says of an alarm; time 0 means now, or the start."""

    severity: Severity
    start_ts_ms: int = 0
    end_ts_ms: int = 0
    details: Any = None
    propagation: Propagation = field(default_factory=Propagation)


@dataclass(frozen=True, slots=True)
class Wish:
    """What else a saved alarm is meant to be; false and None leave it as it is."""

    acknowledged: bool = False
    cleared: bool = False
    assignee_id: UUID | None = None


AlarmRow = Alarm
"""For annotations of who lists alarms."""


async def get(session: "AsyncSession", caller: Caller, alarm_id: UUID) -> Alarm:
    return await find(session, caller, alarm_id, Operation.READ)


async def get_to_change(session: "AsyncSession", caller: Caller, alarm_id: UUID) -> Alarm:
    """Return an alarm that the caller may handle; nobody else changes it meanwhile."""
    return await find(session, caller, alarm_id, Operation.WRITE)


async def info(session: "AsyncSession", caller: Caller, alarm: Alarm) -> AlarmInfo:
    """Return an alarm with names."""
    return (await with_names(session, caller, [alarm]))[0]


async def page(
    session: "AsyncSession", caller: Caller, wanted: AlarmFilter, request: PageRequest
) -> Page[Alarm]:
    """Return alarms of the caller's tenant, or customer."""
    tenant_id, wanted = _scoped(caller, wanted)
    return await AlarmRepository(session).page(tenant_id, wanted, request)


async def page_of(
    session: "AsyncSession",
    caller: Caller,
    originator: EntityRef,
    wanted: AlarmFilter,
    request: PageRequest,
) -> Page[Alarm]:
    """Return alarms of one entity, or propagated to it, that the caller may see.

    Raises:
        NotFound: there is no such entity.
        Forbidden: it is somebody else's.
    """
    await known(session, caller, Operation.READ, originator)
    return await page(session, caller, replace(wanted, shown_at=originator.id), request)


async def worst_severity(
    session: "AsyncSession", caller: Caller, originator: EntityRef, wanted: AlarmFilter
) -> Severity | None:
    """Return the worst severity of an entity's alarms, as :func:`page_of`; None without any."""
    await known(session, caller, Operation.READ, originator)
    tenant_id, wanted = _scoped(caller, replace(wanted, shown_at=originator.id))
    return await AlarmRepository(session).worst_severity(tenant_id, wanted)


async def types(session: "AsyncSession", caller: Caller, request: PageRequest) -> Page[str]:
    """Return the types of alarms there are, by name."""
    tenant_id, wanted = _scoped(caller, AlarmFilter())
    return await AlarmRepository(session).types(tenant_id, wanted.customer_id, request)


async def create(
    session: "AsyncSession",
    caller: Caller,
    originator: EntityRef,
    type_: str,
    content: Content,
    *,
    now_ms: int,
) -> Alarm:
    """Create an alarm, or renew the active one of the same originator and type.

    Raises:
        Invalid: a text or time makes no sense.
        NotFound: there is no such originator.
    """
    check_text("Alarm type", type_)
    _check_content(content)
    owner = await known(session, caller, Operation.READ, originator)
    if owner.tenant_id is None or owner.tenant_id != caller.tenant_id:
        raise Forbidden(DENIED)
    check(
        caller,
        Operation.CREATE,
        EntityType.ALARM,
        tenant_id=owner.tenant_id,
        customer_id=owner.customer_id,
    )
    repository = AlarmRepository(session)
    for _attempt in range(_ATTEMPTS):
        for active in await repository.active([originator.id], [type_], lock=True):
            return await _renew(session, caller, active, content, now_ms)
        alarm = Alarm(
            id=new_id(),
            created_time=now_ms,
            tenant_id=owner.tenant_id,
            customer_id=owner.customer_id,
            originator_type=originator.type.value,
            originator_id=originator.id,
            **owner_of(originator),
            type=type_,
            acknowledged=False,
            cleared=False,
            ack_ts=0,
            clear_ts=0,
            assign_ts=0,
            start_ts=content.start_ts_ms or now_ms,
            end_ts=content.end_ts_ms or content.start_ts_ms or now_ms,
        )
        _fill(alarm, content)
        if await repository.add(alarm):
            if propagation_of(alarm) is not None:
                await spread(session, [alarm])
            await tell(session, caller, alarm, MessageType.ENTITY_CREATED)
            return alarm
    msg = f"Alarms of type '{type_}' of this originator are changing at this moment; try again"
    raise Conflict(msg)


async def update(
    session: "AsyncSession", caller: Caller, alarm_id: UUID, content: Content, *, now_ms: int
) -> Alarm:
    """Change severity, times, details and propagation."""
    _check_content(content)
    alarm = await find(session, caller, alarm_id, Operation.WRITE)
    return await _renew(session, caller, alarm, content, now_ms)


async def acknowledge(
    session: "AsyncSession",
    caller: Caller,
    alarm_id: UUID,
    *,
    now_ms: int,
) -> Alarm:
    """Note that somebody has seen the alarm.

    Raises:
        AlreadyAcknowledged: somebody else had.
    """
    alarm = await find(session, caller, alarm_id, Operation.WRITE)
    if alarm.acknowledged:
        raise AlreadyAcknowledged
    alarm.acknowledged = True
    alarm.ack_ts = now_ms
    await tell(session, caller, alarm, MessageType.ALARM_ACK)
    return alarm


async def clear(session: "AsyncSession", caller: Caller, alarm_id: UUID, *, now_ms: int) -> Alarm:
    """Note that the condition is over.

    Raises:
        AlreadyCleared: it was already.
    """
    alarm = await find(session, caller, alarm_id, Operation.WRITE)
    if alarm.cleared:
        raise AlreadyCleared
    alarm.cleared = True
    alarm.clear_ts = now_ms
    await tell(session, caller, alarm, MessageType.ALARM_CLEAR)
    return alarm


async def follow(
    session: "AsyncSession", caller: Caller, alarm: Alarm, wish: Wish, *, now_ms: int
) -> None:
    """Acknowledge, clear and assign an alarm where that is wished and not so yet."""
    if wish.acknowledged and not alarm.acknowledged:
        await acknowledge(session, caller, alarm.id, now_ms=now_ms)
    if wish.cleared and not alarm.cleared:
        await clear(session, caller, alarm.id, now_ms=now_ms)
    if wish.assignee_id is not None and wish.assignee_id != alarm.assignee_id:
        await assignment.assign(session, caller, alarm.id, wish.assignee_id, now_ms=now_ms)


async def delete(session: "AsyncSession", caller: Caller, alarm_id: UUID) -> None:
    alarm = await find(session, caller, alarm_id, Operation.DELETE)
    await tell(session, caller, alarm, MessageType.ALARM_DELETE)
    await AlarmRepository(session).remove(alarm)


async def active(session: "AsyncSession", originator: EntityRef, type_: str) -> Alarm | None:
    """Return the active alarm of an originator and type, for rule nodes: asks no permission."""
    found = await AlarmRepository(session).active([originator.id], [type_])
    return found[0] if found else None


async def rule_marks(
    session: "AsyncSession", originator_ids: Collection[UUID]
) -> dict[tuple[UUID, str], RuleMark]:
    """Return what alarm rules must know of these originators' alarms: asks no permission."""
    marks = await AlarmRepository(session).rule_marks(originator_ids)
    return {(mark.originator_id, mark.type): mark for mark in marks}


def _scoped(caller: Caller, wanted: AlarmFilter) -> tuple[UUID, AlarmFilter]:
    """Return the caller's tenant, and the filter narrowed to what the caller may see."""
    if caller.tenant_id is None:
        raise Forbidden(DENIED)
    if caller.is_customer_user:
        if caller.customer_id is None:
            raise Forbidden(DENIED)
        wanted = replace(wanted, customer_id=caller.customer_id)
    return caller.tenant_id, wanted


async def _renew(
    session: "AsyncSession", caller: Caller, alarm: Alarm, content: Content, now_ms: int
) -> Alarm:
    alarm.start_ts = content.start_ts_ms or alarm.start_ts
    alarm.end_ts = max(content.end_ts_ms or now_ms, alarm.start_ts)
    severity, shown = alarm.severity, propagation_of(alarm)
    _fill(alarm, content)
    if propagation_of(alarm) != shown:
        await spread(session, [alarm])
    about = {} if alarm.severity == severity else {"old_severity": severity}
    await tell(session, caller, alarm, MessageType.ENTITY_UPDATED, about)
    return alarm


def _check_content(content: Content) -> None:
    check_json("Alarm details", content.details)
    _check_relation_types(content.propagation.relation_types)
    if min(content.start_ts_ms, content.end_ts_ms) < 0:
        raise Invalid("Alarm times are milliseconds since 1970; 0 is now")
    if content.start_ts_ms > content.end_ts_ms > 0:
        raise Invalid("Alarm start ts can't be greater than alarm end ts!")


def _check_relation_types(types: Collection[str]) -> None:
    if len(types) > MAX_RELATION_TYPES:
        msg = f"{len(types)} propagateRelationTypes; at most {MAX_RELATION_TYPES} are possible"
        raise Invalid(msg)
    for type_ in types:
        check_text("propagateRelationTypes", type_)


def _fill(alarm: Alarm, content: Content) -> None:
    alarm.severity = content.severity.value
    alarm.details = content.details
    set_propagation(alarm, content.propagation)
