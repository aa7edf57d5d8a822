"""A gateway's devices on its connection: between the gateway topics and the door.

Messages are worked on in their order. One that names a device which is not connected yet waits
until it is, and the messages behind it wait too; meanwhile all devices that they name are asked for
together.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from fieldline.ingest.attributes import AttributeRequest, FoundAttributes
from fieldline.ingest.door import Door
from fieldline.ingest.session import CloseReason, DeviceRecord, DeviceSession, RpcRequest
from fieldline.kit.errors import FieldlineError, LimitReached, RateLimited, Unavailable
from fieldline.kit.json import dumps
from fieldline.messaging.receipt import Receipt
from fieldline.protocols.mqtt.packets import Publish
from fieldline.transports.mqtt.errors import SubDeviceLimited, SubDeviceRefused
from fieldline.transports.mqtt.gateway_metrics import GatewayMetrics
from fieldline.transports.mqtt.gateway_payloads import GatewayPayloads, Of
from fieldline.transports.mqtt.gateway_topics import (
    ATTRIBUTES,
    ATTRIBUTES_RESPONSE,
    DEFAULT_TYPE,
    DISCONNECT,
    OVER_RATE,
    RPC,
    GatewayTopic,
    MalformedGatewayMessage,
    device_type,
    field,
)
from fieldline.transports.mqtt.sending import Send

logger = logging.getLogger(__name__)

MAX_WAITING = 1_000
"""Messages of one gateway that wait for devices; with more, its socket is not read."""
RETRY_S = 1.0
TOUCH_MS = 1_000
"""How often a gateway's activity is noted as that of all of its devices."""
REFUSED_FOR_MS = 300_000
"""How long a device beyond the tenant's limit is not asked for again."""
MAX_REFUSED = 10_000
"""Devices of which that is remembered."""
_SHARED = {"scope": "SHARED_SCOPE"}
_TOPICS = {topic.value: topic for topic in GatewayTopic}


class _Work(NamedTuple):
    """A message: the devices that it needs, by name with their type, and what to do then."""

    names: Mapping[str, str]
    run: Callable[[], None]
    ack: Receipt


class GatewayParts(NamedTuple):
    """What a gateway has of its connection.

    ``refuse`` answers a publish that failed after all; ``pause`` and ``resume`` stop and start the
    reading of the socket; ``spawn`` runs what waits for devices; ``payloads`` is the format of the
    gateway's profile; ``tells_reasons``: MQTT 5.
    """

    door: Door
    now_ms: Callable[[], int]
    send: Send
    qos_of: Callable[[str], int]
    refuse: Callable[[FieldlineError, Receipt], None]
    pause: Callable[[], None]
    resume: Callable[[], None]
    spawn: Callable[[Any], None]
    payloads: Callable[[], GatewayPayloads]
    tells_reasons: bool


class SubDevice:
    """A device that is connected through a gateway; the listener of its session."""

    __slots__ = ("_gateway", "name", "session")

    def __init__(self, gateway: "GatewayChannel", name: str) -> None:
        self._gateway = gateway
        self.name = name
        self.session: DeviceSession

    def on_attributes(self, updated: dict[str, object], deleted: list[str]) -> None:
        self._gateway.push_attributes(self, updated, deleted)

    def on_rpc(self, request: RpcRequest) -> None:
        self._gateway.send_rpc(self, request)

    def on_close(self, reason: CloseReason) -> None:  # noqa: ARG002 - the gateway is not told why
        self._gateway.forget(self)


