"""A gateway's devices on its connection: between the gateway topics and the door."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from fieldline.ingest.attributes import AttributeRequest, FoundAttributes
from fieldline.ingest.session import CloseReason, DeviceSession, RpcRequest, SubDeviceKind
from fieldline.kit.errors import FieldlineError, RateLimited
from fieldline.kit.json import dumps_received
from fieldline.messaging.receipt import Receipt
from fieldline.protocols.mqtt.packets import Publish
from fieldline.transports.mqtt.errors import SubDeviceLimited
from fieldline.transports.mqtt.gateway_metrics import GatewayMetrics
from fieldline.transports.mqtt.gateway_payloads import Of
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
from fieldline.transports.mqtt.sub_devices import GatewayParts, SubDevices, Work

_SHARED = {"scope": "SHARED_SCOPE"}
_DEFAULT = SubDeviceKind(DEFAULT_TYPE)
_TOPICS = {topic.value: topic for topic in GatewayTopic}


class GatewayDevice:
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
        self._devices = SubDevices(gateway, parts, partial(GatewayDevice, self))
        self._metrics = GatewayMetrics()

    def publish(self, packet: Publish, ack: Receipt) -> bool:
        """Hand a message in; False: it is on none of a gateway's topics.

        Raises:
            FieldlineError: it, or the door, refused; what could be taken of it was.
        """
        topic = _TOPICS.get(packet.topic)
        if topic is None:
            return False
        work = _READERS[topic](self, packet.payload, ack)
        self._devices.submit(work._replace(run=partial(self._run, work)), len(packet.payload))
        return True

    def touch(self) -> None:
        """Note that the devices are there as their gateway is, if it speaks for them."""
        self._devices.touch()

    def when_done(self, then: Callable[[], None]) -> None:
        """Call ``then`` when what was said is worked on: the connection is lost."""
        self._devices.when_done(then)

    def close(self) -> None:
        """Disconnect every device."""
        self._devices.close()

    def forget(self, device: GatewayDevice) -> None:
        """Know a device no more: it connected elsewhere, or is gone."""
        self._devices.forget(device)

    def tell(
        self, topic: str, body: bytes, on_acknowledged: Callable[[], None] | None = None
    ) -> bool:
        """Send the gateway a message."""
        return self._parts.send(topic, self._parts.qos_of(topic), body, on_acknowledged)

    def push_attributes(
        self, device: GatewayDevice, updated: Mapping[str, Any], deleted: list[str]
    ) -> None:
        """Tell the gateway of changed and deleted shared attributes of one of its devices."""
        payloads = self._parts.payloads()
        self.tell(ATTRIBUTES, payloads.attributes(device.name, updated, deleted, self._door.now_ms))

    def send_rpc(self, device: GatewayDevice, request: RpcRequest) -> None:
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

    def _run(self, work: Work) -> None:
        try:
            work.run()
        except RateLimited as error:
            raise self._limited(next(iter(work.names)), error) from error

    def _limited(self, name: str, error: RateLimited) -> SubDeviceLimited:
        """Tell the gateway which device sent too much; returns what ends its connection."""
        if self._parts.tells_reasons:
            self.tell(DISCONNECT, self._parts.payloads().disconnect(name, OVER_RATE))
        return SubDeviceLimited(error.message)

    # The messages

    def _on_connect(self, payload: bytes, ack: Receipt) -> Work:
        message = self._read(GatewayTopic.CONNECT, payload)
        name = field(message, "device", str)
        return Work(
            {name: SubDeviceKind(device_type(message))}, lambda: self._touch_device(name), ack
        )

    def _touch_device(self, name: str) -> None:
        self._door.touch(self._devices.device(name).session)

    def _on_disconnect(self, payload: bytes, ack: Receipt) -> Work:
        name = field(self._read(GatewayTopic.DISCONNECT, payload), "device", str)
        return Work({}, lambda: self._devices.disconnect(name), ack)

    def _on_telemetry(self, payload: bytes, ack: Receipt) -> Work:
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

    def _on_attributes(self, payload: bytes, ack: Receipt) -> Work:
        return self._for_each(
            self._values(GatewayTopic.ATTRIBUTES, payload),
            lambda session, part: self._door.attributes_document(
                session, part.values, ack, _SHARED if part.is_shared else None
            ),
            ack,
        )

    def _on_claim(self, payload: bytes, ack: Receipt) -> Work:
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
    ) -> Work:
        def take_all() -> None:
            first: FieldlineError | None = None
            for part in found:
                try:
                    if part.error is not None:
                        raise part.error
                    take(self._devices.device(part.name).session, part)
                except RateLimited as error:
                    raise self._limited(part.name, error) from error
                except FieldlineError as error:
                    first = first or error
            if first is not None:
                raise first

        return Work(dict.fromkeys((part.name for part in found), _DEFAULT), take_all, ack)

    def _on_attributes_request(self, payload: bytes, ack: Receipt) -> Work:
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
            self._door.request_attributes(self._devices.device(name).session, request, answer)

        return Work({name: _DEFAULT}, ask, ack)

    def _on_rpc(self, payload: bytes, ack: Receipt) -> Work:
        message = self._read(GatewayTopic.RPC, payload)
        name = field(message, "device", str)
        number = field(message, "id", int)
        if "data" not in message:
            raise MalformedGatewayMessage("'data' must be the device's answer, any JSON")
        response = dumps_received("'data'", message["data"])

        def answer() -> None:
            session = self._devices.device(name).session
            self._door.rpc_answered(session, number, response)

        return Work({name: _DEFAULT}, answer, ack)


_READERS: dict[GatewayTopic, Callable[[GatewayChannel, bytes, Receipt], Work]] = {
    GatewayTopic.CONNECT: GatewayChannel._on_connect,  # noqa: SLF001 - the table of this class
    GatewayTopic.DISCONNECT: GatewayChannel._on_disconnect,  # noqa: SLF001
    GatewayTopic.TELEMETRY: GatewayChannel._on_telemetry,  # noqa: SLF001
    GatewayTopic.ATTRIBUTES: GatewayChannel._on_attributes,  # noqa: SLF001
    GatewayTopic.ATTRIBUTES_REQUEST: GatewayChannel._on_attributes_request,  # noqa: SLF001
    GatewayTopic.RPC: GatewayChannel._on_rpc,  # noqa: SLF001
    GatewayTopic.CLAIM: GatewayChannel._on_claim,  # noqa: SLF001
}
