"""Tenants on ThingsBoard's wire."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import computed_field

from fieldline.kit.ids import EntityType
from fieldline.rest.contact import ContactFields
from fieldline.rest.wire import WireId

TenantId = Annotated[UUID, WireId(EntityType.TENANT)]
OptionalTenantId = Annotated[UUID | None, WireId(EntityType.TENANT)]
TenantProfileId = Annotated[UUID, WireId(EntityType.TENANT_PROFILE)]
OptionalTenantProfileId = Annotated[UUID | None, WireId(EntityType.TENANT_PROFILE)]


class TenantSave(ContactFields):
    """What is sent to create a tenant, or with an id to replace it."""

    id: OptionalTenantId = None
    title: str | None = None
    tenant_profile_id: OptionalTenantProfileId = None
    additional_info: dict[str, Any] | None = None
    version: int | None = None


class Tenant(ContactFields):
    """A tenant."""

    id: TenantId
    created_time: int
    title: str
    region: str | None
    tenant_profile_id: TenantProfileId
    additional_info: dict[str, Any] | None
    version: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def name(self) -> str:
        return self.title


class TenantInfo(Tenant):
    """A tenant with its profile's name."""

    tenant_profile_name: str
