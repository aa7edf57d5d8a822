"""Kept commands: listed and deleted by users, moved on by the writer."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import orjson

from fieldline.database.base import now_ms
from fieldline.database.engine import emit_after_commit
from fieldline.domains.audit_log import service as audit_log_service
from fieldline.domains.audit_log.actions import Action
from fieldline.domains.audit_log.service import Deed
from fieldline.domains.device import service as device_service
from fieldline.domains.outbox import service as outbox_service
from fieldline.domains.rpc import schemas
from fieldline.domains.rpc.command import PENDING, Command, RpcStatus
from fieldline.domains.rpc.errors import RpcNotFound
from fieldline.domains.rpc.events import RpcDeleted, RpcKept
from fieldline.domains.rpc.models import Rpc
from fieldline.domains.rpc.repository import RpcRepository
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.kit.errors import Conflict, Invalid
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.json import dumps_text
from fieldline.kit.paging import Page, PageRequest
from fieldline.kit.storable import check_storable
from fieldline.messaging.message import Message
from fieldline.rest.wire import wire_json
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, check

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

TTL = "rpcTtlDays"
"""The limit of a tenant profile: days after which commands are deleted."""
DAY_MS = 24 * 60 * 60 * 1000
MAX_PENDING = 1_000
"""Kept commands of one device that are taken up at once when it comes."""


class Target(NamedTuple):
    """What a command's message says of the device."""

    tenant_id: UUID
    customer_id: UUID | None
    profile_id: UUID
    name: str
    profile_name: str


async def page(
    session: "AsyncSession",
    caller: Caller,
    device_id: UUID,
    request: PageRequest,
    status: RpcStatus | None = None,
) -> Page[Rpc]:
    """Return a page of a device's commands.

    Raises:
        Invalid: deleted ones are asked for; they are gone.
        DeviceNotFound: there is no such device.
    """
    if status is RpcStatus.DELETED:
        raise Invalid("RpcStatus: DELETED: deleted RPCs are not kept; ask for another status")
    device = await device_service.get(session, caller, device_id)
    check(caller, Operation.READ, EntityType.RPC, tenant_id=device.tenant_id)
    return await RpcRepository(session).page(device.tenant_id, device_id, request, status)


async def get(session: "AsyncSession", caller: Caller, rpc_id: UUID) -> Rpc:
    """Return a command, to whoever may see its device.

    Raises:
        RpcNotFound: there is no such command.
    """
    return await _get_for(session, caller, rpc_id, Operation.READ)


async def delete(session: "AsyncSession", caller: Caller, rpc_id: UUID) -> None:
    """Delete a command; one that is not done yet is not sent any more.

    Raises:
        RpcNotFound: there is no such command.
    """
    rpc = await _get_for(session, caller, rpc_id, Operation.DELETE)
    rpc.status = RpcStatus.DELETED
    await _tell(session, rpc)
    emit_after_commit(session, RpcDeleted(rpc.device_id, rpc.id))
    await RpcRepository(session).delete(rpc)


async def require_device(
    session: "AsyncSession",
    caller: Caller,
    device_id: UUID,
    wanted: schemas.RpcRequest,
    *,
    is_oneway: bool,
) -> Target:
    """Return a device that the caller may send this to, and record that it is done.

    Raises:
        DeviceNotFound: there is no such device.
        Forbidden: the caller may not.
        Conflict: it is to be kept by an id that another one has.
    """
    check_storable("The RPC request", [wanted.method, wanted.params, wanted.additional_info])
    device = await device_service.get_for(session, caller, device_id, Operation.RPC_CALL)
    data = {"method": wanted.method, "params": wanted.params, "oneWay": is_oneway}
    if wanted.persistent and wanted.request_id is not None:
        await _require_unused(session, wanted.request_id)
    deed = Deed(
        Action.RPC_CALL,
        EntityRef(EntityType.DEVICE, device_id),
        device.name,
        device.customer_id,
        {"entityId": str(device_id), **data},
    )
    await audit_log_service.record(session, caller.actor, deed)
    return Target(
        device.tenant_id, device.customer_id, device.device_profile_id, device.name, device.type
    )


async def _require_unused(session: "AsyncSession", rpc_id: UUID) -> None:
    if await RpcRepository(session).get(rpc_id) is not None:
        msg = f"A persistent RPC with requestUUID {rpc_id} exists already; choose another one"
        raise Conflict(msg)


async def keep(session: "AsyncSession", command: Command) -> None:
    """Keep a command that is to be done; for the platform: it asks for no permission."""
    rpc = Rpc(
        id=command.id,
        tenant_id=command.tenant_id,
        device_id=command.device_id,
        expiration_time=command.expires_ms,
        status=RpcStatus.QUEUED,
        request=_request(command),
        response=None,
        additional_info=command.additional_info,
    )
    await RpcRepository(session).add(rpc)
    await _tell(session, rpc)


