"""Customers on ThingsBoard's wire."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import computed_field

from fieldline.kit.ids import EntityType
from fieldline.rest.contact import ContactFields
from fieldline.rest.wire import TbModel, TenantIdField, WireId

CustomerId = Annotated[UUID, WireId(EntityType.CUSTOMER)]
OptionalCustomerId = Annotated[UUID | None, WireId(EntityType.CUSTOMER)]


class CustomerSave(ContactFields):
    """What is sent to create a customer, or with an id to replace it."""

    id: OptionalCustomerId = None
    title: str | None = None
    external_id: OptionalCustomerId = None
    additional_info: dict[str, Any] | None = None
    version: int | None = None


class Customer(ContactFields):
    """A customer."""

    id: CustomerId
    created_time: int
    tenant_id: TenantIdField
    title: str
    external_id: OptionalCustomerId
    additional_info: dict[str, Any] | None
    version: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def name(self) -> str:
        return self.title


class ShortCustomer(TbModel):
    """The title of a customer, and whether it is the public one."""

    title: str
    is_public: bool
