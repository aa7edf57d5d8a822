"""RPC to devices in ThingsBoard's dialect: two forms of the same call, and the kept commands."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Query
from starlette.requests import HTTPConnection
from starlette.responses import Response

from fieldline.domains.rpc import schemas, service
from fieldline.domains.rpc.command import Answer, RpcError, RpcStatus
from fieldline.domains.rpc.waiting import Waiting, answer_within
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.kit.service_id import SERVICE_ID
from fieldline.messaging.bus import publish_alone
from fieldline.messaging.message import Message, MessageType
from fieldline.rest.callers import AnyUser, TenantAdmin, TenantOrCustomer
from fieldline.rest.dialects import tb_router
from fieldline.rest.paging import PageData, TbPage
from fieldline.rest.services import Services, ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.security.caller import Caller

router = tb_router("RPC")
_V1_STATUS = {
    RpcError.NOT_FOUND: 404,
    RpcError.NO_ACTIVE_CONNECTION: 409,
    RpcError.TIMEOUT: 408,
    RpcError.OVERLOADED: 503,
}
_V2_STATUS = {**_V1_STATUS, RpcError.NO_ACTIVE_CONNECTION: 504, RpcError.TIMEOUT: 504}
_NOT_JSON = 406
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The device's answer; nothing for a one-way call."},
    406: {"description": "The device's answer is not JSON."},
}
_V1: dict[int | str, dict[str, Any]] = {
    **DOCUMENTED,
    408: {"description": "The device did not answer in time."},
    409: {"description": "The device was not there in time."},
}
_V2: dict[int | str, dict[str, Any]] = {
    **DOCUMENTED,
    504: {"description": "The device was not there, or did not answer, in time."},
}


async def get_waiting(connection: HTTPConnection) -> Waiting:
    """Return those of the application who wait for answers."""
    waiting: Waiting = connection.app.state.rpc_waiting
    return waiting


WaitingDep = Annotated[Waiting, Depends(get_waiting)]


class Sender:
    """What a call needs beside its device and body."""

    def __init__(self, caller: Caller, services: Services, waiting: Waiting) -> None:
        self._caller = caller
        self._services = services
        self._waiting = waiting

    async def send(self, device_id: UUID, wanted: schemas.RpcRequest, *, is_oneway: bool) -> Answer:
        """Send a command through the rules and wait for what becomes of it."""
        async with self._services.database.write() as session:
            device = await service.require_device(
                session, self._caller, device_id, wanted, is_oneway=is_oneway
            )
        now_ms = self._services.clock.now_ms()
        timeout_ms = max(wanted.timeout, schemas.MIN_TIMEOUT_MS)
        expires_ms = wanted.expiration_time or now_ms + timeout_ms
        request_id = wanted.request_id or new_id()
        data = {"method": wanted.method, "params": wanted.params}
        if wanted.additional_info is not None:
            data["additionalInfo"] = wanted.additional_info
        metadata = {
            "requestUUID": str(request_id),
            "originServiceId": SERVICE_ID,
            "expirationTime": str(expires_ms),
            "oneway": str(is_oneway).lower(),
            "persistent": str(wanted.persistent).lower(),
            "deviceName": device.name,
            "deviceType": device.profile_name,
            "userId": str(self._caller.user_id),
            "userName": self._caller.email,
        }
        if wanted.retries is not None:
            metadata["retries"] = str(wanted.retries)
        message = Message(
            MessageType.RPC_CALL_FROM_SERVER_TO_DEVICE,
            EntityRef(EntityType.DEVICE, device_id),
            device.tenant_id,
            data,
            metadata,
            ts_ms=now_ms,
            customer_id=device.customer_id,
            profile_id=device.profile_id,
        )
        with self._waiting.expect(device.tenant_id, request_id) as answer:
            publish_alone(self._services.bus, message)
            return await answer_within(answer, max(expires_ms - now_ms, 0) / 1000)


async def get_sender(caller: AnyUser, services: ServicesDep, waiting: WaitingDep) -> Sender:
    return Sender(caller, services, waiting)


SenderDep = Annotated[Sender, Depends(get_sender)]


@router.post("/plugins/rpc/oneway/{device_id}", responses=_V1)
async def call_oneway_v1(device_id: UUID, body: schemas.RpcRequest, sender: SenderDep) -> Response:
    """Send a command; answers when it is handed to the device."""
    return _response(await sender.send(device_id, body, is_oneway=True), _V1_STATUS)


@router.post("/plugins/rpc/twoway/{device_id}", responses=_V1)
async def call_twoway_v1(device_id: UUID, body: schemas.RpcRequest, sender: SenderDep) -> Response:
    """Send a command and answer what the device answers."""
    return _response(await sender.send(device_id, body, is_oneway=False), _V1_STATUS)


@router.post("/rpc/oneway/{device_id}", responses=_V2)
async def call_oneway(device_id: UUID, body: schemas.RpcRequest, sender: SenderDep) -> Response:
    """Send a command; answers when it is handed to the device."""
    return _response(await sender.send(device_id, body, is_oneway=True), _V2_STATUS)


@router.post("/rpc/twoway/{device_id}", responses=_V2)
async def call_twoway(device_id: UUID, body: schemas.RpcRequest, sender: SenderDep) -> Response:
    """Send a command and answer what the device answers."""
    return _response(await sender.send(device_id, body, is_oneway=False), _V2_STATUS)


@router.get("/rpc/persistent/device/{device_id}")
async def list_rpcs(
    device_id: UUID,
    page: TbPage,
    caller: TenantOrCustomer,
    session: ReadSession,
    status: Annotated[RpcStatus | None, Query(alias="rpcStatus")] = None,
) -> PageData[schemas.Rpc]:
    """List a device's kept commands."""
    found = await service.page(session, caller, device_id, page, status)
    return PageData.of(found.map(schemas.Rpc.model_validate), page)


@router.get("/rpc/persistent/{rpc_id}")
async def get_rpc(rpc_id: UUID, caller: TenantOrCustomer, session: ReadSession) -> schemas.Rpc:
    """Return a kept command: how far it is, and the device's answer."""
    return schemas.Rpc.model_validate(await service.get(session, caller, rpc_id))


@router.delete("/rpc/persistent/{rpc_id}")
async def delete_rpc(rpc_id: UUID, caller: TenantAdmin, session: WriteSession) -> None:
    """Delete a kept command; it is not sent any more."""
    await service.delete(session, caller, rpc_id)


def _response(answer: Answer, statuses: dict[RpcError, int]) -> Response:
    if answer.error is not None:
        return Response(status_code=statuses[answer.error])
    if answer.response is None:
        return Response()
    try:
        orjson.loads(answer.response)
    except orjson.JSONDecodeError:
        return Response(status_code=_NOT_JSON)
    return Response(answer.response, media_type="application/json")
