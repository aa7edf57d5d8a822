"""What the door is made of: the parts behind it, and its limits."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from fieldline.domains.api_usage.counters import Usage
from fieldline.domains.claim.request import ClaimRequest
from fieldline.domains.device.directory import DeviceRecord
from fieldline.domains.ota_package.content import Slice
from fieldline.domains.ota_package.kinds import OtaType
from fieldline.domains.ota_package.serving import ServedPackage
from fieldline.domains.provision.request import ProvisionAnswer, ProvisionRequest
from fieldline.domains.rpc.command import Command, RpcStatus
from fieldline.domains.rpc.writer import Kept
from fieldline.domains.sub_device.kind import SubDeviceKind
from fieldline.ingest.guard import GuardOptions
from fieldline.kit.clock import Clock
from fieldline.kit.errors import FieldlineError
from fieldline.messaging.bus import Bus
from fieldline.timeseries.store import TimeseriesStore
from fieldline.timeseries.writer import Saves


class Devices(Protocol):
    """Where devices are found (``domains.device.directory.DeviceDirectory``)."""

    async def by_id(self, device_id: UUID) -> DeviceRecord | None:
        """Find a device."""

    def cached_by_id(self, device_id: UUID) -> DeviceRecord | None:
        """Find a device, if it is in memory."""

    async def by_access_token(self, token: str) -> DeviceRecord | None:
        """Find the device of a token."""

    async def by_mqtt_basic(
        self, client_id: str, username: str | None, password: str | None
    ) -> DeviceRecord | None:
        """Find the device of an MQTT CONNECT, by whichever kind of credentials fits."""

    async def by_certificate(self, sha3: str) -> DeviceRecord | None:
        """Find the device of a certificate."""


class SubDevices(Protocol):
    """Where devices are found by name, and made (``domains.sub_device.joining``)."""

    async def join(
        self, gateway: DeviceRecord, wanted: Mapping[str, SubDeviceKind]
    ) -> Mapping[str, DeviceRecord | FieldlineError]:
        """Return a gateway's devices by name, or why there is none."""

    async def find_or_make(
        self, tenant_id: UUID, wanted: Mapping[str, str]
    ) -> tuple[Mapping[str, DeviceRecord | FieldlineError], int]:
        """Return a tenant's devices by name, or why there is none; and how many are new."""


class Provisions(Protocol):
    """What makes devices known (``domains.provision.provisioner.Provisioner``)."""

    async def provision(self, request: ProvisionRequest) -> ProvisionAnswer:
        """Do what a request asks for."""


class Chains(Protocol):
    """What makes devices known by certificates (``domains.provision.chains.Chains``)."""

    @property
    def authorities(self) -> tuple[bytes, ...]:
        """The certificates of the authorities that TLS is to trust."""

    def when_changed(self, callback: Callable[[], None]) -> None:
        """Call back whenever the authorities have become others."""

    async def provision(self, chain: Sequence[bytes]) -> bool:
        """Make a verified chain's first certificate that of the device which it names."""


class Claims(Protocol):
    """Where it is kept which devices may be claimed (``domains.claim.claiming.Claiming``)."""

    async def keep(self, tenant_id: UUID, device_id: UUID, request: ClaimRequest) -> None:
        """Keep a device's word that it may be claimed."""


class OtaPackages(Protocol):
    """Where OTA packages are (``domains.ota_package.serving.Packages``)."""

    async def find(self, device_id: UUID, kind: OtaType) -> ServedPackage | None:
        """Return a device's package."""

    async def read(self, wanted: Slice) -> bytes:
        """Return a part of a package's data."""

    def parts(self, wanted: Slice) -> AsyncIterator[bytes]:
        """Give a part of a package's data piece by piece."""


class KeptCommands(Protocol):
    """Where commands are kept (``domains.rpc.writer.RpcWriter``)."""

    @property
    def is_full(self) -> bool:
        """Whether no more can be taken now."""

    def keep(self, command: Command, then: Kept) -> None:
        """Keep a command; ``then`` is called when that is stored."""

    def move(self, rpc_id: UUID, status: RpcStatus, response: str | None = None) -> None:
        """Note how far a command is."""

    async def pending(self, device_id: UUID) -> list[Command]:
        """Return what a device has to do yet."""

    async def devices_with_pending(self) -> Collection[UUID]:
        """Return the devices that have something to do yet."""

    async def expire(self) -> None:
        """Note that the time of some commands is over."""


ProfileOfTenant = Callable[[UUID], Awaitable[Mapping[str, Any]]]
"""Gives a tenant's profile configuration, in ThingsBoard's names (transportDeviceMsgRateLimit)."""


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """What is bounded at the door.

    Attributes:
        in_flight: packets between the door and their last branch; more make it full.
        tenant_in_flight: messages of one tenant's packets, and KiB of their payloads; more make it
            full for that tenant.
        sessions: open sessions in the process.
        presences: devices whose state of activity is kept in memory.
        inactivity_timeout_ms: how long a device may be silent, unless it or its profile says else.
        reads: store reads for devices that run at once.
        waiting_reads: reads that wait for their turn.
        client_rpcs: RPCs of devices that wait for an answer.
        tenant_client_rpcs: those of one tenant's devices.
        server_rpcs: RPCs to devices that are on their way.
        tenant_server_rpcs: those of one tenant, so that it does not take all of them.
        waiting_provisions: requests to be provisioned that wait for their turn.
        waiting_claims: words of devices that they may be claimed, likewise.
        large_packages: whole OTA packages that are on their way as one message.
        string_length: characters of a string value; 0 is unlimited.
        is_rate_limited: whether the rate limits of tenant profiles hold.
        payload_bytes: the largest MQTT packet, which session limits tell the device.
        session_in_flight: messages that a device may have unacknowledged, told likewise.
        guard: how often wrong credentials may be tried.
    """

    in_flight: int = 20_000
    tenant_in_flight: int = 10_000
    sessions: int = 100_000
    presences: int = 200_000
    inactivity_timeout_ms: int = 600_000
    reads: int = 8
    waiting_reads: int = 10_000
    client_rpcs: int = 10_000
    tenant_client_rpcs: int = 5_000
    server_rpcs: int = 20_000
    tenant_server_rpcs: int = 10_000
    waiting_provisions: int = 1_000
    waiting_claims: int = 10_000
    large_packages: int = 4
    string_length: int = 0
    is_rate_limited: bool = False
    payload_bytes: int = 65_536
    session_in_flight: int = 100
    guard: GuardOptions = field(default_factory=GuardOptions)


@dataclass(frozen=True, slots=True)
class DoorParts:
    """What stands behind the door."""

    bus: Bus
    store: TimeseriesStore
    writer: Saves
    devices: Devices
    tenant_profile: ProfileOfTenant
    clock: Clock
    commands: KeptCommands
    sub_devices: SubDevices
    provisions: Provisions
    chains: Chains
    claims: Claims
    usage: Usage
    packages: OtaPackages
