"""What lists of devices ask for, and what they show beside a device's own fields."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from fieldline.domains.device.models import Device


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """Which devices of a tenant; None asks nothing."""

    customer_id: UUID | None = None
    type: str | None = None
    device_profile_id: UUID | None = None
    is_active: bool | None = None


class ListedDevice(NamedTuple):
    """A device with what lists show beside its own fields."""

    device: Device
    customer_title: str | None
    customer_is_public: bool
    is_active: bool
