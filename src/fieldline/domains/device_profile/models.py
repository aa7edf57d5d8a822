"""The table of device profiles."""

from typing import Any
from uuid import UUID

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.profiles import Profile


class DeviceProfile(Profile):
    """A kind of device of one tenant.

    ``profile_data`` holds ``configuration``, ``provisionConfiguration`` (without its secret, which
    is encrypted in ``provision_secret``) and ``alarms``; ``transport_configuration`` what the
    transport needs. Both keep the property names of the wire, since the console edits them whole.
    """

    __tablename__ = "device_profile"

    type: Mapped[str] = mapped_column(String(32), default="DEFAULT")
    transport_type: Mapped[str] = mapped_column(String(32), default="DEFAULT")
    provision_type: Mapped[str] = mapped_column(String(64), default="DISABLED")
    profile_data: Mapped[dict[str, Any]]
    transport_configuration: Mapped[dict[str, Any]]
    provision_device_key: Mapped[str | None] = mapped_column(String(255), unique=True)
    provision_secret: Mapped[str | None]
    firmware_id: Mapped[UUID | None]
    software_id: Mapped[UUID | None]
