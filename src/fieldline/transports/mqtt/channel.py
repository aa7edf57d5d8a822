"""What a connected device says and hears, in ThingsBoard's topics: between packets and the door."""

import asyncio
from collections.abc import Callable
from functools import partial

from fieldline.ingest.attributes import FoundAttributes
from fieldline.ingest.door import Door
from fieldline.ingest.session import DeviceSession, RpcRequest
from fieldline.kit.errors import Invalid
from fieldline.kit.json import dumps
from fieldline.messaging.receipt import Receipt
from fieldline.protocols.mqtt.packets import MQTT_5, Publish, Subscription
from fieldline.protocols.mqtt.reason_codes import V3_SUBSCRIBE_FAILURE, ReasonCode
from fieldline.transports.mqtt import gateway_payloads, gateway_topics
from fieldline.transports.mqtt.acks import Ack
from fieldline.transports.mqtt.errors import InvalidRequestId
from fieldline.transports.mqtt.gateway import GatewayChannel
from fieldline.transports.mqtt.gateway_payloads import GatewayPayloads
from fieldline.transports.mqtt.packages import PackageChannel, chunk_of
from fieldline.transports.mqtt.payloads import JSON, Payloads
from fieldline.transports.mqtt.sending import Send
from fieldline.transports.mqtt.topics import (
    RPC_REQUESTS,
    RPC_TOPICS,
    DeviceTopics,
    Purpose,
    Route,
    request_number,
)


