"""How the parts of a connection send to the device."""

from typing import Protocol

from fieldline.protocols.mqtt.session import OnAcknowledged


class Send(Protocol):
    """Sends a message to the device; False when the connection is closing."""

    def __call__(
        self, topic: str, qos: int, payload: bytes, on_acknowledged: OnAcknowledged | None = None
    ) -> bool: ...
