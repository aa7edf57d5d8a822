"""Commands on ThingsBoard's wire."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from fieldline.kit.ids import EntityType
from fieldline.rest.wire import TbModel, TenantIdField, WireId

MAX_METHOD = 255
MAX_MS = 2**53
DEFAULT_TIMEOUT_MS = 10_000
MIN_TIMEOUT_MS = 5_000


class RpcRequest(TbModel):
    """What a device is to do."""

    method: str = Field(min_length=1, max_length=MAX_METHOD, examples=["setGpio"])
    params: Any = Field(default=None, examples=[{"pin": 7, "value": 1}])
    timeout: int = Field(
        default=DEFAULT_TIMEOUT_MS,
        ge=0,
        le=MAX_MS,
        description=f"Time for it in ms, {MIN_TIMEOUT_MS} at least.",
    )
    expiration_time: int | None = Field(
        default=None, ge=0, le=MAX_MS, description="When it must be done, in ms since 1970."
    )
    persistent: bool = Field(
        default=False, description="Keep it until it is done, also while the device is away."
    )
    retries: int | None = Field(
        default=None,
        ge=0,
        le=1_000,
        description="Times that a kept one is sent again when it was not acknowledged; at most 5.",
    )
    request_id: UUID | None = Field(default=None, alias="requestUUID")
    additional_info: Any = None


class Rpc(TbModel):
    """A kept command."""

    id: Annotated[UUID, WireId(EntityType.RPC)]
    created_time: int
    tenant_id: TenantIdField
    device_id: Annotated[UUID, WireId(EntityType.DEVICE)]
    expiration_time: int
    request: dict[str, Any]
    response: Any
    status: str
    additional_info: Any
