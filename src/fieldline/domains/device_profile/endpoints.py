"""Device profiles in ThingsBoard's dialect."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from fieldline.domains.device_profile import service
from fieldline.domains.device_profile.models import DeviceProfile as DeviceProfileRow
from fieldline.domains.device_profile.schemas import (
    DeviceProfile,
    DeviceProfileInfo,
    DeviceProfileName,
    DeviceProfileSave,
)
from fieldline.rest.callers import TenantAdmin, TenantOrCustomer
from fieldline.rest.dialects import tb_router
from fieldline.rest.paging import PageData, TbPage
from fieldline.rest.parameters import id_list
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.rest.wire import values_of
from fieldline.security.secrets import Vault

router = tb_router("device-profile")
ProfileIds = Annotated[list[UUID], Depends(id_list("deviceProfileIds"))]


@router.get("/deviceProfile/names")
async def list_device_profile_names(
    caller: TenantOrCustomer,
    session: ReadSession,
    active_only: Annotated[bool, Query(alias="activeOnly")] = False,
) -> list[DeviceProfileName]:
    """List id and name of every profile, or of those that devices use."""
    found = await service.names(session, caller, active_only=active_only)
    return [DeviceProfileName(id=profile_id, name=name) for profile_id, name in found]


@router.get("/deviceProfile/{profile_id}")
async def get_device_profile(
    profile_id: UUID, caller: TenantAdmin, session: ReadSession, services: ServicesDep
) -> DeviceProfile:
    """Return one profile."""
    return _on_wire(await service.get(session, caller, profile_id), services.vault)


@router.get("/deviceProfileInfo/default")
async def get_default_device_profile_info(
    caller: TenantOrCustomer, session: WriteSession
) -> DeviceProfileInfo:
    """Return what choosers show of the default profile, which is made where there is none."""
    return DeviceProfileInfo.model_validate(await service.get_default(session, caller))


@router.get("/deviceProfileInfo/{profile_id}")
async def get_device_profile_info(
    profile_id: UUID, caller: TenantOrCustomer, session: ReadSession
) -> DeviceProfileInfo:
    """Return what choosers show of one profile."""
    return DeviceProfileInfo.model_validate(await service.get(session, caller, profile_id))


@router.post("/deviceProfile")
async def save_device_profile(
    body: DeviceProfileSave, caller: TenantAdmin, session: WriteSession, services: ServicesDep
) -> DeviceProfile:
    """Create a profile or, with an id, replace it; a new name is given to its devices as type."""
    fields: service.ProfileFields = values_of(body, "id", "version")
    if body.profile_data is not None:
        fields["transport_configuration"] = body.profile_data.pop("transportConfiguration", None)
    if body.id is None:
        saved = await service.create(session, caller, fields, vault=services.vault)
    else:
        saved = await service.update(
            session, caller, body.id, fields, vault=services.vault, version=body.version
        )
    return _on_wire(saved, services.vault)


@router.delete("/deviceProfile/{profile_id}")
async def delete_device_profile(
    profile_id: UUID, caller: TenantAdmin, session: WriteSession
) -> None:
    """Delete a profile that is not the default one and that no device uses."""
    await service.delete(session, caller, profile_id)


@router.post("/deviceProfile/{profile_id}/default")
async def set_default_device_profile(
    profile_id: UUID, caller: TenantAdmin, session: WriteSession, services: ServicesDep
) -> DeviceProfile:
    """Make it the profile of devices that name none."""
    return _on_wire(await service.set_default(session, caller, profile_id), services.vault)


@router.get("/deviceProfiles")
async def list_device_profiles(
    page: TbPage, caller: TenantAdmin, session: ReadSession, services: ServicesDep
) -> PageData[DeviceProfile]:
    """List profiles."""
    found = await service.page(session, caller, page)
    return PageData.of(found.map(lambda item: _on_wire(item, services.vault)), page)


@router.get("/deviceProfileInfos")
async def list_device_profile_infos(
    page: TbPage,
    caller: TenantOrCustomer,
    session: ReadSession,
    transport_type: Annotated[str | None, Query(alias="transportType")] = None,
) -> PageData[DeviceProfileInfo]:
    """List what choosers show of profiles."""
    found = await service.page(session, caller, page, transport_type=transport_type)
    return PageData.of(found.map(DeviceProfileInfo.model_validate), page)


@router.get("/deviceProfileInfos", include_in_schema=False)
@router.get("/deviceProfileInfos/list")
async def list_device_profile_infos_by_ids(
    ids: ProfileIds, caller: TenantAdmin, session: ReadSession
) -> list[DeviceProfileInfo]:
    """List what choosers show of the profiles of these ids; missing ones are left out."""
    found = await service.by_ids(session, caller, ids)
    return [DeviceProfileInfo.model_validate(item) for item in found]


def _on_wire(profile: DeviceProfileRow, vault: Vault) -> DeviceProfile:
    """Return the profile with both parts of its data in one, as ThingsBoard has them."""
    data = service.full_profile_data(profile, vault)
    data["transportConfiguration"] = profile.transport_configuration
    values = {name: getattr(profile, name) for name in DeviceProfile.model_fields}
    return DeviceProfile(**{**values, "profile_data": data})
