"""Queries of events."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.database.repository import Column, contains, fetch_page
from fieldline.domains.event.filters import EventFilter
from fieldline.domains.event.models import Event
from fieldline.domains.event.record import Record
from fieldline.kit.paging import Page, PageRequest

_SORTABLE: dict[str, Column] = {
    "id": Event.id,
    "created_time": Event.created_time,
    "ts": Event.created_time,
    "type": Event.type,
}


class EventRepository:
    """Events of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, tenant_id: UUID, wanted: EventFilter, request: PageRequest) -> Page[Event]:
        query = select(Event).where(Event.tenant_id == tenant_id, *_conditions(wanted))
        return await fetch_page(
            self._session,
            query,
            request,
            sortable=_SORTABLE,
            tie_breaker=Event.id,
            searched=(Event.data, Event.message_metadata, Event.error, Event.name),
        )

    async def last(self, tenant_id: UUID, wanted: EventFilter) -> Event | None:
        query = select(Event).where(Event.tenant_id == tenant_id, *_conditions(wanted))
        query = query.order_by(Event.created_time.desc(), Event.id.desc()).limit(1)
        return (await self._session.scalars(query)).one_or_none()

    async def add_all(self, records: Sequence[Record]) -> None:
        await self._session.execute(insert(Event), [_row(record) for record in records])

    async def delete(self, tenant_id: UUID, wanted: EventFilter, limit: int) -> int:
        """Delete some of the events that are wanted; returns how many."""
        found = select(Event.id).where(Event.tenant_id == tenant_id, *_conditions(wanted))
        return await self._delete(found.limit(limit))

    async def delete_before(self, before_ms: int, limit: int) -> int:
        """Delete some of the events that are older; returns how many."""
        return await self._delete(
            select(Event.id).where(Event.created_time < before_ms).limit(limit)
        )

    async def _delete(self, found: Select[UUID]) -> int:
        ids: Collection[UUID] = (await self._session.scalars(found)).all()
        if ids:
            query = delete(Event).where(Event.id.in_(ids))
            await self._session.execute(query, execution_options={"synchronize_session": False})
        return len(ids)


def _row(record: Record) -> dict[str, Any]:
    originator = record.originator
    return {
        "id": record.id,
        "created_time": record.created_time,
        "tenant_id": record.tenant_id,
        "rule_chain_id": record.rule_chain_id,
        "entity_type": record.entity.type.value,
        "entity_id": record.entity.id,
        "type": record.type.value,
        "server": record.server,
        "name": record.name,
        "success": record.success,
        "direction": record.direction,
        "originator_type": originator.type.value if originator else None,
        "originator_id": originator.id if originator else None,
        "message_id": record.message_id,
        "message_type": record.message_type,
        "relation": record.relation,
        "data": record.data,
        "message_metadata": record.message_metadata,
        "error": record.error,
    }


def _conditions(wanted: EventFilter) -> list[ColumnElement[bool]]:
    equal = (
        (wanted.type, Event.type),
        (wanted.rule_chain_id, Event.rule_chain_id),
        (wanted.entity_id, Event.entity_id),
        (wanted.success, Event.success),
        (wanted.direction, Event.direction),
        (wanted.originator_type, Event.originator_type),
        (wanted.originator_id, Event.originator_id),
        (wanted.message_id, Event.message_id),
    )
    texts = (
        (wanted.server, Event.server),
        (wanted.name, Event.name),
        (wanted.error, Event.error),
        (wanted.message_type, Event.message_type),
        (wanted.relation, Event.relation),
        (wanted.data, Event.data),
        (wanted.metadata, Event.message_metadata),
    )
    conditions: list[ColumnElement[bool]] = []
    for value, column in equal:
        if value is not None:
            conditions.append(column == value)
    conditions.extend(contains(text, [column]) for text, column in texts if text)
    if wanted.is_error is not None:
        has_error = Event.error.is_not(None)
        conditions.append(has_error if wanted.is_error else ~has_error)
    if wanted.from_ms is not None:
        conditions.append(Event.created_time >= wanted.from_ms)
    if wanted.to_ms is not None:
        conditions.append(Event.created_time <= wanted.to_ms)
    return conditions
