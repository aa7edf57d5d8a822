"""The fields of a device that people set, and what must hold for them."""

from typing import TYPE_CHECKING, Any, TypedDict
from uuid import UUID

from fieldline.domains.customer import service as customer_service
from fieldline.domains.device import content
from fieldline.domains.device.errors import DeviceNameTaken, InvalidDevice
from fieldline.domains.device.models import Device
from fieldline.domains.device.repository import DeviceRepository
from fieldline.domains.device_profile import service as profile_service
from fieldline.kit.text import check_optional_text, check_text
from fieldline.security.caller import Caller

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class DeviceFields(TypedDict, total=False):
    """Fields to set; what is left out stays as it is, or takes its default."""

    name: str | None
    type: str | None
    label: str | None
    customer_id: UUID | None
    device_profile_id: UUID | None
    device_data: dict[str, Any] | None
    firmware_id: UUID | None
    software_id: UUID | None
    external_id: UUID | None
    additional_info: dict[str, Any] | None


async def set_fields(
    session: "AsyncSession", caller: Caller, device: Device, fields: DeviceFields
) -> None:
    """Check the fields and put them into the device, for a caller who may change it.

    Raises:
        Forbidden: the type names no profile yet, and the caller may not make one.
        DeviceNameTaken: the tenant has another device of this name.
        CustomerNotFound: the tenant has no such customer.
        InvalidProfile: the tenant has no such profile.
        Invalid: a field is not what it must be.
    """
    await _set_name(session, device, fields)
    await _set_customer(session, device, fields)
    transport_type = await _set_profile(session, caller, device, fields)
    _set_json(device, fields, transport_type)
    if fields.get("firmware_id") is not None:
        raise InvalidDevice("Can't assign non-existent firmware!")
    if fields.get("software_id") is not None:
        raise InvalidDevice("Can't assign non-existent software!")
    if "external_id" in fields:
        device.external_id = fields["external_id"]


async def _set_name(session: "AsyncSession", device: Device, fields: DeviceFields) -> None:
    if "name" in fields:
        name = fields["name"] or ""
        check_text("Device name", name)
        other = await DeviceRepository(session).by_name(device.tenant_id, name)
        if other is not None and other is not device:
            raise DeviceNameTaken
        device.name = name
    if "label" in fields:
        check_optional_text("label", fields["label"])
        device.label = fields["label"]
    device.search_text = content.search_text(device.name, device.label)


async def _set_profile(
    session: "AsyncSession", caller: Caller, device: Device, fields: DeviceFields
) -> str:
    """Settle the profile: the one named, else that of the type, else the default one.

    An update that says nothing of it keeps the present one. Returns its transport type.
    """
    profile_id = fields.get("device_profile_id")
    if profile_id is None and "device_profile_id" not in fields and "type" not in fields:
        profile_id = device.device_profile_id
    type_ = (fields.get("type") or "").strip()
    if profile_id is not None:
        profile = await profile_service.of_tenant(session, device.tenant_id, profile_id)
    elif type_:
        check_text("type", type_)
        profile = await profile_service.find_or_create(session, caller, device.tenant_id, type_)
    else:
        profile = await profile_service.default_of(session, device.tenant_id)
    device.device_profile_id = profile.id
    device.type = profile.name
    return profile.transport_type


async def _set_customer(session: "AsyncSession", device: Device, fields: DeviceFields) -> None:
    if "customer_id" not in fields:
        return
    customer_id = fields["customer_id"]
    if customer_id is not None and customer_id != device.customer_id:
        await customer_service.require(session, device.tenant_id, customer_id)
    device.customer_id = customer_id


def _set_json(device: Device, fields: DeviceFields, transport_type: str) -> None:
    given = fields.get("device_data", device.device_data)
    device.device_data = content.device_data(given, transport_type)
    if "additional_info" in fields:
        device.additional_info = content.additional_info(fields["additional_info"])
