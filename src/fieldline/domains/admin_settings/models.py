"""The table of settings."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Entity


class AdminSettings(Entity):
    """One setting; its id follows from tenant and key, so that there cannot be two."""

    __tablename__ = "admin_settings"

    tenant_id: Mapped[UUID | None] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(255))
    json_value: Mapped[dict[str, Any]]
