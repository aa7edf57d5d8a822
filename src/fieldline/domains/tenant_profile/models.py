"""The table of tenant profiles."""

from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Entity


class TenantProfile(Entity):
    """A set of limits; ``profile_data`` holds them as ``configuration`` says."""

    __tablename__ = "tenant_profile"

    name: Mapped[str] = mapped_column(String(255), unique=True)
    description: Mapped[str | None]
    is_default: Mapped[bool] = mapped_column(default=False)
    isolated_tb_rule_engine: Mapped[bool] = mapped_column(default=False)
    profile_data: Mapped[dict[str, Any]]
