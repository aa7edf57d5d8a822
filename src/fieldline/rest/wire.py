"""Types of ThingsBoard's wire that every entity uses."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

from fieldline.kit.ids import NULL_UUID, EntityRef, EntityType


class TbModel(BaseModel):
    """A body in camelCase; unknown properties are ignored, null ones are written."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", from_attributes=True
    )


def _read_id(value: Any) -> Any:  # noqa: ANN401 - whatever the client sent
    """Accept ``{"entityType": ..., "id": uuid}``; the null id means none."""
    if isinstance(value, dict):
        value = value.get("id")
    if value is None or str(value).lower() == str(NULL_UUID):
        return None
    return value


def _id_schema(entity_type: EntityType, *, nullable: bool) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "required": ["id"],
        "properties": {
            "entityType": {"type": "string", "const": entity_type.value},
            "id": {"type": "string", "format": "uuid"},
        },
    }
    return {"anyOf": [schema, {"type": "null"}]} if nullable else schema


def id_of(entity_type: EntityType) -> Any:  # noqa: ANN401 - an Annotated type, made per entity
    """Return the type of an id field: a UUID inside, ``{"entityType", "id"}`` on the wire."""

    def write(value: UUID) -> dict[str, str]:
        return {"entityType": entity_type.value, "id": str(value)}

    return Annotated[
        UUID,
        BeforeValidator(_read_id),
        PlainSerializer(write),
        WithJsonSchema(_id_schema(entity_type, nullable=False)),
    ]


def optional_id_of(entity_type: EntityType, *, none_is_null_uuid: bool = False) -> Any:  # noqa: ANN401
    """Return the type of an id field that may be none.

    ``none_is_null_uuid``: none is written as the reserved null id, never as null (customerId and
    tenantId, whose ``.id`` clients read without a look).
    """

    def write(value: UUID | None) -> dict[str, str] | None:
        if value is None:
            if not none_is_null_uuid:
                return None
            value = NULL_UUID
        return {"entityType": entity_type.value, "id": str(value)}

    return Annotated[
        UUID | None,
        BeforeValidator(_read_id),
        PlainSerializer(write),
        WithJsonSchema(_id_schema(entity_type, nullable=True)),
    ]


TenantIdField = optional_id_of(EntityType.TENANT, none_is_null_uuid=True)
CustomerIdField = optional_id_of(EntityType.CUSTOMER, none_is_null_uuid=True)


def _read_ref(value: Any) -> Any:  # noqa: ANN401 - whatever the client sent
    if isinstance(value, dict):
        return EntityRef(EntityType(value.get("entityType")), UUID(str(value.get("id"))))
    return value


def _write_ref(value: EntityRef) -> dict[str, str]:
    return {"entityType": value.type.value, "id": str(value.id)}


EntityRefField = Annotated[
    EntityRef,
    BeforeValidator(_read_ref),
    PlainSerializer(_write_ref),
    WithJsonSchema(
        {
            "type": "object",
            "required": ["entityType", "id"],
            "properties": {
                "entityType": {"type": "string"},
                "id": {"type": "string", "format": "uuid"},
            },
        }
    ),
]
"""A reference to an entity of any type; reading needs both parts."""
