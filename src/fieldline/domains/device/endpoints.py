"""Devices and their credentials in ThingsBoard's dialect."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from fieldline.database.things import Listed, ThingFilter
from fieldline.domains.device import service
from fieldline.domains.device.models import Device as DeviceRow
from fieldline.domains.device.schemas import (
    Device,
    DeviceInfo,
    DeviceSave,
    SaveDeviceWithCredentials,
)
from fieldline.domains.device_credentials.content import Content, check_content
from fieldline.domains.device_credentials.schemas import (
    DeviceCredentials,
    DeviceCredentialsSave,
    NewCredentials,
)
from fieldline.domains.device_credentials.service import Replacing
from fieldline.domains.ota_package.kinds import OtaType
from fieldline.domains.thing.parameters import TypeFilter
from fieldline.domains.thing.schemas import EntitySubtype
from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityType, parse_id
from fieldline.rest.callers import TenantAdmin, TenantOrCustomer
from fieldline.rest.dialects import tb_router
from fieldline.rest.paging import PageData, TbPage
from fieldline.rest.parameters import NamingQuery, id_list
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.security.caller import Caller

router = tb_router("device")


async def _profile_id(
    profile_id: Annotated[str | None, Query(alias="deviceProfileId")] = None,
) -> UUID | None:
    """Read a profile's id; the console sends an empty one for all."""
    return parse_id(profile_id) if profile_id else None


ProfileId = Annotated[UUID | None, Depends(_profile_id)]


async def _info_filter(
    wanted: TypeFilter,
    profile_id: ProfileId,
    active: Annotated[str | None, Query()] = None,
) -> ThingFilter:
    """Read the filters of the console's lists, which sends empty ones too."""
    if active not in {None, "", "true", "false"}:
        raise Invalid("active must be true or false")
    return replace(
        wanted,
        profile_id=profile_id,
        is_active=active == "true" if active else None,
    )


InfoFilter = Annotated[ThingFilter, Depends(_info_filter)]
DeviceIds = Annotated[list[UUID], Depends(id_list("deviceIds"))]


@router.get("/device/types")
async def list_device_types(caller: TenantOrCustomer, session: ReadSession) -> list[EntitySubtype]:
    """List the types that the caller's devices have."""
    found = await service.types(session, caller)
    return EntitySubtype.of(caller.tenant_id, EntityType.DEVICE, found)


@router.get("/device/info/{device_id}")
async def get_device_info(
    device_id: UUID, caller: TenantOrCustomer, session: ReadSession
) -> DeviceInfo:
    """Return one device with its customer, profile and activity."""
    return _shown_info(await service.get_info(session, caller, device_id))


@router.get("/device/{device_id}")
async def get_device(device_id: UUID, caller: TenantOrCustomer, session: ReadSession) -> Device:
    """Return one device."""
    return Device.model_validate(await service.get(session, caller, device_id))


@router.post("/device")
async def save_device(
    body: DeviceSave,
    caller: TenantOrCustomer,
    session: WriteSession,
    services: ServicesDep,
    naming: NamingQuery,
    access_token: Annotated[str | None, Query(alias="accessToken")] = None,
) -> Device:
    """Create a device or, with an id, replace it; a new one may be given its access token."""
    if body.id is not None:
        return Device.model_validate(await _update(session, caller, body))
    credentials = check_content("ACCESS_TOKEN", access_token, None) if access_token else None
    saved = await service.create(
        session, caller, body.fields(), vault=services.vault, credentials=credentials, naming=naming
    )
    return Device.model_validate(saved)


@router.post("/device-with-credentials")
async def save_device_with_credentials(
    body: SaveDeviceWithCredentials,
    caller: TenantOrCustomer,
    session: WriteSession,
    services: ServicesDep,
    naming: NamingQuery,
) -> Device:
    """Create a device or, with an id, replace it, together with its credentials."""
    given = body.credentials
    content = _content(given)
    if body.device.id is None:
        saved = await service.create(
            session,
            caller,
            body.device.fields(),
            vault=services.vault,
            credentials=content,
            naming=naming,
        )
    else:
        saved = await _update(session, caller, body.device)
        await service.replace_credentials(
            session,
            caller,
            saved.id,
            content,
            vault=services.vault,
            replacing=Replacing(given.id, given.version),
        )
    return Device.model_validate(saved)


@router.delete("/device/{device_id}")
async def delete_device(device_id: UUID, caller: TenantAdmin, session: WriteSession) -> None:
    """Delete a device with its credentials and readings."""
    await service.delete(session, caller, device_id)


@router.get("/device/{device_id}/credentials")
async def get_device_credentials(
    device_id: UUID, caller: TenantOrCustomer, session: WriteSession, services: ServicesDep
) -> DeviceCredentials:
    """Return the credentials of a device in clear."""
    found = await service.get_credentials(session, caller, device_id, vault=services.vault)
    return DeviceCredentials.model_validate(found)


@router.post("/device/credentials")
async def save_device_credentials(
    body: DeviceCredentialsSave, caller: TenantAdmin, session: WriteSession, services: ServicesDep
) -> DeviceCredentials:
    """Replace the credentials of a device; its sessions end."""
    saved = await service.replace_credentials(
        session,
        caller,
        body.device_id,
        _content(body),
        vault=services.vault,
        replacing=Replacing(body.id, body.version),
    )
    return DeviceCredentials.model_validate(saved)


