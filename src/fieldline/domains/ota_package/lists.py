"""Which packages a list holds."""

from dataclasses import dataclass
from uuid import UUID

from fieldline.domains.ota_package.kinds import OtaType


@dataclass(frozen=True, slots=True)
class OtaPackageFilter:
    """Which packages of a tenant; None asks nothing.

    ``has_content``: only those that can be assigned.
    """

    device_profile_id: UUID | None = None
    type: OtaType | None = None
    has_content: bool = False
