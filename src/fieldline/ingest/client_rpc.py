"""RPC from a device to the platform: session limits, and calls that rules answer.

Source: ThingsBoard's MQTT device API (getSessionLimits, TO_SERVER_RPC_REQUEST).
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from fieldline.ingest.parts import DoorParts, IngestOptions
from fieldline.ingest.session import DeviceSession
from fieldline.kit.errors import Invalid, Unavailable
from fieldline.kit.ids import EntityType
from fieldline.kit.json import dumps, dumps_received
from fieldline.kit.service_id import SERVICE_ID
from fieldline.messaging.events import Change, EntityChanged
from fieldline.messaging.message import Message, MessageType

TIMEOUT_MS = 60_000
TIMED_OUT = b'{"error":"timeout"}'
SWEEP_S = 1.0

Reply = Callable[[bytes], object]
OnGone = Callable[[], object]
"""Called instead of a reply when the device is deleted."""

_LIMITS = (
    ("messages", "MsgRateLimit"),
    ("telemetryMessages", "TelemetryMsgRateLimit"),
    ("telemetryDataPoints", "TelemetryDataPointsRateLimit"),
)


class MissingMethod(Invalid):
    """A device's RPC names no method."""


class Call(NamedTuple):
    """A device's RPC."""

    method: str
    params: Any


class _Waiting(NamedTuple):
    tenant_id: UUID
    device_id: UUID
    deadline_ms: int
    reply: Reply
    on_gone: OnGone


class ClientRpc:
    """Sends devices' calls to the rules and brings the answers back.

    Args:
        parts: the bus, the clock and the tenants' profiles are used.
        limits: how many calls may wait, and what a device is told.
    """

    def __init__(self, parts: DoorParts, limits: IngestOptions) -> None:
        self._parts = parts
        self._limits = limits
        self._waiting: OrderedDict[int, _Waiting] = OrderedDict()
        self._of_tenant: Counter[UUID] = Counter()
        self._last_id = 0
        self._sweeper: asyncio.Task[None] | None = None
        parts.bus.listen(EntityChanged, self._on_entity)

    def start(self) -> None:
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
            self._sweeper = None

    def parse(self, payload: bytes) -> Call:
        """Read ``{"method": "m", "params": <any JSON>}``; missing ``params`` are null.

        Raises:
            MissingMethod: there is no method.
            Invalid: it is no JSON object, or nested too deeply for the rules.
        """
        try:
            body = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            msg = f"The RPC request is not JSON: {error}"
            raise Invalid(msg) from None
        if not isinstance(body, dict):
            msg = 'An RPC request is an object like {"method": "name", "params": {}}'
            raise Invalid(msg)
        method = body.get("method")
        if not isinstance(method, str):
            msg = "An RPC request needs 'method', a string"
            raise MissingMethod(msg)
        dumps_received("The RPC request", body)
        return Call(method, body.get("params"))

    def send(self, session: DeviceSession, call: Call, reply: Reply, on_gone: OnGone) -> None:
        """Give a call to the rules; ``reply`` gets the answer, or a timeout after 60 s.

        ``on_gone`` is called instead when the device is deleted.

        Raises:
            Unavailable: too many calls wait.
        """
        if len(self._waiting) >= self._limits.client_rpcs:
            msg = "Too many RPC requests of devices wait for an answer; try again"
            raise Unavailable(msg)
        device = session.device
        if self._of_tenant[device.tenant_id] >= self._limits.tenant_client_rpcs:
            msg = "Too many RPC requests of the tenant's devices wait for an answer; try again"
            raise Unavailable(msg)
        now_ms = self._parts.clock.now_ms()
        self._last_id += 1
        self._of_tenant[device.tenant_id] += 1
        self._waiting[self._last_id] = _Waiting(
            device.tenant_id, device.id, now_ms + TIMEOUT_MS, reply, on_gone
        )
        message = Message(
            MessageType.TO_SERVER_RPC_REQUEST,
            device.ref,
            device.tenant_id,
            {"method": call.method, "params": call.params},
            {
                "deviceName": device.name,
                "deviceType": device.profile_name,
                "requestId": str(self._last_id),
                "serviceId": SERVICE_ID,
                "sessionId": str(session.id),
            },
            ts_ms=now_ms,
            customer_id=device.customer_id,
            profile_id=device.profile_id,
            rule_chain_id=device.rule_chain_id,
        )
        session.limits.share.count(message.receipt)
        message.receipt.hold()
        self._parts.bus.publish(message)
        message.receipt.release()

    def answer_of(self, device_id: UUID, request_id: int, answer: bytes) -> bool:
        """Give a rule's answer to the device; False when that does not wait any more."""
        waiting = self._waiting.get(request_id)
        # The number comes out of a message, in which a rule may have written another one.
        if waiting is None or waiting.device_id != device_id:
            return False
        self._answer(request_id, answer)
        return True

    def _answer(self, request_id: int, answer: bytes) -> None:
        self._pop(request_id).reply(answer)

    def _pop(self, request_id: int) -> _Waiting:
        waiting = self._waiting.pop(request_id)
        self._of_tenant[waiting.tenant_id] -= 1
        if not self._of_tenant[waiting.tenant_id]:
            del self._of_tenant[waiting.tenant_id]
        return waiting

    def expire(self) -> None:
        """Answer the calls that waited for 60 s."""
        now_ms = self._parts.clock.now_ms()
        while self._waiting:
            request_id, waiting = next(iter(self._waiting.items()))
            # A deadline farther away is of a clock that was put back since.
            if 0 < waiting.deadline_ms - now_ms <= TIMEOUT_MS:
                return
            self._answer(request_id, TIMED_OUT)

    def end_waiting(self) -> None:
        """Answer every call that waits, as if its time was over."""
        for request_id in list(self._waiting):
            self._answer(request_id, TIMED_OUT)

    def _on_entity(self, event: EntityChanged) -> None:
        if event.entity.type is not EntityType.DEVICE or event.change is not Change.DELETED:
            return
        waiting = [
            request_id
            for request_id, waiting in self._waiting.items()
            if waiting.device_id == event.entity.id
        ]
        for request_id in waiting:
            self._pop(request_id).on_gone()

    async def answer_limits(self, session: DeviceSession, reply: Reply) -> None:
        """Tell a device what it may send (getSessionLimits)."""
        profile = await self._parts.tenant_profile(session.device.tenant_id)
        is_gateway = session.device.is_gateway
        limits: dict[str, Any] = {
            "maxPayloadSize": self._limits.payload_bytes,
            "maxInflightMessages": self._limits.session_in_flight,
            "rateLimits": _rate_limits(
                profile, "transportGatewayDevice" if is_gateway else "transportDevice"
            ),
        }
        if is_gateway:
            limits["gatewayRateLimits"] = _rate_limits(profile, "transportGateway")
        reply(dumps(limits))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self.expire()


def _rate_limits(profile: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name: profile.get(prefix + suffix) for name, suffix in _LIMITS}
