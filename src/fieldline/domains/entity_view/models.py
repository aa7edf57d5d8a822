"""The table of entity views."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Entity
from fieldline.kit.ids import EntityRef, EntityType


class EntityView(Entity):
    """Some keys of another entity in a span of time, perhaps assigned to a customer.

    ``entity_type`` and ``entity_id`` name whose data it shows. ``keys`` is
    ``{"timeseries": [...], "attributes": {"cs": [...], "ss": [...], "sh": [...]}}``. ``start_ts``
    and ``end_ts`` are ms since 1970 UTC, both inclusive; 0 leaves that side open.
    """

    __tablename__ = "entity_view"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        UniqueConstraint("tenant_id", "external_id"),
        Index("ix_entity_view_tenant_created", "tenant_id", "created_time"),
        Index("ix_entity_view_tenant_type", "tenant_id", "type"),
        Index("ix_entity_view_customer_created", "customer_id", "created_time"),
        # Cut to 200 characters: an index entry of PostgreSQL may have 2,704 bytes.
        Index("ix_entity_view_search", "tenant_id", text("substr(search_text, 1, 200)")),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customer.id", ondelete="SET NULL"))
    entity_type: Mapped[str] = mapped_column(String(32))
    entity_id: Mapped[UUID] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(255))
    keys: Mapped[dict[str, Any]]
    start_ts: Mapped[int]
    end_ts: Mapped[int]
    external_id: Mapped[UUID | None]
    additional_info: Mapped[dict[str, Any] | None]
    search_text: Mapped[str]

    @property
    def target(self) -> EntityRef:
        """Whose data it shows."""
        return EntityRef(EntityType(self.entity_type), self.entity_id)
