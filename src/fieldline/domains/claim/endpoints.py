"""Claiming of devices by customers' users, in ThingsBoard's dialect."""

from typing import Annotated, Any

from fastapi import Depends
from starlette.responses import Response

from fieldline.domains.claim import schemas
from fieldline.domains.claim.claiming import Claiming
from fieldline.domains.device.schemas import Device
from fieldline.kit.json import dumps
from fieldline.rest.callers import CustomerUser, TenantOrCustomer
from fieldline.rest.dialects import tb_router
from fieldline.rest.services import ServicesDep

router = tb_router("device")
_RESULTS: dict[int | str, dict[str, Any]] = {
    200: {"model": schemas.ClaimResult, "description": "The device is the customer's now."},
    400: {
        "description": 'The text `"CLAIMED"`: it is a customer\'s already; or `"FAILURE"`: the '
        "key is wrong, the time is over, or the device cannot be claimed."
    },
}


async def get_claiming(services: ServicesDep) -> Claiming:
    return Claiming(services)


ClaimingDep = Annotated[Claiming, Depends(get_claiming)]


@router.post("/customer/device/{device_name}/claim", responses=_RESULTS)
async def claim_device(
    device_name: str,
    caller: CustomerUser,
    claiming: ClaimingDep,
    body: schemas.ClaimRequest | None = None,
) -> Response:
    """Take over a device that says so, with the secret key that it was given."""
    secret_key = (body.secret_key if body else None) or ""
    device, response = await claiming.claim(caller, device_name, secret_key)
    if response is not schemas.ClaimResponse.SUCCESS:
        return _json(response.value, 400)
    result = schemas.ClaimResult(device=Device.model_validate(device), response=response)
    return _json(result.model_dump(mode="json", by_alias=True), 200)


@router.delete("/customer/device/{device_name}/claim")
async def give_device_back(
    device_name: str, caller: TenantOrCustomer, claiming: ClaimingDep
) -> None:
    """Take a device from its customer, so that it may be claimed again."""
    await claiming.give_back(caller, device_name)


def _json(body: Any, status: int) -> Response:  # noqa: ANN401 - JSON is any of its types
    return Response(dumps(body), status, media_type="application/json")
