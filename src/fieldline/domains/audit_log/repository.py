"""Queries of the audit log."""

from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.domains.audit_log.models import AuditLog


class AuditLogRepository:
    """Records of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, record: AuditLog) -> None:
        self._session.add(record)
        await self._session.flush()
