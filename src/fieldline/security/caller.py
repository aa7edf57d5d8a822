"""Who is calling."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from fieldline.kit.actor import Actor
from fieldline.kit.ids import NULL_UUID


class Authority(StrEnum):
    """The three roles."""

    SYS_ADMIN = "SYS_ADMIN"
    TENANT_ADMIN = "TENANT_ADMIN"
    CUSTOMER_USER = "CUSTOMER_USER"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated user. A SYS_ADMIN has no tenant; only a CUSTOMER_USER has a customer.

    ``is_public``: nobody in particular, through the public customer; then there is no user record.
    """

    user_id: UUID
    authority: Authority
    tenant_id: UUID | None = None
    customer_id: UUID | None = None
    email: str = ""
    first_name: str | None = None
    last_name: str | None = None
    session_id: str = ""
    is_public: bool = False

    @property
    def is_sys_admin(self) -> bool:
        return self.authority is Authority.SYS_ADMIN

    @property
    def is_tenant_admin(self) -> bool:
        return self.authority is Authority.TENANT_ADMIN

    @property
    def is_customer_user(self) -> bool:
        return self.authority is Authority.CUSTOMER_USER

    @property
    def actor(self) -> Actor:
        """The caller as records name it."""
        return Actor(
            self.user_id,
            self.email,
            self.tenant_id,
            self.customer_id,
            self.first_name,
            self.last_name,
        )


def platform_of(tenant_id: UUID) -> Caller:
    """Return who acts in a tenant when no user does."""
    return Caller(NULL_UUID, Authority.TENANT_ADMIN, tenant_id, email="system")