class DeviceChannel:
    """One device on one connection: its topics, its subscriptions, its way to the door.

    Args:
        door: the platform.
        device: the open session there.
        version: the connection's protocol level.
        send: how to reach the device.
        open_packages: makes what answers requests for OTA packages, which few devices have.

    Attributes:
        gateway: the devices that speak through this one, if it is a gateway.
    """

    __slots__ = (
        "_door",
        "_open_packages",
        "_packages",
        "_push_qos",
        "_push_topic",
        "_rpc_qos",
        "_rpc_topic",
        "_send",
        "_subscriptions",
        "_topics",
        "_version",
        "device",
        "gateway",
    )

    def __init__(
        self,
        door: Door,
        device: DeviceSession,
        version: int,
        send: Send,
        open_packages: Callable[[], PackageChannel],
    ) -> None:
        self.device = device
        self._open_packages = open_packages
        self._packages: PackageChannel | None = None
        self.gateway: GatewayChannel | None = None
        self._door = door
        self._version = version
        self._send = send
        self._topics = DeviceTopics(device.device.transport_configuration)
        self._subscriptions: dict[str, int] = {}
        self._push_topic = ""
        self._push_qos = 1
        self._rpc_topic = RPC_REQUESTS
        self._rpc_qos = 1

    @property
    def topics(self) -> DeviceTopics:
        """The device's topics, made anew when its profile was changed."""
        configuration = self.device.device.transport_configuration
        if self._topics.configuration is not configuration:
            self._topics = DeviceTopics(configuration)
        return self._topics

    @property
    def acknowledges_invalid(self) -> bool:
        """Whether the profile wants an acknowledgement also of what cannot be read."""
        return self.topics.acknowledges_invalid

    def gateway_payloads(self) -> GatewayPayloads:
        """Return the format of what a gateway says of its devices, that of its profile."""
        protobuf = self.topics.protobuf
        if protobuf is None:
            return gateway_payloads.JSON
        if protobuf.or_json:
            return gateway_payloads.PROTOBUF_OR_JSON
        return gateway_payloads.PROTOBUF

    def publish(self, packet: Publish, ack: Receipt) -> None:
        """Hand a publish in.

        Raises:
            FieldlineError: the door, or its topic's last level, refused it; nothing was taken.
        """
        if self.gateway is not None:
            self.gateway.touch()
            if self._publish_as_gateway(self.gateway, packet, ack):
                return
        self._publish_as_device(packet, ack)

    @property
    def name(self) -> str:
        """Who speaks, for the log."""
        return f"device {self.device.device.id}"

    def publish_will(self, packet: Publish, receipt: Receipt) -> None:
        """Hand in what the device left to be said; that is no sign of its activity.

        Raises:
            FieldlineError: the door, or its topic's last level, refused it; nothing was taken.
        """
        own, self.device = self.device, self._door.last_words(self.device)
        try:
            if self.gateway is None or not self._publish_as_gateway(self.gateway, packet, receipt):
                self._publish_as_device(packet, receipt)
        finally:
            self.device = own

    def _publish_as_device(self, packet: Publish, ack: Receipt) -> None:
        topics = self.topics
        route = topics.route(packet.topic)
        if route.purpose is Purpose.TELEMETRY:
            metadata = {"mqttTopic": packet.topic} if topics.names_topic else None
            if route.protobuf is None:
                self._door.telemetry(self.device, packet.payload, ack, metadata)
            else:
                document = route.protobuf.telemetry(packet.payload, self._door.now_ms)
                self._door.telemetry_document(self.device, document, ack, metadata)
        elif route.purpose is Purpose.ATTRIBUTES:
            metadata = {"mqttTopic": packet.topic} if topics.names_topic else None
            if route.protobuf is None:
                self._door.attributes(self.device, packet.payload, ack, metadata)
            else:
                values = route.protobuf.attributes(packet.payload)
                self._door.attributes_document(self.device, values, ack, metadata)
        else:
            self._door.touch(self.device)
            self._request(packet, route, ack)

    def _publish_as_gateway(self, gateway: GatewayChannel, packet: Publish, ack: Receipt) -> bool:
        if not packet.topic.startswith(gateway_topics.PREFIX):
            return False
        self._door.touch(self.device)
        if not gateway.publish(packet, ack) and isinstance(ack, Ack):
            ack.code = ReasonCode.TOPIC_NAME_INVALID
        return True

    def _request(self, packet: Publish, route: Route, ack: Receipt) -> None:
        if route.purpose is Purpose.UNKNOWN:
            if isinstance(ack, Ack):
                ack.code = ReasonCode.TOPIC_NAME_INVALID
            return
        payloads: Payloads = JSON if route.protobuf is None else route.protobuf
        if route.purpose is Purpose.CLAIM:
            self._door.claim(self.device, payloads.claim(packet.payload), ack)
            return
        if route.purpose is Purpose.PACKAGE:
            self._request_chunk(packet, route, ack)
            return
        number = request_number(route)
        if number is None:
            kind = InvalidRequestId if route.purpose is Purpose.RPC_REQUEST else Invalid
            msg = f"The last level of the topic of an {route.purpose.value} is a 32-bit number"
            raise kind(msg)
        if route.purpose is Purpose.ATTRIBUTE_REQUEST:
            # ThingsBoard leaves requests with a negative id unanswered, but does check them.
            request = payloads.attribute_request(packet.payload)
            reply = partial(self._answer_attributes, route, number) if number >= 0 else _no_reply
            self._door.request_attributes(self.device, request, reply)
        elif route.purpose is Purpose.RPC_REQUEST:
            answer = partial(self._answer_rpc, route, number)
            self._door.client_rpc(self.device, payloads.client_rpc(packet.payload), answer)
        else:
            self._door.rpc_answered(self.device, number, payloads.rpc_response(packet.payload))

    def _request_chunk(self, packet: Publish, route: Route, ack: Receipt) -> None:
        chunk = chunk_of(packet.topic, route.request_id)
        if chunk is None:
            if isinstance(ack, Ack):
                ack.code = ReasonCode.TOPIC_NAME_INVALID
            return
        if self._packages is None:
            self._packages = self._open_packages()
        qos = self.qos_of(f"{route.reply_prefix}+/chunk/+")
        self._packages.request(self.device, chunk, packet.payload, qos, ack)

    # Answers go out whether subscribed to or not.

    def _answer_attributes(self, route: Route, number: int, found: FoundAttributes) -> None:
        payloads = self.topics.written_by(route.reply_prefix)
        self._reply(route, number, payloads.attribute_response(number, found))

    def _answer_rpc(self, route: Route, number: int, answer: bytes) -> None:
        payloads = self.topics.written_by(route.reply_prefix)
        self._reply(route, number, payloads.client_rpc_response(number, answer))

    def _reply(self, route: Route, number: int, payload: bytes) -> None:
        qos = self.qos_of(f"{route.reply_prefix}+")
        self._send(f"{route.reply_prefix}{number}", qos, payload)

    def qos_of(self, topic_filter: str) -> int:
        """Return the QoS that was granted to a subscription; 1 where there is none."""
        return self._subscriptions.get(topic_filter, 1)

    def touch(self) -> None:
        """Note that the device is there."""
        self._door.touch(self.device)
        if self.gateway is not None:
            self.gateway.touch()

    def end(self) -> None:
        """Close the sessions of sub-devices: the door has ended the device's own."""
        if self.gateway is not None:
            self.gateway.close()

    def close(self) -> None:
        """Close the device's session and those of its sub-devices: the connection is lost.

        What it said of these before is worked on first.
        """
        if self.gateway is None:
            self._leave()
        else:
            self.gateway.when_done(self._leave)

    def _leave(self) -> None:
        self.end()
        self._door.close(self.device)

    def subscribe(self, subscriptions: list[Subscription]) -> list[int]:
        """Subscribe; return the SUBACK's codes."""
        self._door.touch(self.device)
        return [self._subscribe_one(subscription) for subscription in subscriptions]

    def _subscribe_one(self, subscription: Subscription) -> int:
        topics = self.topics
        topic_filter = subscription.topic_filter
        if not topics.grants(topic_filter):
            return self._refused(topic_filter)
        qos = min(subscription.qos, 1)
        self._subscriptions.pop(topic_filter, None)
        self._subscriptions[topic_filter] = qos
        if topics.push_topic(topic_filter) is not None:
            self._push_by(topic_filter)
            self._door.subscribe_attributes(self.device)
        elif topic_filter in RPC_TOPICS:
            self._send_rpcs_by(topic_filter)
            self._door.subscribe_rpc(self.device)
        return qos

    def _push_by(self, topic_filter: str) -> None:
        """Push shared attributes in the way of a subscription from now on."""
        self._push_topic = self.topics.push_topic(topic_filter) or self._push_topic
        self._push_qos = self._subscriptions[topic_filter]

    def _send_rpcs_by(self, topic_filter: str) -> None:
        """Send commands in the way of a subscription from now on."""
        self._rpc_topic = RPC_TOPICS[topic_filter]
        self._rpc_qos = self._subscriptions[topic_filter]

    def _refused(self, topic_filter: str) -> int:
        if self._version != MQTT_5:
            return V3_SUBSCRIBE_FAILURE
        if topic_filter.startswith("$share/"):
            return ReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
        return ReasonCode.TOPIC_FILTER_INVALID

    def unsubscribe(self, topic_filters: list[str]) -> list[int]:
        """End subscriptions; return the UNSUBACK's codes."""
        self._door.touch(self.device)
        codes = self._drop_subscriptions(topic_filters)
        # Of several subscriptions the last one that is left counts.
        to_pushes = [left for left in self._subscriptions if self.topics.push_topic(left)]
        if to_pushes:
            self._push_by(to_pushes[-1])
        else:
            self._door.unsubscribe_attributes(self.device)
        to_rpcs = [left for left in self._subscriptions if left in RPC_TOPICS]
        if to_rpcs:
            self._send_rpcs_by(to_rpcs[-1])
        else:
            self._door.unsubscribe_rpc(self.device)
        return codes

    def _drop_subscriptions(self, topic_filters: list[str]) -> list[int]:
        codes: list[int] = []
        for topic_filter in topic_filters:
            was_there = self._subscriptions.pop(topic_filter, None) is not None
            codes.append(ReasonCode.SUCCESS if was_there else ReasonCode.NO_SUBSCRIPTION_EXISTED)
        return codes

    def push_attributes(self, updated: dict[str, object], deleted: list[str]) -> None:
        """Tell the device of changed and deleted shared attributes."""
        payloads = self.topics.written_by(self._push_topic)
        body = payloads.attribute_push(updated, deleted, self._door.now_ms)
        self._send(self._push_topic, self._push_qos, body)

    def send_rpc(self, request: RpcRequest) -> None:
        """Tell the device of a command."""
        number = request.number
        topic = f"{self._rpc_topic}{number}"
        try:
            body = self.topics.written_by(self._rpc_topic).rpc_request(request)
        except Invalid as error:
            # Not at once: who sends it may be going through the commands of the device.
            refusal = dumps({"error": error.message})
            refuse = partial(self._door.rpc_refused, self.device, number, refusal)
            asyncio.get_running_loop().call_soon(refuse)
            return
        if self._rpc_qos == 0:
            if self._send(topic, 0, body):
                self._door.rpc_delivered(self.device, number)
            return
        on_acknowledged = partial(self._door.rpc_delivered, self.device, number)
        if self._send(topic, 1, body, on_acknowledged):
            self._door.rpc_sent(self.device, number)


def _no_reply(_found: FoundAttributes) -> None:
    """Leave a request unanswered."""
