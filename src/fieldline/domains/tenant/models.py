"""The table of tenants."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Entity
from fieldline.database.contact import Contact


class Tenant(Contact, Entity):
    """An owner of data; deleting the row deletes all that belongs to it (``ON DELETE CASCADE``)."""

    __tablename__ = "tenant"

    title: Mapped[str] = mapped_column(String(255), index=True)
    region: Mapped[str | None] = mapped_column(String(255))
    tenant_profile_id: Mapped[UUID] = mapped_column(ForeignKey("tenant_profile.id"), index=True)
    isolated_tb_core: Mapped[bool] = mapped_column(default=False)
    isolated_tb_rule_engine: Mapped[bool] = mapped_column(default=False)
    additional_info: Mapped[dict[str, Any] | None]
