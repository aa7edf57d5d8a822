"""The table of the audit log."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Base, now_ms
from fieldline.kit.ids import EntityRef, EntityType, new_id


class AuditLog(Base):
    """One action of one user; never changed.

    ``tenant_id`` is that of the user, None for a system administrator. ``customer_id`` is the
    customer that the thing is or was assigned to, else that of the user. Entity, customer and user
    have no foreign key: the record outlives them.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_tenant_id_created_time", "tenant_id", "created_time"),
        Index("ix_audit_log_customer_id_created_time", "customer_id", "created_time"),
        Index("ix_audit_log_user_id_created_time", "user_id", "created_time"),
        Index("ix_audit_log_entity_id_created_time", "entity_id", "created_time"),
        Index("ix_audit_log_created_time", "created_time"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_time: Mapped[int] = mapped_column(default=now_ms)
    tenant_id: Mapped[UUID | None] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    customer_id: Mapped[UUID | None]
    entity_type: Mapped[str] = mapped_column(String(32))
    entity_id: Mapped[UUID]
    entity_name: Mapped[str | None]
    user_id: Mapped[UUID]
    user_name: Mapped[str] = mapped_column(String(255))
    action_type: Mapped[str] = mapped_column(String(32))
    action_data: Mapped[dict[str, Any] | None]
    action_status: Mapped[str] = mapped_column(String(16))
    action_failure_details: Mapped[str | None]

    @property
    def entity(self) -> EntityRef:
        return EntityRef(EntityType(self.entity_type), self.entity_id)

    @property
    def name(self) -> str | None:
        return self.entity_name
