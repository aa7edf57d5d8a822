"""What bodies of the v1 dialect have in common."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """What is sent: unknown fields are ignored, and a PUT changes only the fields given."""

    model_config = ConfigDict(extra="ignore")


class Entity(BaseModel):
    """What is answered."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_time: int
    name: str
    tenant_id: UUID | None = None
    customer_id: UUID | None = None
    additional_info: dict[str, Any] = {}


class ContactBody(Body):
    """The address fields of tenants and customers."""

    email: str | None = None
    phone: str | None = None
    address: str | None = None
    address2: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    additional_info: dict[str, Any] | None = None


class Contact(Entity):
    """An entity with an address and a title, which is also its name."""

    title: str
    email: str | None
    phone: str | None
    address: str | None
    address2: str | None
    city: str | None
    state: str | None
    zip: str | None
    country: str | None
