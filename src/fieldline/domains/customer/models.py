"""The table of customers."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Entity
from fieldline.database.contact import Contact


class Customer(Contact, Entity):
    """Somebody that a tenant serves; ``is_public`` is the one that stands for everybody."""

    __tablename__ = "customer"
    __table_args__ = (UniqueConstraint("tenant_id", "title"),)

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(255))
    external_id: Mapped[UUID | None]
    is_public: Mapped[bool] = mapped_column(default=False)
    additional_info: Mapped[dict[str, Any] | None]
