"""Entity views on ThingsBoard's wire."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, ValidationInfo, field_validator

from fieldline.kit.ids import EntityType
from fieldline.kit.values import INT64_MAX
from fieldline.rest.wire import CustomerIdField, EntityRefField, TbModel, TenantIdField, WireId

EntityViewId = Annotated[UUID, WireId(EntityType.ENTITY_VIEW)]
OptionalEntityViewId = Annotated[UUID | None, WireId(EntityType.ENTITY_VIEW)]
MAX_KEYS = 1_000
"""Keys of one list of an entity view."""
Keys = Annotated[list[str], Field(max_length=MAX_KEYS)]
TimeMs = Annotated[int, Field(ge=0, le=INT64_MAX)]


class AttributeKeys(TbModel):
    """Keys of attributes to copy: of CLIENT_SCOPE, SERVER_SCOPE and SHARED_SCOPE."""

    cs: Keys = Field(default_factory=list)
    ss: Keys = Field(default_factory=list)
    sh: Keys = Field(default_factory=list)

    @field_validator("*", mode="before")
    @classmethod
    def _none_is_empty(cls, given: Any) -> Any:  # noqa: ANN401 - whatever the client sent
        return [] if given is None else given


class ViewKeys(TbModel):
    """Keys to show: time series (none listed means all), and attributes (none means none)."""

    timeseries: Keys = Field(default_factory=list)
    attributes: AttributeKeys = Field(default_factory=AttributeKeys)

    @field_validator("*", mode="before")
    @classmethod
    def _none_is_empty(cls, given: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - as above
        if given is None:
            return [] if info.field_name == "timeseries" else {}
        return given


class EntityViewSave(TbModel):
    """What is sent to create an entity view, or with an id to replace it."""

    id: OptionalEntityViewId = None
    version: int | None = None
    customer_id: CustomerIdField = None
    target: EntityRefField | None = Field(default=None, alias="entityId")
    name: str | None = None
    type: str | None = None
    keys: ViewKeys | None = None
    start_ts: TimeMs = Field(default=0, alias="startTimeMs")
    end_ts: TimeMs = Field(default=0, alias="endTimeMs")
    external_id: OptionalEntityViewId = None
    additional_info: dict[str, Any] | None = None


class EntityView(TbModel):
    """An entity view."""

    id: EntityViewId
    created_time: int
    tenant_id: TenantIdField
    customer_id: CustomerIdField
    target: EntityRefField = Field(alias="entityId")
    name: str
    type: str
    keys: ViewKeys
    start_ts: int = Field(alias="startTimeMs")
    end_ts: int = Field(alias="endTimeMs")
    external_id: OptionalEntityViewId
    additional_info: dict[str, Any] | None
    version: int


class EntityViewInfo(EntityView):
    """An entity view with its customer's name."""

    customer_title: str | None
    customer_is_public: bool


class ViewSubtype(TbModel):
    """A type that entity views have."""

    tenant_id: TenantIdField
    entity_type: EntityType
    type: str
