"""The table of devices."""

from typing import Any
from uuid import UUID

from sqlalchemy import Index, false
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.things import Thing


class Device(Thing):
    """A device; ``device_data`` holds ``configuration`` and ``transportConfiguration``.

    Both keep the property names of the wire. ``is_gateway`` and ``gateway_id`` repeat what
    ``additional_info`` says in ``gateway`` and ``lastConnectedGateway``, for lists; the gateway may
    be gone, or never have been.
    """

    __tablename__ = "device"

    device_profile_id: Mapped[UUID]
    device_data: Mapped[dict[str, Any]]
    firmware_id: Mapped[UUID | None] = mapped_column(index=True)
    software_id: Mapped[UUID | None] = mapped_column(index=True)
    is_gateway: Mapped[bool] = mapped_column(default=False, server_default=false())
    gateway_id: Mapped[UUID | None]


Index("ix_device_gateway_created", Device.gateway_id, Device.created_time)
Index("ix_device_tenant_gateways", Device.tenant_id, Device.is_gateway, Device.created_time)
