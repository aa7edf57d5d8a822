"""Tenant profiles on ThingsBoard's wire."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from fieldline.kit.ids import EntityType
from fieldline.rest.wire import TbModel, WireId

TenantProfileId = Annotated[UUID, WireId(EntityType.TENANT_PROFILE)]
OptionalTenantProfileId = Annotated[UUID | None, WireId(EntityType.TENANT_PROFILE)]


class TenantProfileSave(TbModel):
    """What is sent to create a profile, or with an id to replace it."""

    id: OptionalTenantProfileId = None
    name: str | None = None
    description: str | None = None
    isolated_tb_rule_engine: bool = False
    profile_data: dict[str, Any] | None = None


class TenantProfile(TbModel):
    """A profile."""

    id: TenantProfileId
    created_time: int
    name: str
    description: str | None
    is_default: bool = Field(serialization_alias="default")
    isolated_tb_rule_engine: bool
    profile_data: dict[str, Any]


class TenantProfileInfo(TbModel):
    """Id and name of a profile."""

    id: TenantProfileId
    name: str
