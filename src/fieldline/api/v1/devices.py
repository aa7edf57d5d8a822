"""Devices and their credentials in the v1 dialect."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field

from fieldline.api.v1.shapes import Thing, ThingBody
from fieldline.database.things import ThingFilter
from fieldline.domains.device import service
from fieldline.domains.device.fields import DeviceFields
from fieldline.domains.device_credentials.content import check_content, generate_token
from fieldline.domains.device_credentials.kinds import CredentialsType
from fieldline.kit.json import dumps_text
from fieldline.rest.callers import TenantAdmin, TenantOrCustomer
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.rest.wire import values_of

router = v1_router("devices")


class DeviceBody(ThingBody):
    """The fields of a device that may be set."""

    device_profile_id: UUID | None = None
    device_data: dict[str, Any] | None = None
    firmware_id: UUID | None = None
    software_id: UUID | None = None


class DeviceOut(Thing):
    """A device."""

    device_profile_id: UUID
    device_data: dict[str, Any]
    firmware_id: UUID | None
    software_id: UUID | None


class CredentialsBody(BaseModel):
    """Credentials to set; an access token that is not given is generated."""

    credentials_type: CredentialsType = CredentialsType.ACCESS_TOKEN
    credentials_id: str | None = None
    credentials_value: str | dict[str, Any] | None = Field(
        default=None, description="PEM text of a certificate; else a JSON object, or its text."
    )


class CredentialsOut(BaseModel):
    """Credentials in clear."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_time: int
    device_id: UUID
    credentials_type: CredentialsType
    credentials_id: str
    credentials_value: str | None


@router.post("/devices", status_code=201)
async def create_device(
    body: DeviceBody, caller: TenantAdmin, session: WriteSession, services: ServicesDep
) -> DeviceOut:
    """Create a device; its credentials are a random access token."""
    return DeviceOut.of(
        await service.create(session, caller, given_fields(body), vault=services.vault)
    )


@router.get("/devices", response_model=list[DeviceOut])
async def list_devices(
    page: V1Page,
    caller: TenantOrCustomer,
    session: ReadSession,
    kind: Annotated[str | None, Query(alias="type")] = None,
    customer_id: UUID | None = None,
    device_profile_id: UUID | None = None,
) -> Response:
    """List devices, the newest first."""
    wanted = ThingFilter(customer_id, kind or None, device_profile_id)
    names = tuple(DeviceOut.model_fields)
    found = await service.page_of_values(session, caller, page, wanted, names)
    return DeviceOut.answer(found.items)


@router.get("/devices/{device_id}", response_model=DeviceOut)
async def get_device(device_id: UUID, caller: TenantOrCustomer, session: ReadSession) -> Response:
    """Return one device."""
    names = tuple(DeviceOut.model_fields)
    return DeviceOut.answer_one(await service.get_values(session, caller, device_id, names))


@router.put("/devices/{device_id}")
async def update_device(
    device_id: UUID, body: DeviceBody, caller: TenantOrCustomer, session: WriteSession
) -> DeviceOut:
    """Change the given fields; ``customer_id`` assigns, null unassigns."""
    return DeviceOut.of(await service.update(session, caller, device_id, given_fields(body)))


@router.delete("/devices/{device_id}", status_code=204)
async def delete_device(device_id: UUID, caller: TenantAdmin, session: WriteSession) -> Response:
    """Delete a device with its credentials and readings."""
    await service.delete(session, caller, device_id)
    return Response(status_code=204)


@router.get("/devices/{device_id}/credentials")
async def get_device_credentials(
    device_id: UUID, caller: TenantOrCustomer, session: WriteSession, services: ServicesDep
) -> CredentialsOut:
    """Return the credentials of a device in clear."""
    found = await service.get_credentials(session, caller, device_id, vault=services.vault)
    return CredentialsOut.model_validate(found)


@router.post("/devices/{device_id}/credentials")
async def set_device_credentials(
    device_id: UUID,
    body: CredentialsBody,
    caller: TenantAdmin,
    session: WriteSession,
    services: ServicesDep,
) -> CredentialsOut:
    """Replace the credentials of a device; its sessions end."""
    credentials_id, value = body.credentials_id, body.credentials_value
    if body.credentials_type is CredentialsType.ACCESS_TOKEN and credentials_id is None:
        credentials_id = generate_token()
    text = dumps_text(value) if isinstance(value, dict) else value
    content = check_content(body.credentials_type, credentials_id, text)
    saved = await service.replace_credentials(
        session, caller, device_id, content, vault=services.vault
    )
    return CredentialsOut.model_validate(saved)


def given_fields(body: DeviceBody) -> DeviceFields:
    fields: DeviceFields = values_of(body, only_set=True)
    return fields
