"""Queries of alarms."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    case,
    column,
    delete,
    func,
    insert,
    or_,
    select,
    table,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from fieldline.database.repository import Column, contains, fetch_page
from fieldline.database.types import Guid
from fieldline.domains.alarm.models import Alarm, EntityAlarm
from fieldline.domains.alarm.status import AlarmFilter, Severity, Status
from fieldline.kit.paging import Page, PageRequest

_RANK = case({severity.value: severity.rank for severity in Severity}, value=Alarm.severity)
_STATUS = case(
    (and_(Alarm.cleared, Alarm.acknowledged), Status.CLEARED_ACK.value),
    (Alarm.cleared, Status.CLEARED_UNACK.value),
    (Alarm.acknowledged, Status.ACTIVE_ACK.value),
    else_=Status.ACTIVE_UNACK.value,
)
_SORTABLE: dict[str, Column] = {
    "id": Alarm.id,
    "created_time": Alarm.created_time,
    "start_ts": Alarm.start_ts,
    "end_ts": Alarm.end_ts,
    "ack_ts": Alarm.ack_ts,
    "clear_ts": Alarm.clear_ts,
    "assign_ts": Alarm.assign_ts,
    "type": Alarm.type,
    "severity": _RANK,
    "status": _STATUS,
}


_RELATION = table(
    "relation",
    column("from_id", Guid),
    column("to_id", Guid),
    column("type", String),
    column("type_group", String),
)
_IS_COMMON = _RELATION.c.type_group == "COMMON"
MAX_RELATED = 1_000
"""Entities above an originator, on average, that its alarms are shown at."""


class RuleMark(NamedTuple):
    """What alarm rules must know of an originator's alarms of one type."""

    originator_id: UUID
    type: str
    active_severity: str | None
    decided: dict[str, int]


