"""The table of devices."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Entity


class Device(Entity):
    """A device of one tenant, perhaps assigned to one of its customers.

    ``type`` is the name of the profile; the foreign key keeps it so when the profile is renamed.
    ``device_data`` holds ``configuration`` and ``transportConfiguration`` by the wire's names.
    ``search_text`` is name and label in lower case (SQLite's own ``lower`` knows only ASCII).
    """

    __tablename__ = "device"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        UniqueConstraint("tenant_id", "external_id"),
        ForeignKeyConstraint(
            ["device_profile_id", "type"],
            ["device_profile.id", "device_profile.name"],
            onupdate="CASCADE",
        ),
        Index("ix_device_profile_type", "device_profile_id", "type"),
        Index("ix_device_tenant_created", "tenant_id", "created_time"),
        Index("ix_device_tenant_type", "tenant_id", "type"),
        Index("ix_device_customer_created", "customer_id", "created_time"),
        # Cut to 200 characters: an index entry of PostgreSQL may have 2,704 bytes.
        Index("ix_device_search", "tenant_id", text("substr(search_text, 1, 200)")),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customer.id", ondelete="SET NULL"))
    device_profile_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(255))
    label: Mapped[str | None] = mapped_column(String(255))
    device_data: Mapped[dict[str, Any]]
    firmware_id: Mapped[UUID | None] = mapped_column(index=True)
    software_id: Mapped[UUID | None] = mapped_column(index=True)
    external_id: Mapped[UUID | None]
    additional_info: Mapped[dict[str, Any] | None]
    search_text: Mapped[str]
