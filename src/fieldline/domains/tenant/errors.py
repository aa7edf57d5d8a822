"""What can be wrong with a tenant."""

from uuid import UUID

from fieldline.kit.errors import NotFound


class TenantNotFound(NotFound):
    """There is no such tenant."""

    def __init__(self, tenant_id: UUID) -> None:
        super().__init__(f"Tenant with id [{tenant_id}] is not found")
