"""The table of API usage."""

from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Base


class ApiUsage(Base):
    """What a tenant used in a month, which is named by its first ms. It goes with the tenant."""

    __tablename__ = "api_usage"

    tenant_id: Mapped[UUID] = mapped_column(
        ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True
    )
    month_start: Mapped[int] = mapped_column(primary_key=True)
    transport_messages: Mapped[int] = mapped_column(default=0)
    transport_data_points: Mapped[int] = mapped_column(default=0)
    rule_engine_executions: Mapped[int] = mapped_column(default=0)
    js_executions: Mapped[int] = mapped_column(default=0)