class AlarmRepository:
    """Alarms of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, alarm_id: UUID, *, lock: bool = False) -> Alarm | None:
        """Return an alarm; ``lock`` keeps others from changing it until the transaction ends."""
        return await self._session.get(Alarm, alarm_id, with_for_update=lock or None)

    async def active(
        self, originator_ids: Collection[UUID], types: Collection[str], *, lock: bool = False
    ) -> Sequence[Alarm]:
        """Return the active alarms of these originators and types."""
        query = select(Alarm).where(
            Alarm.originator_id.in_(originator_ids), Alarm.type.in_(types), ~Alarm.cleared
        )
        if lock:
            # Always in the same order, so that two who lock several do not wait for each other.
            query = query.order_by(Alarm.id).with_for_update()
        return (await self._session.scalars(query)).all()

    async def rule_marks(self, originator_ids: Collection[UUID]) -> list[RuleMark]:
        """Return what is active, and up to which readings rules have decided, of each type."""
        active = func.max(case((~Alarm.cleared, Alarm.severity)))
        query = (
            select(Alarm.originator_id, Alarm.type, active)
            .where(Alarm.originator_id.in_(originator_ids))
            .group_by(Alarm.originator_id, Alarm.type)
        )
        decided = await self._decided(originator_ids)
        return [
            RuleMark(originator_id, type_, severity, decided.get((originator_id, type_), {}))
            for originator_id, type_, severity in await self._session.execute(query)
        ]

    async def _decided(
        self, originator_ids: Collection[UUID]
    ) -> dict[tuple[UUID, str], dict[str, int]]:
        other = aliased(Alarm)
        newest = (
            select(func.max(other.rule_ts))
            .where(other.originator_id == Alarm.originator_id, other.type == Alarm.type)
            .scalar_subquery()
        )
        query = select(Alarm.originator_id, Alarm.type, Alarm.rule_marks).where(
            Alarm.originator_id.in_(originator_ids), Alarm.rule_ts == newest
        )
        decided: dict[tuple[UUID, str], dict[str, int]] = {}
        for originator_id, type_, marks in await self._session.execute(query):
            known = decided.setdefault((originator_id, type_), {})
            for key, ts_ms in (marks or {}).items():
                known[key] = max(ts_ms, known.get(key, ts_ms))
        return decided

    async def page(self, tenant_id: UUID, wanted: AlarmFilter, request: PageRequest) -> Page[Alarm]:
        query = select(Alarm).where(Alarm.tenant_id == tenant_id, *_conditions(wanted))
        return await fetch_page(
            self._session,
            query,
            request,
            sortable=_SORTABLE,
            tie_breaker=Alarm.id,
            searched=(Alarm.type, Alarm.severity, _STATUS),
        )

    async def worst_severity(self, tenant_id: UUID, wanted: AlarmFilter) -> Severity | None:
        query = select(Alarm.severity).where(Alarm.tenant_id == tenant_id, *_conditions(wanted))
        found = await self._session.scalar(query.order_by(_RANK).limit(1))
        return Severity(found) if found else None

    async def types(
        self, tenant_id: UUID, customer_id: UUID | None, request: PageRequest
    ) -> Page[str]:
        query: Select[str] = select(Alarm.type).where(Alarm.tenant_id == tenant_id)
        if customer_id is not None:
            query = query.where(Alarm.customer_id == customer_id)
        if request.search:
            query = query.where(contains(request.search, [Alarm.type]))
        query = query.distinct()
        total = await self._session.scalar(select(func.count()).select_from(query.subquery()))
        order = Alarm.type.desc() if request.descending else Alarm.type.asc()
        query = query.order_by(order).limit(request.limit).offset(request.offset)
        return Page(list(await self._session.scalars(query)), total or 0)

    async def add(self, alarm: Alarm) -> bool:
        """Add an alarm; false when somebody else has just added an active one of its type."""
        try:
            async with self._session.begin_nested():
                self._session.add(alarm)
        except IntegrityError:
            return False
        return True

    async def flush(self) -> None:
        await self._session.flush()

    async def add_all(self, alarms: Sequence[Alarm]) -> None:
        self._session.add_all(alarms)
        await self._session.flush()

    async def remove(self, alarm: Alarm) -> None:
        await self._session.delete(alarm)
        await self._session.flush()

    async def move_active(self, originator_id: UUID, customer_id: UUID | None) -> None:
        query = (
            update(Alarm)
            .where(Alarm.originator_id == originator_id, ~Alarm.cleared)
            .values(customer_id=customer_id)
        )
        await self._session.execute(query, execution_options={"synchronize_session": False})

    async def shown_to_owner(self, originator_ids: Collection[UUID]) -> Sequence[Alarm]:
        """Return the active alarms of these originators that are propagated to the owner."""
        query = select(Alarm).where(
            Alarm.originator_id.in_(originator_ids), ~Alarm.cleared, Alarm.propagate_to_owner
        )
        return (await self._session.scalars(query)).all()

    async def show_at(self, shown: Mapping[UUID, Collection[UUID]]) -> None:
        """Show each alarm (by id) at these entities and no other beside its originator."""
        await self._session.execute(delete(EntityAlarm).where(EntityAlarm.alarm_id.in_(shown)))
        rows = [
            {"entity_id": entity_id, "alarm_id": alarm_id}
            for alarm_id, entity_ids in shown.items()
            for entity_id in entity_ids
        ]
        if rows:
            await self._session.execute(insert(EntityAlarm), rows)

    async def above(self, ids: Collection[UUID]) -> dict[UUID, set[tuple[UUID, str]]]:
        """Return for each entity those from which relations lead to it, at any distance.

        Beside each stands the type of a relation that goes out from it. Cycles end, since a row
        that was found before is not gone on from.
        """
        up = (
            select(_RELATION.c.to_id.label("root"), _RELATION.c.from_id, _RELATION.c.type)
            .where(_IS_COMMON, _RELATION.c.to_id.in_(ids))
            .cte("above", recursive=True)
        )
        further = select(up.c.root, _RELATION.c.from_id, _RELATION.c.type).where(
            _IS_COMMON, _RELATION.c.to_id == up.c.from_id
        )
        up = up.union(further)
        query = select(up.c.root, up.c.from_id, up.c.type).limit(MAX_RELATED * len(ids))
        found: dict[UUID, set[tuple[UUID, str]]] = {}
        for root, entity_id, type_ in await self._session.execute(query):
            found.setdefault(root, set()).add((entity_id, type_))
        return found

    async def assigned_to(self, user_id: UUID, *, limit: int) -> Sequence[Alarm]:
        """Return some of a user's alarms, which nobody else changes meanwhile."""
        query = select(Alarm).where(Alarm.assignee_id == user_id).order_by(Alarm.id).limit(limit)
        return (await self._session.scalars(query.with_for_update())).all()

    async def remove_of(self, originator_ids: Collection[UUID]) -> None:
        query = delete(Alarm).where(Alarm.originator_id.in_(originator_ids))
        await self._session.execute(query, execution_options={"synchronize_session": False})


def _conditions(wanted: AlarmFilter) -> list[ColumnElement[bool]]:
    equal: list[tuple[object, InstrumentedAttribute[Any]]] = [
        (wanted.cleared, Alarm.cleared),
        (wanted.acknowledged, Alarm.acknowledged),
        (wanted.assignee_id, Alarm.assignee_id),
        (wanted.originator_type, Alarm.originator_type),
        (wanted.originator_id, Alarm.originator_id),
        (wanted.customer_id, Alarm.customer_id),
    ]
    conditions: list[ColumnElement[bool]] = [
        column == value for value, column in equal if value is not None
    ]
    if wanted.shown_at is not None:
        elsewhere = select(EntityAlarm.alarm_id).where(EntityAlarm.entity_id == wanted.shown_at)
        conditions.append(or_(Alarm.originator_id == wanted.shown_at, Alarm.id.in_(elsewhere)))
    if wanted.created_from_ms is not None:
        conditions.append(Alarm.created_time >= wanted.created_from_ms)
    if wanted.created_to_ms is not None:
        conditions.append(Alarm.created_time <= wanted.created_to_ms)
    if wanted.originator_ids is not None:
        conditions.append(Alarm.originator_id.in_(wanted.originator_ids))
    if wanted.severities:
        conditions.append(Alarm.severity.in_(wanted.severities))
    if wanted.types:
        conditions.append(Alarm.type.in_(wanted.types))
    return conditions
