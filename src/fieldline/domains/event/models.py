"""The table of events."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Base
from fieldline.kit.ids import EntityRef, EntityType


class Event(Base):
    """One event of a rule chain or of one of its nodes; it goes with its chain.

    The columns are the fields of ``record.Record``. ``entity_id`` has no foreign key: the events of
    a node that was taken out of the chain stay.
    """

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_entity_id_created_time", "entity_id", "created_time"),
        Index("ix_event_rule_chain_id_created_time", "rule_chain_id", "created_time"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    created_time: Mapped[int] = mapped_column(index=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    rule_chain_id: Mapped[UUID] = mapped_column(ForeignKey("rule_chain.id", ondelete="CASCADE"))
    entity_type: Mapped[str] = mapped_column(String(32))
    entity_id: Mapped[UUID]
    type: Mapped[str] = mapped_column(String(32))
    server: Mapped[str] = mapped_column(String(255))
    name: Mapped[str | None] = mapped_column(String(255))
    success: Mapped[bool | None]
    direction: Mapped[str | None] = mapped_column(String(8))
    originator_type: Mapped[str | None] = mapped_column(String(32))
    originator_id: Mapped[UUID | None]
    message_id: Mapped[UUID | None]
    message_type: Mapped[str | None] = mapped_column(String(300))
    relation: Mapped[str | None] = mapped_column(String(300))
    data: Mapped[str | None] = mapped_column(Text)
    message_metadata: Mapped[str | None] = mapped_column("metadata", Text)
    error: Mapped[str | None] = mapped_column(Text)

    @property
    def entity(self) -> EntityRef:
        return EntityRef(EntityType(self.entity_type), self.entity_id)

    @property
    def originator(self) -> EntityRef | None:
        if self.originator_type is None or self.originator_id is None:
            return None
        return EntityRef(EntityType(self.originator_type), self.originator_id)
