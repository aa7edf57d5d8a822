"""The table of relations."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Base, now_ms
from fieldline.kit.ids import EntityRef, EntityType


class Relation(Base):
    """A relation of one entity to another of the same tenant.

    The ends have no foreign key, being of many kinds: a reaction deletes the relations of an entity
    that goes (``handlers.py``). Every save raises ``version`` by one.
    """

    __tablename__ = "relation"
    __table_args__ = (
        Index("ix_relation_to", "to_id", "to_type", "type_group", "type"),
        Index("ix_relation_tenant_id", "tenant_id"),
    )

    from_id: Mapped[UUID] = mapped_column(primary_key=True)
    from_type: Mapped[str] = mapped_column(String(32), primary_key=True)
    type_group: Mapped[str] = mapped_column(String(32), primary_key=True)
    type: Mapped[str] = mapped_column(String(255), primary_key=True)
    to_id: Mapped[UUID] = mapped_column(primary_key=True)
    to_type: Mapped[str] = mapped_column(String(32), primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    created_time: Mapped[int] = mapped_column(default=now_ms)
    version: Mapped[int] = mapped_column(default=1)
    additional_info: Mapped[dict[str, Any] | None]

    @property
    def from_ref(self) -> EntityRef:
        return EntityRef(EntityType(self.from_type), self.from_id)

    @property
    def to_ref(self) -> EntityRef:
        return EntityRef(EntityType(self.to_type), self.to_id)