class GatewayChannel:
    """One gateway on one connection.

    Args:
        gateway: its own session.
        parts: what it has of its connection.
    """

    def __init__(self, gateway: DeviceSession, parts: GatewayParts) -> None:
        self._gateway = gateway
        self._door = parts.door
        self._parts = parts
        self._devices: dict[str, SubDevice] = {}
        self._refused: dict[str, tuple[FieldlineError, int]] = {}
        self._waiting: deque[_Work] = deque()
        self._is_joining = False
        self._is_closed = False
        self._is_paused = False
        self._metrics = GatewayMetrics()
        self._touched_ms = 0

    @property
    def devices(self) -> int:
        """How many devices are connected."""
        return len(self._devices)

    def publish(self, packet: Publish, ack: Receipt) -> bool:
        """Hand a message in; False: it is on none of a gateway's topics.

        Raises:
            FieldlineError: it, or the door, refused; what could be taken of it was.
        """
        topic = _TOPICS.get(packet.topic)
        if topic is None:
            return False
        work = _READERS[topic](self, packet.payload, ack)
        if not self._waiting and self._knows(work.names):
            self._run(work)
            return True
        ack.hold()
        self._waiting.append(work)
        if len(self._waiting) >= MAX_WAITING and not self._is_paused:
            self._is_paused = True
            self._parts.pause()
        if not self._is_joining:
            self._is_joining = True
            self._parts.spawn(self._join())
        return True

    def touch(self) -> None:
        """Note that the devices are there as their gateway is, if it speaks for them."""
        if self._gateway.device.additional_info.get("overwriteActivityTime") is not True:
            return
        now_ms = self._parts.now_ms()
        if now_ms - self._touched_ms >= TOUCH_MS:
            self._touched_ms = now_ms
            for device in self._devices.values():
                self._door.touch(device.session)

    def close(self) -> None:
        """Disconnect every device: the connection is lost."""
        self._is_closed = True
        while self._waiting:
            self._waiting.popleft().ack.release()
        for device in list(self._devices.values()):
            self._door.close(device.session)
        self._devices.clear()

    def forget(self, device: SubDevice) -> None:
        """Know a device no more: it connected elsewhere, or is gone."""
        if self._devices.get(device.name) is device:
            del self._devices[device.name]

    def tell(
        self, topic: str, body: bytes, on_acknowledged: Callable[[], None] | None = None
    ) -> bool:
        """Send the gateway a message."""
        return self._parts.send(topic, self._parts.qos_of(topic), body, on_acknowledged)

    def push_attributes(
        self, device: SubDevice, updated: Mapping[str, Any], deleted: list[str]
    ) -> None:
        """Tell the gateway of changed and deleted shared attributes of one of its devices."""
        payloads = self._parts.payloads()
        self.tell(ATTRIBUTES, payloads.attributes(device.name, updated, deleted, self._door.now_ms))

    def send_rpc(self, device: SubDevice, request: RpcRequest) -> None:
        """Tell the gateway of a command to one of its devices."""
        number = request.number
        body = self._parts.payloads().rpc(device.name, request)
        on_acknowledged = partial(self._door.rpc_delivered, device.session, number)
        if not self.tell(RPC, body, on_acknowledged):
            return
        if self._parts.qos_of(RPC):
            self._door.rpc_sent(device.session, number)
        else:
            on_acknowledged()

    # Connecting devices

    def _knows(self, names: Mapping[str, str]) -> bool:
        """Whether a message can be worked on: each device is connected, or known to be refused."""
        return all(name in self._devices or self._refusal(name) for name in names)

    def _refusal(self, name: str) -> FieldlineError | None:
        if name not in self._refused:
            return None
        error, until_ms = self._refused[name]
        if self._parts.now_ms() < until_ms:
            return error
        del self._refused[name]
        return None

    async def _join(self) -> None:
        try:
            while self._waiting:
                wanted: dict[str, str] = {}
                for work in self._waiting:
                    for name, kind in work.names.items():
                        if not self._knows({name: kind}):
                            wanted.setdefault(name, kind)
                refusals = await self._connect(wanted)
                self._run_waiting(refusals)
        finally:
            self._is_joining = False
            if self._is_paused and not self._is_closed:
                self._is_paused = False
                self._parts.resume()

    async def _connect(self, wanted: Mapping[str, str]) -> dict[str, FieldlineError]:
        """Connect devices; those that cannot be are returned with the reason."""
        found: Mapping[str, DeviceRecord | FieldlineError] = {}
        while wanted and not self._is_closed:
            try:
                found = await self._door.join(self._gateway, wanted)
                break
            except Unavailable as error:
                logger.warning("devices of a gateway wait to be connected: %s", error.message)
                await asyncio.sleep(RETRY_S)
        refusals: dict[str, FieldlineError] = {}
        for name, record in found.items():
            if self._is_closed:
                break
            if isinstance(record, FieldlineError):
                refusals[name] = record
                if isinstance(record, LimitReached):
                    self._remember_refusal(name, SubDeviceRefused.of(record))
                continue
            device = SubDevice(self, name)
            try:
                device.session = self._door.open(record, device, self._gateway)
            except FieldlineError as error:
                refusals[name] = error
                continue
            self._devices[name] = device
            self._door.subscribe_attributes(device.session)
            self._door.subscribe_rpc(device.session)
        return {
            name: error if isinstance(error, Unavailable) else SubDeviceRefused.of(error)
            for name, error in refusals.items()
        }

    def _remember_refusal(self, name: str, error: FieldlineError) -> None:
        self._refused[name] = (error, self._parts.now_ms() + REFUSED_FOR_MS)
        if len(self._refused) > MAX_REFUSED:
            del self._refused[next(iter(self._refused))]

    def _run_waiting(self, refusals: Mapping[str, FieldlineError]) -> None:
        """Work on messages as far as their devices are there."""
        while self._waiting and not self._is_closed:
            work = self._waiting[0]
            # What came while these devices were asked for may name others too.
            missing = [name for name in work.names if name not in self._devices]
            refused = [refusals[name] for name in missing if name in refusals]
            if not all(name in refusals or self._refusal(name) for name in missing):
                return
            self._waiting.popleft()
            try:
                # A server that is too busy for one of them is to be asked again, for all of them.
                busy = [error for error in refused if isinstance(error, Unavailable)]
                if busy or (refused and len(work.names) == 1):
                    raise (busy or refused)[0]
                self._run(work)
            except FieldlineError as error:
                self._parts.refuse(error, work.ack)
            else:
                work.ack.release()

    def _run(self, work: _Work) -> None:
        try:
            work.run()
        except RateLimited as error:
            raise self._limited(next(iter(work.names)), error) from error

    def _limited(self, name: str, error: RateLimited) -> SubDeviceLimited:
        """Tell the gateway which device sent too much; returns what ends its connection."""
        if self._parts.tells_reasons:
            self.tell(DISCONNECT, self._parts.payloads().disconnect(name, OVER_RATE))
        return SubDeviceLimited(error.message)

    def _device(self, name: str) -> SubDevice:
        """Return a connected device.

        Raises:
            SubDeviceRefused: there is none; the reason is its text.
        """
        device = self._devices.get(name)
        if device is None:
            raise self._refusal(name) or SubDeviceRefused(f"'{name[:255]}' could not be connected")
        return device

    # The messages

    def _on_connect(self, payload: bytes, ack: Receipt) -> _Work:
        message = self._read(GatewayTopic.CONNECT, payload)
        name = field(message, "device", str)
        return _Work({name: device_type(message)}, lambda: self._touch_device(name), ack)

    def _touch_device(self, name: str) -> None:
        self._door.touch(self._device(name).session)

    def _on_disconnect(self, payload: bytes, ack: Receipt) -> _Work:
        name = field(self._read(GatewayTopic.DISCONNECT, payload), "device", str)

        def disconnect() -> None:
            device = self._devices.pop(name, None)
            if device is not None:
                self._door.close(device.session)

        return _Work({}, disconnect, ack)

    def _on_telemetry(self, payload: bytes, ack: Receipt) -> _Work:
        found = self._values(GatewayTopic.TELEMETRY, payload)
        now_ms = self._parts.now_ms()
        metrics = self._metrics.take_out((part.values for part in found), now_ms)
        if metrics is not None:
            self._door.telemetry_document(self._gateway, metrics, ack)
        return self._for_each(
            found,
            lambda session, part: self._door.telemetry_document(session, part.values, ack),
            ack,
        )

    def _on_attributes(self, payload: bytes, ack: Receipt) -> _Work:
        return self._for_each(
            self._values(GatewayTopic.ATTRIBUTES, payload),
            lambda session, part: self._door.attributes_document(
                session, part.values, ack, _SHARED if part.is_shared else None
            ),
            ack,
        )

    def _on_claim(self, payload: bytes, ack: Receipt) -> _Work:
        return self._for_each(
            self._values(GatewayTopic.CLAIM, payload),
            lambda session, part: self._door.claim_document(session, part.values, ack),
            ack,
        )

    def _read(self, topic: GatewayTopic, payload: bytes) -> dict[str, Any]:
        return self._parts.payloads().read(topic, payload)

    def _values(self, topic: GatewayTopic, payload: bytes) -> list[Of]:
        return self._parts.payloads().values(topic, payload, self._door.now_ms)

    def _for_each(
        self, found: list[Of], take: Callable[[DeviceSession, Of], None], ack: Receipt
    ) -> _Work:
        def take_all() -> None:
            first: FieldlineError | None = None
            for part in found:
                try:
                    if part.error is not None:
                        raise part.error
                    take(self._device(part.name).session, part)
                except RateLimited as error:
                    raise self._limited(part.name, error) from error
                except FieldlineError as error:
                    first = first or error
            if first is not None:
                raise first

        return _Work(dict.fromkeys((part.name for part in found), DEFAULT_TYPE), take_all, ack)

    def _on_attributes_request(self, payload: bytes, ack: Receipt) -> _Work:
        message = self._read(GatewayTopic.ATTRIBUTES_REQUEST, payload)
        name = field(message, "device", str)
        number = field(message, "id", int)
        is_client = field(message, "client", bool)
        keys = message.get("keys", [message["key"]] if "key" in message else None)
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            msg = "'key' must be a name of an attribute, or 'keys' an array of them"
            raise MalformedGatewayMessage(msg)
        names = tuple(keys)
        if not names:
            request = AttributeRequest(None, None)
        else:
            request = AttributeRequest(names if is_client else (), () if is_client else names)

        def answer(found: FoundAttributes) -> None:
            payloads = self._parts.payloads()
            body = payloads.attribute_response(name, number, names, found)
            self.tell(ATTRIBUTES_RESPONSE, body)

        def ask() -> None:
            self._door.request_attributes(self._device(name).session, request, answer)

        return _Work({name: DEFAULT_TYPE}, ask, ack)

    def _on_rpc(self, payload: bytes, ack: Receipt) -> _Work:
        message = self._read(GatewayTopic.RPC, payload)
        name = field(message, "device", str)
        number = field(message, "id", int)
        if "data" not in message:
            raise MalformedGatewayMessage("'data' must be the device's answer, any JSON")

        def answer() -> None:
            session = self._device(name).session
            self._door.rpc_answered(session, number, dumps(message["data"]))

        return _Work({name: DEFAULT_TYPE}, answer, ack)


_READERS: dict[GatewayTopic, Callable[[GatewayChannel, bytes, Receipt], _Work]] = {
    GatewayTopic.CONNECT: GatewayChannel._on_connect,  # noqa: SLF001 - the table of this class
    GatewayTopic.DISCONNECT: GatewayChannel._on_disconnect,  # noqa: SLF001
    GatewayTopic.TELEMETRY: GatewayChannel._on_telemetry,  # noqa: SLF001
    GatewayTopic.ATTRIBUTES: GatewayChannel._on_attributes,  # noqa: SLF001
    GatewayTopic.ATTRIBUTES_REQUEST: GatewayChannel._on_attributes_request,  # noqa: SLF001
    GatewayTopic.RPC: GatewayChannel._on_rpc,  # noqa: SLF001
    GatewayTopic.CLAIM: GatewayChannel._on_claim,  # noqa: SLF001
}
