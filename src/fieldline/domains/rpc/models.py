"""The table of kept commands."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Base, now_ms
from fieldline.database.types import Json


class Rpc(Base):
    """A command that is kept until it is done; it goes with its device.

    ``request`` is the command on ThingsBoard's wire, ``response`` any JSON of the device.
    """

    __tablename__ = "rpc"
    __table_args__ = (
        Index("ix_rpc_device_created", "device_id", "created_time"),
        Index("ix_rpc_status_expiration", "status", "expiration_time"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    created_time: Mapped[int] = mapped_column(default=now_ms)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"))
    expiration_time: Mapped[int]
    status: Mapped[str] = mapped_column(String(16))
    request: Mapped[dict[str, Any]]
    response: Mapped[Any | None] = mapped_column(Json)
    additional_info: Mapped[Any | None] = mapped_column(Json)
