"""What an integration did and how it is: counted in memory, written to its table now and then."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

MAX_ERROR_LENGTH = 1_000
"""Characters of an error that are kept."""


class ConnectionState(StrEnum):
    """How the connection to the broker is."""

    DISABLED = "DISABLED"
    CONNECTING = "CONNECTING"
    CONNECTED = "CONNECTED"
    WAITING = "WAITING"
    """The last attempt failed, or the connection was lost; the next attempt is to come."""


@dataclass(slots=True)
class Statistics:
    """Counts since the integration was made; times are ms since 1970.

    Attributes:
        received: messages that came from the broker.
        converted: those that the converter could read.
        failed: those that it, or the platform, refused.
        devices_created: devices that were made for it.
        readings_stored: telemetry and attribute values whose way through the rules is over.
        last_message_time: when the last message came.
        last_error: why the last message or connection failed.
        last_error_time: when that was.
        is_changed: whether the table does not have it yet.
    """

    received: int = 0
    converted: int = 0
    failed: int = 0
    devices_created: int = 0
    readings_stored: int = 0
    last_message_time: int | None = None
    last_error: str | None = None
    last_error_time: int | None = None
    is_changed: bool = False

    def note_error(self, text: str, now_ms: int) -> None:
        """Keep an error as the last one."""
        self.last_error = text.replace("\0", "")[:MAX_ERROR_LENGTH]
        self.last_error_time = now_ms
        self.is_changed = True


Live = Callable[[UUID], tuple[ConnectionState, Statistics] | None]
"""Tells how an integration is that runs."""
COUNTED = (
    "received",
    "converted",
    "failed",
    "devices_created",
    "readings_stored",
    "last_message_time",
    "last_error",
    "last_error_time",
)
"""What is written."""
