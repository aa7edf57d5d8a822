"""The table of device profiles."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Entity


class DeviceProfile(Entity):
    """A kind of device of one tenant.

    ``profile_data`` holds ``configuration``, ``provisionConfiguration`` (without its secret, which
    is encrypted in ``provision_secret``) and ``alarms``; ``transport_configuration`` what the
    transport needs. Both keep the property names of the wire, since the console edits them whole.
    """

    __tablename__ = "device_profile"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        UniqueConstraint("id", "name"),  # what a device's profile and type point at
        UniqueConstraint("tenant_id", "external_id"),
        Index(
            "uq_device_profile_default",
            "tenant_id",
            unique=True,
            sqlite_where=text("is_default"),
            postgresql_where=text("is_default"),
        ),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(32), default="DEFAULT")
    transport_type: Mapped[str] = mapped_column(String(32), default="DEFAULT")
    provision_type: Mapped[str] = mapped_column(String(64), default="DISABLED")
    description: Mapped[str | None]
    image: Mapped[str | None]
    is_default: Mapped[bool] = mapped_column(default=False)
    default_rule_chain_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("rule_chain.id"), index=True
    )
    default_edge_rule_chain_id: Mapped[UUID | None] = mapped_column(ForeignKey("rule_chain.id"))
    default_dashboard_id: Mapped[UUID | None]
    default_queue_name: Mapped[str | None] = mapped_column(String(255))
    profile_data: Mapped[dict[str, Any]]
    transport_configuration: Mapped[dict[str, Any]]
    provision_device_key: Mapped[str | None] = mapped_column(String(255), unique=True)
    provision_secret: Mapped[str | None]
    firmware_id: Mapped[UUID | None]
    software_id: Mapped[UUID | None]
    external_id: Mapped[UUID | None]
