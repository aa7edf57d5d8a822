"""The bus within one process: plain calls, nothing queued, nothing lost."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from fieldline.messaging.message import Message

logger = logging.getLogger(__name__)
E = TypeVar("E")


class MemoryBus:
    """Delivers at once, on the caller's stack. Order is the order of the calls."""

    def __init__(self) -> None:
        self._consumer: Callable[[Message], None] = _no_engine
        self._listeners: dict[type, list[Callable[[Any], None]]] = {}

    def publish(self, message: Message) -> None:
        self._consumer(message)

    def consume(self, handler: Callable[[Message], None]) -> None:
        self._consumer = handler

    def emit(self, event: object) -> None:
        for handler in tuple(self._listeners.get(type(event), ())):
            try:
                handler(event)
            except Exception:  # one listener must not silence the others
                logger.exception("a listener failed on %s", type(event).__name__)

    def listen(self, event_type: type[E], handler: Callable[[E], None]) -> Callable[[], None]:
        handlers = self._listeners.setdefault(event_type, [])
        handlers.append(handler)

        def end() -> None:
            if handler in handlers:
                handlers.remove(handler)

        return end

    async def start(self) -> None:
        """Nothing to connect."""

    async def stop(self) -> None:
        """Nothing is ever queued."""


def _no_engine(_message: Message) -> None:
    """Drop a message that comes before there is a rule engine: only tests do that."""