async def post(session: "AsyncSession", command: Command) -> None:
    """Keep a command of the platform's own and have it sent after the commit."""
    await keep(session, command)
    emit_after_commit(session, RpcKept(command))


async def move(
    session: "AsyncSession", rpc_id: UUID, status: RpcStatus, response: str | None = None
) -> None:
    """Note how far a command is; one that is done, or gone, stays so. For the platform."""
    rpc = await RpcRepository(session).get(rpc_id, lock=True)
    if rpc is None or not is_open(rpc):
        return
    rpc.status = status
    if response is not None:
        rpc.response = _json_or_text(response)
    await _tell(session, rpc)


def is_open(rpc: Rpc) -> bool:
    """Return whether there is anything to do yet."""
    is_delivered = rpc.status == RpcStatus.DELIVERED
    return rpc.status in PENDING and not (is_delivered and rpc.request["oneway"])


async def pending(session: "AsyncSession", device_id: UUID, now_ms: int) -> list[Command]:
    """Return what a device has to do yet, oldest first; for the platform."""
    found = await RpcRepository(session).pending(device_id, now_ms, MAX_PENDING)
    return [_command(rpc) for rpc in found if is_open(rpc)]


async def devices_with_pending(session: "AsyncSession", now_ms: int) -> Collection[UUID]:
    """Return the devices that have something to do yet; for the platform."""
    return await RpcRepository(session).devices_with_pending(now_ms)


async def expired(session: "AsyncSession", now_ms: int, limit: int) -> Sequence[UUID]:
    """Return commands whose time is over and that were not done; for the platform."""
    return await RpcRepository(session).expired(now_ms, limit)


async def outdated(session: "AsyncSession", now_ms: int, limit: int) -> Sequence[UUID]:
    """Return commands that are older than ``rpcTtlDays`` of their tenant's profile says."""
    found: list[UUID] = []
    repository = RpcRepository(session)
    for profile_id, days in (await tenant_profile_service.limits(session, TTL)).items():
        before_ms = now_ms - days * DAY_MS
        found += await repository.made_before(profile_id, before_ms, limit - len(found))
        if len(found) >= limit:
            break
    return found


async def remove(session: "AsyncSession", rpc_ids: Collection[UUID]) -> int:
    """Delete commands; none is sent any more. The rules are not told. Returns how many went."""
    repository = RpcRepository(session)
    rpcs = await repository.by_ids(rpc_ids)
    emit_after_commit(session, *(RpcDeleted(rpc.device_id, rpc.id) for rpc in rpcs))
    await repository.delete_all(rpc_ids)
    return len(rpcs)


async def _get_for(
    session: "AsyncSession", caller: Caller, rpc_id: UUID, operation: Operation
) -> Rpc:
    rpc = await RpcRepository(session).get(rpc_id, lock=operation is Operation.DELETE)
    if rpc is None:
        raise RpcNotFound(rpc_id)
    check(caller, operation, EntityType.RPC, tenant_id=rpc.tenant_id)
    await device_service.get(session, caller, rpc.device_id)
    return rpc


async def _tell(session: "AsyncSession", rpc: Rpc) -> None:
    """Tell the rules what became of a command."""
    await outbox_service.post(
        session,
        Message(
            f"RPC_{rpc.status}",
            EntityRef(EntityType.DEVICE, rpc.device_id),
            rpc.tenant_id,
            wire_json(schemas.Rpc, rpc),
            {},
            ts_ms=now_ms(),
        ),
    )


def _request(command: Command) -> dict[str, Any]:
    return {
        "id": str(command.id),
        "tenantId": {"entityType": "TENANT", "id": str(command.tenant_id)},
        "deviceId": {"entityType": "DEVICE", "id": str(command.device_id)},
        "oneway": command.is_oneway,
        "expirationTime": command.expires_ms,
        "body": {"method": command.method, "params": dumps_text(command.params)},
        "persisted": True,
        "retries": command.retries,
        "additionalInfo": command.additional_info,
    }


def _command(rpc: Rpc) -> Command:
    request = rpc.request
    return Command(
        id=rpc.id,
        tenant_id=rpc.tenant_id,
        device_id=rpc.device_id,
        method=request["body"]["method"],
        params=orjson.loads(request["body"]["params"]),
        expires_ms=rpc.expiration_time,
        is_oneway=request["oneway"],
        is_persistent=True,
        retries=request["retries"],
        additional_info=rpc.additional_info,
        status=RpcStatus(rpc.status),
    )


def _json_or_text(response: str) -> Any:  # noqa: ANN401 - JSON is any of its types
    text = response.replace("\x00", "")
    try:
        found = orjson.loads(text)
        check_storable("The response", found)
    except (orjson.JSONDecodeError, Invalid):
        return text
    return found
