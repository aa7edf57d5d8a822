"""What can be wrong with a tenant profile."""

from uuid import UUID

from fieldline.kit.errors import Conflict, Invalid, NotFound


class TenantProfileNotFound(NotFound):
    """There is no such profile."""

    def __init__(self, profile_id: UUID) -> None:
        super().__init__(f"Tenant profile with id [{profile_id}] is not found")


class TenantProfileNameTaken(Conflict):
    """Names of tenant profiles are unique."""

    def __init__(self) -> None:
        super().__init__("Tenant profile with such name already exists!")


class TenantProfileInUse(Conflict):
    """It is the default one, or tenants have it."""


class InvalidTenantProfile(Invalid):
    """Its content is wrong."""
