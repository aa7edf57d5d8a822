"""A device's presence at the door, and what it is told while it is there."""

from enum import StrEnum
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from fieldline.domains.api_usage.counters import TenantUsage
from fieldline.domains.device.directory import DeviceRecord
from fieldline.domains.sub_device.kind import SubDeviceKind
from fieldline.ingest.flow import Share
from fieldline.ingest.presence import Presence
from fieldline.kit.ids import new_id

__all__ = [
    "CloseReason",
    "DeviceRecord",
    "DeviceSession",
    "RpcRequest",
    "SessionListener",
    "SubDeviceKind",
]


class CloseReason(StrEnum):
    """Why the door ends a session."""

    TAKEN_OVER = "TAKEN_OVER"
    CREDENTIALS_CHANGED = "CREDENTIALS_CHANGED"
    DEVICE_DELETED = "DEVICE_DELETED"
    SERVER_STOPPING = "SERVER_STOPPING"


class RpcRequest(NamedTuple):
    """A command to a device; its ``number`` comes back with the answer."""

    number: int
    method: str
    params: Any


class SessionListener(Protocol):
    """What a transport does with what the platform tells a device."""

    def on_attributes(self, updated: dict[str, object], deleted: list[str]) -> None:
        """Push changed and deleted shared attributes; values are ready for JSON."""

    def on_rpc(self, request: RpcRequest) -> None:
        """Send a command, then tell the door: ``rpc_sent``, ``rpc_delivered``, ``rpc_answered``."""

    def on_close(self, reason: CloseReason) -> None:
        """End the connection; the session is closed already."""


class SessionLimits(Protocol):
    """What the device's tenant may send (``limits.TenantLimits``)."""

    is_limited: bool
    usage: TenantUsage
    share: Share

    def take(
        self, device: DeviceRecord, gateway: DeviceRecord | None, points: int, now_ms: int
    ) -> None:
        """Count a message; raises RateLimited when it is over a limit."""


class DeviceSession:
    """One connection of a device, or one request of a device that has none (HTTP).

    Made by :meth:`Door.open` and :meth:`Door.brief`; a transport keeps it and changes nothing.
    ``gateway``: the session of the gateway through which the device speaks, if it does.
    """

    __slots__ = ("_id", "device", "gateway", "is_open", "limits", "listener", "presence")

    def __init__(
        self,
        device: DeviceRecord,
        presence: Presence,
        listener: SessionListener | None,
        limits: SessionLimits,
        gateway: "DeviceSession | None" = None,
    ) -> None:
        self._id: UUID | None = None
        self.device = device
        self.gateway = gateway
        self.limits = limits
        self.presence = presence
        self.listener = listener
        self.is_open = True

    @property
    def id(self) -> UUID:
        """The session's id, made when first asked for."""
        if self._id is None:
            self._id = new_id()
        return self._id
