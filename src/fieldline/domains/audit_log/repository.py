"""Queries of the audit log."""

from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.database.repository import fetch_page
from fieldline.domains.audit_log.filters import AuditLogFilter
from fieldline.domains.audit_log.models import AuditLog
from fieldline.kit.paging import Page, PageRequest

_SORTABLE = {
    name: getattr(AuditLog, name)
    for name in (
        "id",
        "created_time",
        "entity_type",
        "entity_name",
        "user_name",
        "action_type",
        "action_status",
    )
}
_SEARCHED = (
    AuditLog.entity_type,
    AuditLog.entity_name,
    AuditLog.user_name,
    AuditLog.action_type,
    AuditLog.action_status,
)


class AuditLogRepository:
    """Records of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, record: AuditLog) -> None:
        self._session.add(record)
        await self._session.flush()

    async def page(
        self, tenant_id: UUID | None, wanted: AuditLogFilter, request: PageRequest
    ) -> Page[AuditLog]:
        """Return a page of a tenant's records; None: of the system administrators'."""
        query = select(AuditLog).where(AuditLog.tenant_id == tenant_id, *_conditions(wanted))
        return await fetch_page(
            self._session,
            query,
            request,
            sortable=_SORTABLE,
            tie_breaker=AuditLog.id,
            searched=_SEARCHED,
        )

    async def expire(self, before_ms: int, limit: int) -> int:
        """Delete at most ``limit`` records made before a time; returns how many went."""
        ids = (
            await self._session.scalars(
                select(AuditLog.id).where(AuditLog.created_time < before_ms).limit(limit)
            )
        ).all()
        if ids:
            await self._session.execute(
                delete(AuditLog).where(AuditLog.id.in_(ids)),
                execution_options={"synchronize_session": False},
            )
        return len(ids)


def _conditions(wanted: AuditLogFilter) -> list[ColumnElement[bool]]:
    equal = (
        (wanted.entity_type, AuditLog.entity_type),
        (wanted.entity_id, AuditLog.entity_id),
        (wanted.user_id, AuditLog.user_id),
        (wanted.customer_id, AuditLog.customer_id),
    )
    conditions: list[ColumnElement[bool]] = [
        column == value for value, column in equal if value is not None
    ]
    if wanted.actions:
        conditions.append(AuditLog.action_type.in_(wanted.actions))
    if wanted.from_ms is not None:
        conditions.append(AuditLog.created_time >= wanted.from_ms)
    if wanted.to_ms is not None:
        conditions.append(AuditLog.created_time <= wanted.to_ms)
    return conditions
