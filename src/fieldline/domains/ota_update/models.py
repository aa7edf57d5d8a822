"""What devices and profiles were told of."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Base, now_ms


class State(StrEnum):
    """How far an update is; ``ASSIGNED`` and ``UNASSIGNED`` are not in the readings yet."""

    ASSIGNED = "ASSIGNED"
    QUEUED = "QUEUED"
    INITIATED = "INITIATED"
    UNASSIGNED = "UNASSIGNED"


class OtaUpdate(Base):
    """The package of a device that it was told of last, or is to be told of.

    A device without a row was told of none. ``revision`` rises whenever the package changes, so
    that what was done for the former one is not taken for this one; ``changed_time``, of the state,
    rises with every state. No foreign key leads to the package: it may be deleted when the device
    has another one. Who writes a row holds its device.
    """

    __tablename__ = "ota_update"
    __table_args__ = (Index("ix_ota_update_state", "state", "changed_time"),)

    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    type: Mapped[str] = mapped_column(String(8), primary_key=True)
    package_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(String(10))
    revision: Mapped[int] = mapped_column(Integer, default=1)
    changed_time: Mapped[int] = mapped_column(default=now_ms)


class OtaRollout(Base):
    """The package of a profile; ``is_pending`` while its devices are still looked through."""

    __tablename__ = "ota_rollout"

    device_profile_id: Mapped[UUID] = mapped_column(
        ForeignKey("device_profile.id", ondelete="CASCADE"), primary_key=True
    )
    type: Mapped[str] = mapped_column(String(8), primary_key=True)
    package_id: Mapped[UUID | None]
    is_pending: Mapped[bool]
    changed_time: Mapped[int] = mapped_column(default=now_ms)
