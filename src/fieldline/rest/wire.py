"""Types of ThingsBoard's wire that every entity uses."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import (
    no_info_before_validator_function,
    plain_serializer_function_ser_schema,
)

from fieldline.kit.ids import NULL_UUID, EntityRef, EntityType


class TbModel(BaseModel):
    """A body in camelCase; unknown properties are ignored, null ones are written."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", from_attributes=True
    )


def wire_json(model: type[BaseModel], row: object) -> dict[str, Any]:
    """Return a row as the JSON that ``model`` writes, for events and records."""
    return model.model_validate(row).model_dump(mode="json", by_alias=True)


def values_of(body: BaseModel, *leave_out: str, only_set: bool = False) -> Any:  # noqa: ANN401
    """Return the body's fields by name for a service, ids as UUIDs (``model_dump`` writes objects).

    ``only_set`` leaves out what the client did not send. The result fits any ``TypedDict`` of
    fields, which is why its type is open.
    """
    return {
        name: value
        for name, value in body
        if name not in leave_out and (not only_set or name in body.model_fields_set)
    }


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


class WireId:
    """Makes an id field: a UUID inside, ``{"entityType", "id"}`` on the wire.

    Used in an annotation: ``DeviceId = Annotated[UUID, WireId(EntityType.DEVICE)]``, or with
    ``UUID | None`` for one that may be none. ``none_is_null_uuid``: none is written as the reserved
    null id, never as null (customerId and tenantId, whose ``.id`` clients read without a look).
    """

    def __init__(self, entity_type: EntityType, *, none_is_null_uuid: bool = False) -> None:
        self._type = entity_type
        self._none = NULL_UUID if none_is_null_uuid else None

    def __get_pydantic_core_schema__(
        self,
        source: Any,  # noqa: ANN401 - any annotation
        handler: GetCoreSchemaHandler,
    ) -> CoreSchema:
        return no_info_before_validator_function(
            _read_id,
            handler(source),
            serialization=plain_serializer_function_ser_schema(self._write),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        is_nullable = schema.get("schema", {}).get("type") == "nullable"
        return _id_schema(self._type, nullable=is_nullable)

    def _write(self, value: UUID | None) -> dict[str, str] | None:
        value = value if value is not None else self._none
        return None if value is None else {"entityType": self._type.value, "id": str(value)}


TenantIdField = Annotated[UUID | None, WireId(EntityType.TENANT, none_is_null_uuid=True)]
CustomerIdField = Annotated[UUID | None, WireId(EntityType.CUSTOMER, none_is_null_uuid=True)]


def _read_record_id(value: Any) -> Any:  # noqa: ANN401 - whatever the client sent
    return value.get("id") if isinstance(value, dict) else value


def _write_record_id(value: UUID | None) -> dict[str, str] | None:
    return None if value is None else {"id": str(value)}


_record_id = (
    BeforeValidator(_read_record_id),
    PlainSerializer(_write_record_id),
    WithJsonSchema(
        {
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "string", "format": "uuid"}},
        }
    ),
)
RecordId = Annotated[UUID, *_record_id]
OptionalRecordId = Annotated[UUID | None, *_record_id]
"""Ids of records that are no entities: without a type on the wire."""


def _read_ref(value: Any) -> Any:  # noqa: ANN401 - whatever the client sent
    if isinstance(value, dict):
        return EntityRef(EntityType(str(value.get("entityType"))), UUID(str(value.get("id"))))
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
