"""The table of calculated fields."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Entity
from fieldline.kit.ids import EntityRef, EntityType


class CalculatedField(Entity):
    """One rule of a device, or of a device profile and so of all of its devices.

    ``device_id`` or ``device_profile_id`` is the entity once more, so that the rule goes with it.
    """

    __tablename__ = "calculated_field"
    __table_args__ = (
        UniqueConstraint("entity_id", "type", "name"),
        Index("ix_calculated_field_tenant_id_created_time", "tenant_id", "created_time"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    entity_type: Mapped[str] = mapped_column(String(32))
    entity_id: Mapped[UUID]
    device_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("device.id", ondelete="CASCADE"), index=True
    )
    device_profile_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("device_profile.id", ondelete="CASCADE"), index=True
    )
    type: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(255))
    configuration: Mapped[dict[str, Any]]
    configuration_version: Mapped[int] = mapped_column(default=0)
    debug_settings: Mapped[dict[str, Any] | None]
    additional_info: Mapped[dict[str, Any] | None]

    @property
    def entity(self) -> EntityRef:
        return EntityRef(EntityType(self.entity_type), self.entity_id)
