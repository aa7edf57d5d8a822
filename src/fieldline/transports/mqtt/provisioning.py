"""A connection that is there for provisioning only: no device yet, two topics, a short life.

Source: ThingsBoard's MQTT device API, provision-only session.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from fieldline.ingest.door import Door
from fieldline.ingest.onboarding import MalformedProvisionRequest
from fieldline.kit.errors import FieldlineError
from fieldline.messaging.receipt import Receipt
from fieldline.protocols.mqtt.errors import RemoteProtocolError
from fieldline.protocols.mqtt.packets import MQTT_5, Connect, Publish, Subscription
from fieldline.protocols.mqtt.reason_codes import V3_SUBSCRIBE_FAILURE, ReasonCode
from fieldline.transports.mqtt import provision_payloads
from fieldline.transports.mqtt.acks import Ack
from fieldline.transports.mqtt.provision_payloads import Asked
from fieldline.transports.mqtt.sending import Send

NAME = "provision"
"""User name or client id of such a connection."""
REQUEST = "/provision/request"
RESPONSE = "/provision/response"
LIFE_MS = 60_000
"""Of the connection after the answer, and of one that does not ask."""


def is_wanted(connect: Connect) -> bool:
    """Tell whether a CONNECT asks for provisioning, whatever its other credentials."""
    return NAME in {connect.username, connect.client_id}


class ProvisionParts(NamedTuple):
    """What the channel has of its connection.

    ``address`` is the client's; ``refuse`` answers a publish that failed after all; ``fail`` closes
    the connection once what was published is acknowledged; ``pause`` and ``resume`` stop and start
    the reading of the socket; ``spawn`` runs what waits.
    """

    door: Door
    address: str
    now_ms: Callable[[], int]
    send: Send
    refuse: Callable[[FieldlineError, Receipt], None]
    fail: Callable[[ReasonCode, str], None]
    pause: Callable[[], None]
    resume: Callable[[], None]
    spawn: Callable[[Any], None]


class ProvisionChannel:
    """One client that wants to become a device; takes the place of a device's channel.

    Args:
        version: the connection's protocol level.
        parts: what it has of its connection.

    Attributes:
        acknowledges_invalid: as of a device's profile; there is none yet.
    """

    acknowledges_invalid = False

    def __init__(self, version: int, parts: ProvisionParts) -> None:
        self._version = version
        self._parts = parts
        self._qos: int | None = None
        self._is_answered = False
        self._close_at_ms = parts.now_ms() + LIFE_MS

    def publish(self, packet: Publish, ack: Receipt) -> None:
        """Take a request; its answer goes out whether subscribed to or not.

        Raises:
            Invalid: the payload is neither JSON nor Protobuf.
        """
        if packet.topic != REQUEST:
            why = f"Before it is provisioned, a device publishes on {REQUEST} only"
            self._end(ack, ReasonCode.TOPIC_NAME_INVALID, why)
            return
        try:
            asked = provision_payloads.read(packet.payload)
        except MalformedProvisionRequest as error:
            self._end(ack, ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, error.message)
            return
        ack.hold()
        self._parts.pause()
        self._parts.spawn(self._provision(asked, ack))

    def _end(self, ack: Receipt, code: ReasonCode, why: str) -> None:
        """Refuse a publish and the connection with it."""
        if isinstance(ack, Ack):
            ack.code = code
        self._parts.fail(code, why)

    async def _provision(self, asked: Asked, ack: Receipt) -> None:
        parts = self._parts
        try:
            answer = await parts.door.provision(asked.request, parts.address)
        except FieldlineError as error:
            parts.refuse(error, ack)
        else:
            ack.release()
            qos = 1 if self._qos is None else self._qos
            # After the acknowledgement, which leaves at the end of this turn of the loop.
            body = provision_payloads.write(answer, is_protobuf=asked.is_protobuf)
            asyncio.get_running_loop().call_soon(partial(parts.send, RESPONSE, qos, body))
            if not self._is_answered:
                self._is_answered = True
                self._close_at_ms = parts.now_ms() + LIFE_MS
        parts.resume()

    def subscribe(self, subscriptions: list[Subscription]) -> list[int]:
        """Subscribe to the answer, the only thing there is; return the SUBACK's codes."""
        return [self._subscribe_one(subscription) for subscription in subscriptions]

    def _subscribe_one(self, subscription: Subscription) -> int:
        if subscription.topic_filter == RESPONSE:
            self._qos = min(subscription.qos, 1)
            return self._qos
        refused = ReasonCode.TOPIC_FILTER_INVALID
        return refused if self._version == MQTT_5 else V3_SUBSCRIBE_FAILURE

    def unsubscribe(self, topic_filters: list[str]) -> list[int]:
        """End the subscription; return the UNSUBACK's codes."""
        codes: list[int] = []
        for topic_filter in topic_filters:
            was_there = topic_filter == RESPONSE and self._qos is not None
            codes.append(ReasonCode.SUCCESS if was_there else ReasonCode.NO_SUBSCRIPTION_EXISTED)
            if was_there:
                self._qos = None
        return codes

    def expire(self, now_ms: int) -> RemoteProtocolError | None:
        """Return why the connection ends, once its life is over."""
        if now_ms < self._close_at_ms:
            return None
        why = f"A connection for provisioning ends after {LIFE_MS // 1000} s; connect as the device"
        return RemoteProtocolError(why, ReasonCode.MAXIMUM_CONNECT_TIME)

    def touch(self) -> None:
        """Note nothing: there is no device whose activity it would be."""

    def close(self) -> None:
        """Close nothing: there is no session."""
