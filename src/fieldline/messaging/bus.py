"""The bus: carries messages to the rule engine and events to whoever listens.

One topic's messages with the same key (a device) arrive in the order they were published. The
backend in process delivers by plain calls, on the event loop's thread, before ``publish`` returns.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from fieldline.messaging.message import Message

E = TypeVar("E")


class Bus(Protocol):
    """What every backend does; see ``tests/conformance/bus.py`` for the contract."""

    def publish(self, message: Message) -> None:
        """Hand a message to the rule engine.

        The message's receipt is held by the sender while this runs; the engine opens its own
        branches before it returns.
        """

    def consume(self, handler: Callable[[Message], None]) -> None:
        """Set who takes the messages; there is one consumer, the rule engine."""

    def emit(self, event: object) -> None:
        """Tell an event to every listener of its type; a failing listener is logged, not raised."""

    def listen(self, event_type: type[E], handler: Callable[[E], None]) -> Callable[[], None]:
        """Call ``handler`` with every event of that type; returns what ends the subscription."""

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Deliver what was published, then disconnect."""


def publish_alone(bus: Bus, message: Message) -> None:
    """Publish a message of the platform's own, whose end no packet waits for."""
    publish_within(bus, message)
    message.receipt.release()


def publish_within(bus: Bus, message: Message) -> None:
    """Publish a message whose receipt is that of a packet that waits for it too."""
    message.receipt.hold()
    bus.publish(message)
