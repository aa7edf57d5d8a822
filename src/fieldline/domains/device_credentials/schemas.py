"""Device credentials on ThingsBoard's wire; their id has no entity type."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, PlainSerializer

from fieldline.kit.ids import EntityType
from fieldline.rest.wire import TbModel, WireId


def _read_id(value: Any) -> Any:  # noqa: ANN401 - whatever the client sent
    return value.get("id") if isinstance(value, dict) else value


def _write_id(value: UUID) -> dict[str, str]:
    return {"id": str(value)}


DeviceId = Annotated[UUID, WireId(EntityType.DEVICE)]
CredentialsId = Annotated[UUID, BeforeValidator(_read_id), PlainSerializer(_write_id)]


class DeviceCredentials(TbModel):
    """Credentials in clear."""

    id: CredentialsId
    created_time: int
    device_id: DeviceId
    credentials_type: str
    credentials_id: str
    credentials_value: str | None
    version: int


class NewCredentials(TbModel):
    """Credentials that a new device is to have."""

    id: Annotated[UUID | None, BeforeValidator(_read_id)] = None
    credentials_type: str | None = None
    credentials_id: str | None = None
    credentials_value: str | None = None
    version: int | None = None


class DeviceCredentialsSave(NewCredentials):
    """What replaces the credentials of a device."""

    device_id: DeviceId
