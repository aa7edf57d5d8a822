"""The table of devices that may be claimed."""

from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Base


class DeviceClaim(Base):
    """A device's word that whoever knows its secret key may have it, until a time in ms.

    ``secret_hash`` is keyed with the root key and the device. It goes with its device.
    """

    __tablename__ = "device_claim"

    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    expiration_time: Mapped[int]
