"""A Sparkplug edge node and its devices on its connection: between their topics and the door.

A message is read when it comes: what was born, and which message is next, does not wait. What it
says is then worked on in its turn (``sub_devices``).

Source: Eclipse Sparkplug 3.0.0; how metrics are stored and written is ThingsBoard's.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from fieldline.ingest.door import Door
from fieldline.ingest.session import CloseReason, DeviceSession, RpcRequest, SubDeviceKind
from fieldline.kit.json import dumps
from fieldline.messaging.receipt import Receipt, unattended
from fieldline.protocols.mqtt.packets import Publish, Subscription
from fieldline.protocols.mqtt.reason_codes import ReasonCode
from fieldline.protocols.sparkplug.errors import MalformedPayload, NotWritable
from fieldline.protocols.sparkplug.node import Report, rebirth
from fieldline.protocols.sparkplug.topics import (
    CERTIFICATES,
    NAMESPACE,
    STATE,
    MessageType,
    Topic,
    parse_topic,
)
from fieldline.transports.mqtt.acks import Ack
from fieldline.transports.mqtt.channel import DeviceChannel
from fieldline.transports.mqtt.packages import PackageChannel
from fieldline.transports.mqtt.sending import Send
from fieldline.transports.mqtt.sparkplug_connect import Identity
from fieldline.transports.mqtt.sub_devices import GatewayParts, SubDevices, Work

logger = logging.getLogger(__name__)

CONNECTION_STATE = "sparkplugConnectionState"
_ONLINE = {CONNECTION_STATE: "ONLINE"}
_OFFLINE = {CONNECTION_STATE: "OFFLINE"}
_OF_SPARKPLUG = (NAMESPACE, CERTIFICATES)
_COMMAND_QOS = 1
_NO_KEY = "a name has at most 255 characters, more than blanks, and neither HTML nor {{ }}"
_OF_GATEWAYS = frozenset({"gateway_device_deleted", "gateway_device_renamed"})
"""What the platform tells gateways; an edge node keeps no names of its devices here."""


class AttributeNames:
    """The metrics that are attributes, by the profile's ``sparkplugAttributesMetricNames``."""

    __slots__ = ("_exact", "_prefixes", "configuration")

    def __init__(self, configuration: Mapping[str, object]) -> None:
        self.configuration = configuration
        given = configuration.get("sparkplugAttributesMetricNames")
        names = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
        self._exact = frozenset(names)
        self._prefixes = tuple(name[:-1] for name in names if name.endswith("*"))

    def __contains__(self, name: str) -> bool:
        return name in self._exact or name.startswith(self._prefixes)

    def __bool__(self) -> bool:
        return bool(self._exact)


class SparkplugDevice:
    """A device of an edge node; the listener of its session."""

    __slots__ = ("_channel", "_id", "name", "session")

    def __init__(self, channel: "EdgeNodeChannel", name: str) -> None:
        self._channel = channel
        self._id = channel.id_of(name)
        self.name = name
        self.session: DeviceSession

    def on_attributes(self, updated: dict[str, object], deleted: list[str]) -> None:  # noqa: ARG002
        self._channel.write_attributes(self._id, updated)

    def on_rpc(self, request: RpcRequest) -> None:
        self._channel.write_metric(self.session, self._id, request)

    def on_close(self, reason: CloseReason) -> None:  # noqa: ARG002 - the node is not told why
        self._channel.forget(self)


