"""What things of both kinds look like on ThingsBoard's wire."""

from collections.abc import Sequence
from typing import Any, Self
from uuid import UUID

from fieldline.kit.ids import EntityType
from fieldline.rest.wire import CustomerIdField, TbModel, TenantIdField, values_of


class ThingSave(TbModel):
    """What is sent of any thing."""

    version: int | None = None
    customer_id: CustomerIdField = None
    name: str | None = None
    type: str | None = None
    label: str | None = None
    additional_info: dict[str, Any] | None = None

    def fields(self) -> Any:  # noqa: ANN401 - as :func:`values_of`
        """Return the fields to set: all, but the customer only when the body names it."""
        is_assigned = "customer_id" in self.model_fields_set
        return values_of(self, "id", "version", *(() if is_assigned else ("customer_id",)))


class Thing(TbModel):
    """What is answered of any thing."""

    created_time: int
    tenant_id: TenantIdField
    customer_id: CustomerIdField
    name: str
    type: str
    label: str | None
    additional_info: dict[str, Any] | None
    version: int


class EntitySubtype(TbModel):
    """A type that entities of one kind have."""

    tenant_id: TenantIdField
    entity_type: EntityType
    type: str

    @classmethod
    def of(cls, tenant_id: UUID | None, kind: EntityType, types: Sequence[str]) -> list[Self]:
        """Return the types of a tenant's things."""
        return [cls(tenant_id=tenant_id, entity_type=kind, type=name) for name in types]
