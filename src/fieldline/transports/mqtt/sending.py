"""How the parts of a connection send to the device."""

from typing import Protocol

from fieldline.messaging.receipt import Receipt
from fieldline.protocols.mqtt.session import OnAcknowledged


class Send(Protocol):
    """Sends a message to the device; False when the connection is closing."""

    def __call__(
        self, topic: str, qos: int, payload: bytes, on_acknowledged: OnAcknowledged | None = None
    ) -> bool: ...


class Deliver(Protocol):
    """Acknowledges a request with its answer, which may be of any size.

    Returns when the client, if it is still there, has read most of the answer.

    Raises:
        PackageRefused: the client takes no message of that size.
    """

    async def __call__(self, topic: str, qos: int, payload: bytes, ack: Receipt) -> None: ...
