"""What lists of devices ask for beyond those of other things, and what is counted."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from fieldline.database.things import ThingFilter


class DeviceCount(NamedTuple):
    """How many devices there are, and how many of them are active."""

    devices: int = 0
    active: int = 0


@dataclass(frozen=True, slots=True)
class DeviceFilter(ThingFilter):
    """Which devices of a tenant; None asks nothing."""

    is_gateway: bool | None = None
    gateway_id: UUID | None = None
