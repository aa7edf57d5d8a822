"""The tables of users and of what proves who they are."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Entity


class User(Entity):
    """A person; a system administrator has no tenant, only a customer user a customer."""

    __tablename__ = "tb_user"

    tenant_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("tenant.id", ondelete="CASCADE"), index=True
    )
    customer_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("customer.id", ondelete="CASCADE"), index=True
    )
    email: Mapped[str] = mapped_column(String(255), unique=True)
    authority: Mapped[str] = mapped_column(String(32))
    first_name: Mapped[str | None] = mapped_column(String(255))
    last_name: Mapped[str | None] = mapped_column(String(255))
    phone: Mapped[str | None] = mapped_column(String(255))
    additional_info: Mapped[dict[str, Any] | None]


class UserCredentials(Entity):
    """The password's hash, before there is one the activation token, and a token to reset it.

    The tokens are stored encrypted, because an administrator may read the links again, and are
    found by their keyed hashes.
    """

    __tablename__ = "user_credentials"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("tb_user.id", ondelete="CASCADE"), unique=True)
    enabled: Mapped[bool] = mapped_column(default=False)
    password: Mapped[str | None] = mapped_column(String(255))
    activate_token: Mapped[str | None] = mapped_column(String(255))
    activate_token_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    activate_token_expires_ms: Mapped[int | None]
    reset_token: Mapped[str | None] = mapped_column(String(255))
    reset_token_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True, index=True)
    reset_token_expires_ms: Mapped[int | None]
    last_login_ms: Mapped[int | None]
    additional_info: Mapped[dict[str, Any] | None]
