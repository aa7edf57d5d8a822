"""The tables of dashboards and of the customers that they are assigned to."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Base, Entity


class Dashboard(Entity):
    """A dashboard of one tenant.

    ``configuration`` is JSON as text, in the order in which the client wrote it. It may have
    megabytes: it is never loaded with the row (``DashboardRepository.configuration``), and it
    stands last, so that SQLite reaches the other columns without walking over it.
    """

    __tablename__ = "dashboard"
    __table_args__ = (
        UniqueConstraint("tenant_id", "external_id"),
        Index("ix_dashboard_tenant_created", "tenant_id", "created_time"),
        # Cut to 200 characters: an index entry of PostgreSQL may have 2,704 bytes.
        Index("ix_dashboard_search", "tenant_id", text("substr(search_text, 1, 200)")),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(255))
    mobile_hide: Mapped[bool] = mapped_column(default=False)
    mobile_order: Mapped[int | None] = mapped_column(Integer)
    external_id: Mapped[UUID | None]
    additional_info: Mapped[dict[str, Any] | None]
    search_text: Mapped[str]
    image: Mapped[str | None] = mapped_column(Text, sort_order=1)
    configuration: Mapped[str | None] = mapped_column(
        Text, sort_order=2, deferred=True, deferred_raiseload=True
    )


class DashboardCustomer(Base):
    """A dashboard is shown to the users of a customer."""

    __tablename__ = "dashboard_customer"

    dashboard_id: Mapped[UUID] = mapped_column(
        ForeignKey("dashboard.id", ondelete="CASCADE"), primary_key=True
    )
    customer_id: Mapped[UUID] = mapped_column(
        ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True, index=True
    )
