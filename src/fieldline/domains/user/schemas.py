"""Users on ThingsBoard's wire."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import computed_field

from fieldline.kit.ids import EntityType
from fieldline.rest.wire import (
    CustomerIdField,
    TbModel,
    TenantIdField,
    WireId,
)
from fieldline.security.caller import Authority

UserId = Annotated[UUID, WireId(EntityType.USER)]
OptionalUserId = Annotated[UUID | None, WireId(EntityType.USER)]


class UserSave(TbModel):
    """What is sent to create a user, or with an id to replace it."""

    id: OptionalUserId = None
    tenant_id: TenantIdField = None
    customer_id: CustomerIdField = None
    email: str | None = None
    authority: Authority | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    additional_info: dict[str, Any] | None = None
    version: int | None = None


class User(TbModel):
    """A user."""

    id: UserId
    created_time: int
    tenant_id: TenantIdField
    customer_id: CustomerIdField
    email: str
    authority: Authority
    first_name: str | None
    last_name: str | None
    phone: str | None
    additional_info: dict[str, Any] | None
    version: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def name(self) -> str:
        return self.email


class UserEmail(TbModel):
    """Who a user is, for pickers."""

    id: UserId
    email: str
    first_name: str | None
    last_name: str | None


class ActivationLink(TbModel):
    """Where a new user chooses a password, and for how many ms."""

    value: str
    ttl_ms: int
