"""Device profiles in the v1 dialect."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from fieldline.api.v1.shapes import Profile, ProfileBody
from fieldline.domains.device_profile import service
from fieldline.rest.callers import TenantAdmin
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.rest.wire import values_of
from fieldline.security.secrets import Vault

router = v1_router("device profiles")


class DeviceProfileBody(ProfileBody):
    """The fields of a profile that may be set."""

    type: str | None = None
    transport_type: str | None = None
    provision_type: str | None = None
    profile_data: dict[str, Any] | None = None
    transport_configuration: dict[str, Any] | None = None
    provision_device_key: str | None = None
    firmware_id: UUID | None = None
    software_id: UUID | None = None


class DeviceProfileOut(Profile):
    """A profile."""

    type: str
    transport_type: str
    provision_type: str
    profile_data: dict[str, Any]
    transport_configuration: dict[str, Any]
    provision_device_key: str | None
    firmware_id: UUID | None
    software_id: UUID | None


@router.post("/deviceProfiles", status_code=201)
async def create_device_profile(
    body: DeviceProfileBody, caller: TenantAdmin, session: WriteSession, services: ServicesDep
) -> DeviceProfileOut:
    """Create a profile."""
    saved = await service.create(session, caller, _given(body), vault=services.vault)
    return _out(saved, services.vault)


@router.get("/deviceProfiles")
async def list_device_profiles(
    page: V1Page,
    caller: TenantAdmin,
    session: ReadSession,
    services: ServicesDep,
    transport_type: Annotated[str | None, Query()] = None,
) -> list[DeviceProfileOut]:
    """List profiles, the newest first."""
    found = await service.page(session, caller, page, transport_type=transport_type)
    return [_out(item, services.vault) for item in found.items]


@router.get("/deviceProfiles/{profile_id}")
async def get_device_profile(
    profile_id: UUID, caller: TenantAdmin, session: ReadSession, services: ServicesDep
) -> DeviceProfileOut:
    """Return one profile."""
    return _out(await service.get(session, caller, profile_id), services.vault)


@router.put("/deviceProfiles/{profile_id}")
async def update_device_profile(
    profile_id: UUID,
    body: DeviceProfileBody,
    caller: TenantAdmin,
    session: WriteSession,
    services: ServicesDep,
) -> DeviceProfileOut:
    """Change the given fields; ``is_default: true`` makes it the default one."""
    fields = _given(body)
    saved = await service.update(session, caller, profile_id, fields, vault=services.vault)
    return _out(saved, services.vault)


@router.delete("/deviceProfiles/{profile_id}", status_code=204)
async def delete_device_profile(
    profile_id: UUID, caller: TenantAdmin, session: WriteSession
) -> Response:
    """Delete a profile that is not the default one and that no device uses."""
    await service.delete(session, caller, profile_id)
    return Response(status_code=204)


def _given(body: DeviceProfileBody) -> service.ProfileFields:
    fields: service.ProfileFields = values_of(body, only_set=True)
    return fields


def _out(profile: service.Row, vault: Vault) -> DeviceProfileOut:
    data = service.full_profile_data(profile, vault)
    return DeviceProfileOut.of(profile, profile_data=data)
