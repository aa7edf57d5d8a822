"""What lists of devices ask for, and what they show beside a device's own fields."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """Which devices of a tenant; None asks nothing."""

    customer_id: UUID | None = None
    type: str | None = None
    device_profile_id: UUID | None = None
    is_active: bool | None = None


@dataclass(frozen=True, slots=True)
class DeviceExtra:
    """What lists show of a device beside its own fields."""

    customer_title: str | None
    customer_is_public: bool
    is_active: bool
