"""A command to a device, and what becomes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

MAX_RETRIES = 5
"""Times that a kept command is sent again after a time-out of its delivery."""


class RpcStatus(StrEnum):
    """How far a kept command is."""

    QUEUED = "QUEUED"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    SUCCESSFUL = "SUCCESSFUL"
    TIMEOUT = "TIMEOUT"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"
    DELETED = "DELETED"


PENDING = frozenset({RpcStatus.QUEUED, RpcStatus.SENT, RpcStatus.DELIVERED, RpcStatus.TIMEOUT})
"""A one-way command is done when it is delivered, in spite of this."""


class RpcError(StrEnum):
    """Why a command has no answer."""

    NOT_FOUND = "NOT_FOUND"
    NO_ACTIVE_CONNECTION = "NO_ACTIVE_CONNECTION"
    TIMEOUT = "TIMEOUT"
    OVERLOADED = "OVERLOADED"


@dataclass(frozen=True, slots=True)
class Command:
    """An RPC to a device.

    Attributes:
        id: of the request; of the stored RPC if it ``is_persistent``.
        method: what to do.
        params: any JSON.
        expires_ms: when nobody wants it done any more.
        is_oneway: the device gives no answer.
        is_persistent: it is kept until it is done, also while the device is away.
        retries: times that it is sent again when it was not acknowledged.
        additional_info: the sender's own.
        status: how far a kept one was when it was read.
    """

    id: UUID
    tenant_id: UUID
    device_id: UUID
    method: str
    params: Any
    expires_ms: int
    is_oneway: bool = False
    is_persistent: bool = False
    retries: int = MAX_RETRIES
    additional_info: Any = None
    status: RpcStatus = RpcStatus.QUEUED

    @property
    def was_sent(self) -> bool:
        """Whether the device may know it already."""
        return self.status is not RpcStatus.QUEUED

    @property
    def was_delivered(self) -> bool:
        """Whether the device acknowledged it already; it is to answer yet."""
        return self.status is RpcStatus.DELIVERED


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command.

    ``response`` is the device's text, usually JSON, None when there is none: a one-way command, or
    an ``error``.
    """

    response: str | None = None
    error: RpcError | None = None


OnAnswer = Callable[[Answer], None]
"""Called once with what became of a command."""
