"""The table of device credentials: nothing in it can be read without the root key."""

from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Entity


class DeviceCredentials(Entity):
    """Credentials of one device.

    ``credentials_id`` and ``credentials_value`` are encrypted; ``lookup_hash`` is the keyed hash of
    the credentials id, by which a device is found. ``identity_hash`` and ``password_hash`` (of
    MQTT_BASIC only) let a login be checked without decrypting anything.
    """

    __tablename__ = "device_credentials"

    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("device.id", ondelete="CASCADE"), unique=True
    )
    credentials_type: Mapped[str] = mapped_column(String(32))
    lookup_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    credentials_id: Mapped[str]
    credentials_value: Mapped[str | None]
    identity_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    password_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
