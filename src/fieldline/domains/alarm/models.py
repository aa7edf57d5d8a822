"""The tables of alarms, and of who else is shown them."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Base, Entity, only_where
from fieldline.domains.alarm.status import Severity, Status, status_of
from fieldline.kit.ids import EntityRef, EntityType


class Alarm(Entity):
    """One alarm. Times are ms since 1970; 0 means that it has not happened.

    ``device_id`` or ``asset_id`` is the originator once more when it is a device or an asset, so
    that the alarm goes with it.

    ``rule_marks`` holds, per key of a time series, the time of the reading on which an alarm rule
    last decided about this alarm, ``rule_ts`` the newest of them: after a restart, readings that
    are sent again are known by it.
    """

    __tablename__ = "alarm"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customer.id", ondelete="SET NULL"))
    originator_type: Mapped[str] = mapped_column(String(32))
    originator_id: Mapped[UUID]
    device_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("device.id", ondelete="CASCADE"), index=True
    )
    asset_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("asset.id", ondelete="CASCADE"), index=True
    )
    type: Mapped[str] = mapped_column(String(255))
    severity: Mapped[str] = mapped_column(String(16))
    acknowledged: Mapped[bool] = mapped_column(default=False)
    cleared: Mapped[bool] = mapped_column(default=False)
    assignee_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("tb_user.id", ondelete="SET NULL"), index=True
    )
    start_ts: Mapped[int] = mapped_column(default=0)
    end_ts: Mapped[int] = mapped_column(default=0)
    ack_ts: Mapped[int] = mapped_column(default=0)
    clear_ts: Mapped[int] = mapped_column(default=0)
    assign_ts: Mapped[int] = mapped_column(default=0)
    details: Mapped[dict[str, Any] | None]
    propagate: Mapped[bool] = mapped_column(default=False)
    propagate_to_owner: Mapped[bool] = mapped_column(default=False)
    propagate_to_tenant: Mapped[bool] = mapped_column(default=False)
    propagate_relation_types: Mapped[list[Any] | None]
    rule_ts: Mapped[int | None]
    rule_marks: Mapped[dict[str, Any] | None]

    __table_args__ = (
        # An originator has at most one active alarm of a type, whoever raises it and however
        # many do so at once.
        Index(
            "uq_alarm_active",
            "originator_id",
            "type",
            unique=True,
            **only_where("cleared = 0"),
        ),
        Index("ix_alarm_originator_id_type_rule_ts", "originator_id", "type", "rule_ts"),
        Index("ix_alarm_tenant_id_created_time", "tenant_id", "created_time"),
        Index("ix_alarm_customer_id_created_time", "customer_id", "created_time"),
        Index("ix_alarm_tenant_id_type", "tenant_id", "type"),
    )

    @property
    def name(self) -> str:
        return self.type

    @property
    def status(self) -> Status:
        return status_of(acknowledged=self.acknowledged, cleared=self.cleared)

    @property
    def rank(self) -> int:
        return Severity(self.severity).rank

    @property
    def originator(self) -> EntityRef:
        return EntityRef(EntityType(self.originator_type), self.originator_id)


class EntityAlarm(Base):
    """An alarm is shown at one more entity than its originator."""

    __tablename__ = "entity_alarm"

    entity_id: Mapped[UUID] = mapped_column(primary_key=True)
    alarm_id: Mapped[UUID] = mapped_column(
        ForeignKey("alarm.id", ondelete="CASCADE"), primary_key=True, index=True
    )