class EdgeNodeChannel(DeviceChannel):
    """An edge node on one connection, which is also a device as every other.

    Args:
        door: the platform.
        device: the open session there.
        version: the connection's protocol level.
        send: how to reach the edge node.
        identity: who it says it is.
        open_packages: makes what it downloads packages by.
    """

    __slots__ = (
        "_attributes",
        "_devices",
        "_has_will",
        "_is_born",
        "_is_offline",
        "_is_over",
        "_is_warned",
        "_node",
        "_parts",
        "_prefix",
        "_topic",
    )

    def __init__(
        self,
        door: Door,
        device: DeviceSession,
        version: int,
        send: Send,
        identity: Identity,
        open_packages: Callable[[], PackageChannel],
    ) -> None:
        super().__init__(door, device, version, send, open_packages)
        self._topic = identity.death
        self._node = identity.node
        self._prefix = f"{identity.death.group}:{identity.death.node}:"
        self._attributes = AttributeNames(device.device.transport_configuration)
        self._devices: SubDevices[SparkplugDevice]
        self._parts: GatewayParts
        self._has_will = True
        self._is_born = False
        self._is_offline = False
        self._is_over = False
        self._is_warned = False

    def begin(self, parts: GatewayParts) -> None:
        """Be ready for devices; ``parts`` are what there is of the connection."""
        self._parts = parts
        self._devices = SubDevices(self.device, parts, partial(SparkplugDevice, self))

    # What it says

    def publish(self, packet: Publish, ack: Receipt) -> None:
        """Hand a publish in.

        Raises:
            FieldlineError: it cannot be read, or the door refused it.
        """
        if not packet.topic.startswith(_OF_SPARKPLUG):
            super().publish(packet, ack)
            return
        self._door.touch(self.device)
        self._devices.touch()
        topic = parse_topic(packet.topic)
        if topic is None or not self._is_own(topic):
            _answer(ack, ReasonCode.TOPIC_NAME_INVALID)
            return
        report = self._read(topic, packet.payload)
        if report is None:  # the death of an earlier life
            _answer(ack, ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR)
            return
        if report.wants_rebirth:
            payload = rebirth(self._door.now_ms)
            self._send(self._command_topic(""), _COMMAND_QOS, payload)
        if not report.is_whole:
            _answer(ack, ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR)
            if topic.type is MessageType.DDATA and not report.samples:
                return  # of a device that may not be there, nothing that could be stored
        self._devices.submit(self._work(topic, report, ack, packet.topic), len(packet.payload))

    def _read(self, topic: Topic, payload: bytes) -> Report | None:
        try:
            report = self._node.receive(topic.type, topic.device, payload, self._parts.now_ms())
        except MalformedPayload as error:
            self._parts.complain(self.device.device.name, f"{topic.type}: {error.message}")
            raise
        if report is not None and report.left_out and not self._is_warned:
            self._is_warned = True
            what = f"{topic.type}: {report.left_out} metrics are not stored: {_NO_KEY}"
            self._parts.complain(self.device.device.name, what)
        return report

    def _is_own(self, topic: Topic) -> bool:
        is_command = topic.type in {MessageType.NCMD, MessageType.DCMD}
        whose = (topic.group, topic.node)
        return not is_command and whose == (self._topic.group, self._topic.node)

    def _work(self, topic: Topic, report: Report, ack: Receipt, text: str) -> Work:
        """Return what is to be done in a message's turn."""
        kind = topic.type
        if kind is MessageType.NDEATH:
            return Work({}, partial(self._die, report.numbers, ack), ack)
        if not topic.device:
            of_node = self._live if kind is MessageType.NBIRTH else self._say
            return Work({}, partial(of_node, report, ack, text), ack)
        name = self._prefix + topic.device
        if kind is MessageType.DDEATH:
            return Work({}, partial(self._device_dies, name, report, ack, text), ack)
        of_device = self._device_lives if kind is MessageType.DBIRTH else self._device_says
        wanted = SubDeviceKind(f"{self.device.device.profile_name} device", topic.device)
        return Work({name: wanted}, partial(of_device, name, report, ack, text), ack)

    def _live(self, report: Report, ack: Receipt, text: str) -> None:
        self._is_offline = False
        self._door.observe(self.device, _ONLINE, ack)
        self._take(self.device, report, ack, text)
        if self._is_born:
            self._door.resume_rpc(self.device)
        else:
            self._is_born = True
            self._door.subscribe_attributes(self.device)
            self._door.subscribe_rpc(self.device)

    def _say(self, report: Report, ack: Receipt, text: str) -> None:
        self._take(self.device, report, ack, text)

    def _die(self, numbers: dict[str, int], ack: Receipt) -> None:
        """Note that the edge node, and with it each of its devices, is gone."""
        for device in self._devices:
            self._door.observe(device.session, _OFFLINE, ack)
            self._devices.disconnect(device.name)
        if not self._is_offline:
            self._is_offline = True
            self._door.observe(self.device, {**_OFFLINE, **numbers}, ack)

    def _device_lives(self, name: str, report: Report, ack: Receipt, text: str) -> None:
        device = self._devices.device(name)
        self._door.observe(device.session, _ONLINE, ack)
        self._take(device.session, report, ack, text)
        self._door.resume_rpc(device.session)

    def _device_says(self, name: str, report: Report, ack: Receipt, text: str) -> None:
        self._take(self._devices.device(name).session, report, ack, text)

    def _device_dies(self, name: str, report: Report, ack: Receipt, text: str) -> None:
        device = self._devices.find(name)
        if device is None:
            return
        self._door.observe(device.session, _OFFLINE, ack)
        self._take(device.session, report, ack, text)
        self._devices.disconnect(name)

    def _take(self, session: DeviceSession, report: Report, ack: Receipt, text: str) -> None:
        """Give the door a message's values: attributes, and readings by their time."""
        names = self._attribute_names
        attributes: dict[str, Any] = {}
        groups: dict[int | None, dict[str, Any]] = {}
        for name, ts_ms, value, is_historical in report.samples:
            # Attributes have no history, and an older value must not replace the present one.
            if names and name in names and not is_historical:
                attributes[name] = value
            else:
                groups.setdefault(ts_ms, {})[name] = value
        if report.numbers:
            # With the newest values, so that they are no message of their own to the rules.
            newest = max((ts_ms for ts_ms in groups if ts_ms is not None), default=None)
            groups.setdefault(newest, {}).update(report.numbers)
        metadata = {"mqttTopic": text}
        if groups:
            self._door.readings(session, groups, ack, metadata)
        if attributes:
            shared = {**metadata, "scope": "SHARED_SCOPE"}
            self._door.attribute_values(session, attributes, ack, shared)

    @property
    def _attribute_names(self) -> AttributeNames:
        configuration = self.device.device.transport_configuration
        if self._attributes.configuration is not configuration:
            self._attributes = AttributeNames(configuration)
        return self._attributes

    # What it is told

    def push_attributes(self, updated: dict[str, object], deleted: list[str]) -> None:  # noqa: ARG002
        """Write the metrics of changed shared attributes; what is deleted stays as it is."""
        self.write_attributes("", updated)

    def send_rpc(self, request: RpcRequest) -> None:
        """Write the metric that a command names."""
        self.write_metric(self.device, "", request)

    def write_attributes(self, device_id: str, updated: Mapping[str, object]) -> None:
        """Write metrics of the edge node ("") or a device by the names of attributes."""
        values: dict[str, Any] = {}
        for key, value in updated.items():
            if key == _command_of(device_id) and isinstance(value, dict):
                values.update(value)
            else:
                values[key] = value
        payload, refused = self._node.command(device_id, values, self._door.now_ms)
        if payload:
            self._send(self._command_topic(device_id), _COMMAND_QOS, payload)
        for reason in refused.values():
            logger.info("a shared attribute is not sent to a Sparkplug metric: %s", reason)

    def write_metric(self, session: DeviceSession, device_id: str, request: RpcRequest) -> None:
        """Do what a command says, and answer it: with its acknowledgement, or why it cannot be.

        It waits until the device is born: after a new birth of its edge node too.
        """
        number = request.number
        if request.method in _OF_GATEWAYS:
            self._door.rpc_delivered(session, number)
            return
        try:
            payload = self._command(device_id, request)
        except NotWritable as error:
            refusal = {"result": "BAD_REQUEST_PARAMS", "error": error.message}
            self._door.rpc_refused(session, number, dumps(refusal))
            return
        if not payload:
            return

        def on_acknowledged() -> None:
            self._door.rpc_delivered(session, number)
            answer = {"result": f"Success: {request.method}"}
            self._door.rpc_settled(session, number, dumps(answer))

        if self._send(self._command_topic(device_id), _COMMAND_QOS, payload, on_acknowledged):
            self._door.rpc_sent(session, number)

    def _command(self, device_id: str, request: RpcRequest) -> bytes:
        """Return the payload of a command; none for who is not born yet."""
        method = _command_of(device_id)
        if request.method != method:
            msg = f"The method of a command to this device is {method}, not {request.method[:64]}"
            raise NotWritable(msg)
        params = request.params if isinstance(request.params, dict) else {}
        name = params.get("metricName")
        if not isinstance(name, str) or "value" not in params:
            raise NotWritable('The params of a command are {"metricName": "a name", "value": ..}')
        if not self._node.is_born(device_id):
            return b""
        payload, refused = self._node.command(device_id, {name: params["value"]}, self._door.now_ms)
        if refused:
            raise NotWritable(f"Metric '{name[:255]}': {refused[name]}")
        return payload

    def _command_topic(self, device_id: str) -> str:
        kind = _command_of(device_id)
        return str(Topic(self._topic.group, kind, self._topic.node, device_id))

    # Subscriptions: commands are sent without any, and the host is always there

    def _subscribe_one(self, subscription: Subscription) -> int:
        topic_filter = subscription.topic_filter
        if not topic_filter.startswith(NAMESPACE):
            return super()._subscribe_one(subscription)
        qos = min(subscription.qos, 1)
        self._subscriptions[topic_filter] = qos
        if topic_filter.startswith(STATE) and "+" not in topic_filter and "#" not in topic_filter:
            state = dumps({"online": True, "timestamp": self._door.now_ms})
            # After the answer to the subscription.
            asyncio.get_running_loop().call_soon(self._send, topic_filter, qos, state)
        return qos

    def unsubscribe(self, topic_filters: list[str]) -> list[int]:
        """End subscriptions, but for commands; return the UNSUBACK's codes."""
        self._door.touch(self.device)
        return self._drop_subscriptions(topic_filters)

    # The connection

    def id_of(self, name: str) -> str:
        """Return the id of a device within its edge node."""
        return name.removeprefix(self._prefix)

    def forget(self, device: SparkplugDevice) -> None:
        """Know a device no more: it connected elsewhere, or is gone."""
        self._devices.forget(device)

    def touch(self) -> None:
        """Note that the edge node is there."""
        super().touch()
        self._devices.touch()

    def drop_will(self) -> None:
        """Forget the will: the edge node said good-bye."""
        self._has_will = False

    def end(self) -> None:
        """Act on the will: the connection is lost, or the door has ended the session."""
        if self._is_over:
            return
        self._is_over = True
        numbers = {"NDEATH bdSeq": self._node.death_seq} if self._has_will else {}
        receipt = unattended()
        self._die(numbers, receipt)
        receipt.release()
        self._devices.close()

    def close(self) -> None:
        """Close the sessions of the edge node and its devices: the connection is lost.

        What it said before is worked on first.
        """
        self._devices.when_done(self._leave)


def _command_of(device_id: str) -> MessageType:
    return MessageType.DCMD if device_id else MessageType.NCMD


def _answer(ack: Receipt, code: ReasonCode) -> None:
    """Have the PUBACK say that not all is well; MQTT 3 has no word for it."""
    if isinstance(ack, Ack):
        ack.code = code
