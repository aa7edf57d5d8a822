"""What bodies of the v1 dialect have in common."""

from collections.abc import Sequence
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from fieldline.rest.dialects import json_response
from fieldline.rest.wire import values_of


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


class Done(BaseModel):
    """Nothing but that it was done."""

    success: bool = True


class ContactBody(Body):
    """The fields that tenants and customers share; ``name`` and ``title`` are the same."""

    name: str | None = None
    title: str | None = None
    email: str | None = None
    phone: str | None = None
    address: str | None = None
    address2: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    additional_info: dict[str, Any] | None = None

    def fields(self) -> Any:  # noqa: ANN401 - as :func:`values_of`
        """Return what was sent, for a service."""
        given = values_of(self, "name", only_set=True)
        if "name" in self.model_fields_set and given.get("title") is None:
            given["title"] = self.name
        return given


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

    @classmethod
    def of(cls, row: Any, **given: object) -> Self:  # noqa: ANN401 - only its domain may name it
        """Show a row; ``given`` is what it has by another name."""
        given |= {"name": row.title, "additional_info": row.additional_info or {}}
        shown = {name: getattr(row, name, None) for name in cls.model_fields if name not in given}
        return cls(**shown, **given)


class ThingBody(Body):
    """The fields of devices and assets that may be set."""

    name: str | None = None
    type: str | None = None
    label: str | None = None
    customer_id: UUID | None = None
    external_id: UUID | None = None
    additional_info: dict[str, Any] | None = None


class Thing(Entity):
    """A device or an asset."""

    type: str
    label: str | None
    external_id: UUID | None
    search_text: str

    @classmethod
    def of(cls, row: Any) -> Self:  # noqa: ANN401 - only its domain may name it
        """Show a row."""
        values = {name: getattr(row, name) for name in cls.model_fields}
        return cls(**{**values, "additional_info": row.additional_info or {}})

    @staticmethod
    def answer(page: Sequence[dict[str, Any]]) -> Response:
        """Answer the fields of many, without a model of each."""
        return json_response([_completed(fields) for fields in page])

    @staticmethod
    def answer_one(fields: dict[str, Any]) -> Response:
        """Answer the fields of one."""
        return json_response(_completed(fields))


def _completed(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "additional_info": fields["additional_info"] or {}}


class ProfileBody(Body):
    """The fields of device profiles and asset profiles that may be set."""

    name: str | None = None
    description: str | None = None
    image: str | None = None
    is_default: bool = False
    default_rule_chain_id: UUID | None = None
    default_dashboard_id: UUID | None = None
    default_queue_name: str | None = None
    external_id: UUID | None = None


class Profile(Entity):
    """A device profile or an asset profile."""

    description: str | None
    image: str | None
    is_default: bool
    default_rule_chain_id: UUID | None
    default_dashboard_id: UUID | None
    default_queue_name: str | None
    external_id: UUID | None

    @classmethod
    def of(cls, row: Any, **given: object) -> Self:  # noqa: ANN401 - only its domain may name it
        """Show a row; ``given`` is what it has in another form."""
        given |= {"customer_id": None, "additional_info": {}}
        shown = {name: getattr(row, name) for name in cls.model_fields if name not in given}
        return cls(**shown, **given)
