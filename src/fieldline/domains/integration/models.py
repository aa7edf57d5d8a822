"""The tables of integrations."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Base, Entity


class Integration(Entity):
    """A connection to a broker; ``password`` and ``client_key`` are encrypted.

    ``former_filters``: those that the broker's session may hold from before, and is to lose.
    """

    __tablename__ = "integration"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        Index("ix_integration_tenant_id_created_time", "tenant_id", "created_time"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(32))
    enabled: Mapped[bool]
    host: Mapped[str] = mapped_column(String(255))
    port: Mapped[int] = mapped_column(Integer)
    client_id: Mapped[str] = mapped_column(String(255))
    username: Mapped[str | None] = mapped_column(String(255))
    password: Mapped[str | None] = mapped_column(Text)
    client_key: Mapped[str | None] = mapped_column(Text)
    configuration: Mapped[dict[str, Any]]
    former_filters: Mapped[list[Any]]
    additional_info: Mapped[dict[str, Any] | None]


class IntegrationStatistics(Base):
    """What an integration did so far, written now and then."""

    __tablename__ = "integration_statistics"

    integration_id: Mapped[UUID] = mapped_column(
        ForeignKey("integration.id", ondelete="CASCADE"), primary_key=True
    )
    received: Mapped[int]
    converted: Mapped[int]
    failed: Mapped[int]
    devices_created: Mapped[int]
    readings_stored: Mapped[int]
    last_message_time: Mapped[int | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    last_error_time: Mapped[int | None]