@router.post("/customer/public/device/{device_id}")
async def assign_device_to_public(
    device_id: UUID, caller: TenantAdmin, session: WriteSession
) -> Device:
    """Make a device visible to everybody."""
    return Device.model_validate(await service.assign_to_public(session, caller, device_id))


@router.post("/customer/{customer_id}/device/{device_id}")
async def assign_device(
    customer_id: UUID, device_id: UUID, caller: TenantAdmin, session: WriteSession
) -> Device:
    """Assign a device to a customer."""
    saved = await service.assign(session, caller, device_id, customer_id)
    return Device.model_validate(saved)


@router.delete("/customer/device/{device_id}")
async def unassign_device(device_id: UUID, caller: TenantAdmin, session: WriteSession) -> Device:
    """Take a device from its customer."""
    return Device.model_validate(await service.unassign(session, caller, device_id))


@router.get("/tenant/devices")
async def list_tenant_devices(
    page: TbPage, wanted: TypeFilter, caller: TenantAdmin, session: ReadSession
) -> PageData[Device]:
    """List the tenant's devices."""
    found = await service.page(session, caller, page, wanted)
    return PageData.of(found.map(Device.model_validate), page)


@router.get("/tenant/devices", include_in_schema=False)
@router.get("/tenant/device")
async def get_device_by_name(
    name: Annotated[str, Query(alias="deviceName")], caller: TenantAdmin, session: ReadSession
) -> Device:
    """Return the device of exactly this name."""
    return Device.model_validate(await service.get_by_name(session, caller, name))


@router.get("/tenant/deviceInfos")
async def list_tenant_device_infos(
    page: TbPage, wanted: InfoFilter, caller: TenantAdmin, session: ReadSession
) -> PageData[DeviceInfo]:
    """List the tenant's devices with customer, profile and activity."""
    found = await service.info_page(session, caller, page, wanted)
    return PageData.of(found.map(_shown_info), page)


@router.get("/customer/{customer_id}/devices")
async def list_customer_devices(
    customer_id: UUID,
    page: TbPage,
    wanted: TypeFilter,
    caller: TenantOrCustomer,
    session: ReadSession,
) -> PageData[Device]:
    """List a customer's devices."""
    wanted = replace(wanted, customer_id=customer_id)
    found = await service.page(session, caller, page, wanted)
    return PageData.of(found.map(Device.model_validate), page)


@router.get("/customer/{customer_id}/deviceInfos")
async def list_customer_device_infos(
    customer_id: UUID,
    page: TbPage,
    wanted: InfoFilter,
    caller: TenantOrCustomer,
    session: ReadSession,
) -> PageData[DeviceInfo]:
    """List a customer's devices with customer, profile and activity."""
    wanted = replace(wanted, customer_id=customer_id)
    found = await service.info_page(session, caller, page, wanted)
    return PageData.of(found.map(_shown_info), page)


@router.get("/deviceProfile/devices/keys/timeseries")
async def list_telemetry_keys_of_profile(
    profile_id: ProfileId, caller: TenantAdmin, session: ReadSession, services: ServicesDep
) -> list[str]:
    """List the keys of telemetry that devices of a profile have, or without one all devices."""
    devices = await service.sample_of_profile(session, caller, profile_id)
    return await services.store.keys(*devices)


@router.get("/deviceProfile/devices/keys/attributes")
async def list_attribute_keys_of_profile(
    profile_id: ProfileId, caller: TenantAdmin, session: ReadSession, services: ServicesDep
) -> list[str]:
    """List the keys of attributes that devices of a profile have, or without one all devices."""
    devices = await service.sample_of_profile(session, caller, profile_id)
    return await services.store.attribute_keys(*devices)


@router.get("/devices", include_in_schema=False)
@router.get("/devices/list")
async def list_devices_by_ids(
    ids: DeviceIds, caller: TenantOrCustomer, session: ReadSession
) -> list[Device]:
    """List the devices of these ids; missing and foreign ones are left out."""
    found = await service.by_ids(session, caller, ids)
    return [Device.model_validate(item) for item in found]


@router.get("/devices/count/{kind}/{profile_id}")
async def count_devices_that_follow_profile(
    kind: OtaType, profile_id: UUID, caller: TenantOrCustomer, session: ReadSession
) -> int:
    """Count a profile's devices that take its firmware, or software, having none of their own."""
    return await service.count_following(session, caller, profile_id, kind)


def _content(given: NewCredentials) -> Content:
    return check_content(given.credentials_type, given.credentials_id, given.credentials_value)


async def _update(session: WriteSession, caller: Caller, body: DeviceSave) -> DeviceRow:
    if body.id is None:
        raise Invalid("Device id should be specified!")
    return await service.update(session, caller, body.id, body.fields(), version=body.version)


def _shown_info(info: Listed[DeviceRow]) -> DeviceInfo:
    return DeviceInfo(
        **dict(Device.model_validate(info.thing)),
        customer_title=info.customer_title,
        customer_is_public=info.customer_is_public,
        device_profile_name=info.thing.type,
        active=info.is_active,
    )
