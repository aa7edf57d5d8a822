"""The table of devices."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.things import Thing


class Device(Thing):
    """A device; ``device_data`` holds ``configuration`` and ``transportConfiguration``.

    Both keep the property names of the wire.
    """

    __tablename__ = "device"

    device_profile_id: Mapped[UUID]
    device_data: Mapped[dict[str, Any]]
    firmware_id: Mapped[UUID | None] = mapped_column(index=True)
    software_id: Mapped[UUID | None] = mapped_column(index=True)
