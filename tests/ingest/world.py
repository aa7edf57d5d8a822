"""A door with everything behind it but the rule engine: the tests play the rules."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from fieldline.domains.api_usage.counters import Usage
from fieldline.domains.claim.request import ClaimRequest
from fieldline.domains.device.directory import DeviceRecord
from fieldline.domains.device_credentials.service import Credentials
from fieldline.domains.ota_package.content import Slice
from fieldline.domains.ota_package.kinds import OtaType
from fieldline.domains.ota_package.serving import ServedPackage
from fieldline.domains.provision.request import ProvisionAnswer, ProvisionRequest, Status
from fieldline.domains.rpc.command import PENDING, Command, RpcStatus
from fieldline.domains.sub_device.kind import SubDeviceKind
from fieldline.ingest.door import Door
from fieldline.ingest.parts import Devices, DoorParts, IngestOptions
from fieldline.ingest.session import CloseReason, RpcRequest
from fieldline.kit.clock import ManualClock
from fieldline.kit.errors import FieldlineError, Unavailable
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.kit.telemetry_json import stored_values
from fieldline.messaging.backends.memory import MemoryBus
from fieldline.messaging.events import AttributesSaved, ReadingsSaved
from fieldline.messaging.message import Message
from fieldline.messaging.receipt import Receipt
from fieldline.timeseries.store import Scope, TimeseriesStore
from fieldline.timeseries.writer import TimeseriesWriter, WriterLimits


class KnownDevices:
    """A directory of the devices that a test made."""

    def __init__(self) -> None:
        self.by_token: dict[str, DeviceRecord] = {}
        self.by_hash: dict[str, DeviceRecord] = {}
        self.records: dict[UUID, DeviceRecord] = {}

    async def by_id(self, device_id: UUID) -> DeviceRecord | None:
        return self.records.get(device_id)

    def cached_by_id(self, device_id: UUID) -> DeviceRecord | None:
        return self.records.get(device_id)

    async def by_access_token(self, token: str) -> DeviceRecord | None:
        return self.by_token.get(token)

    async def by_mqtt_basic(
        self, client_id: str, username: str | None, password: str | None
    ) -> DeviceRecord | None:
        return self.by_token.get(username or client_id)

    async def by_certificate(self, sha3: str) -> DeviceRecord | None:
        return self.by_hash.get(sha3)


class MadeDevices:
    """Makes the devices of gateways; ``errors`` are names that it refuses, with the reason."""

    def __init__(self, make: Callable[..., DeviceRecord]) -> None:
        self.made: dict[str, DeviceRecord] = {}
        self.types: dict[str, str] = {}
        self.asked: list[dict[str, SubDeviceKind]] = []
        self.errors: dict[str, FieldlineError] = {}
        self.is_away = False
        self._make = make

    async def join(
        self, gateway: DeviceRecord, wanted: Mapping[str, SubDeviceKind]
    ) -> dict[str, DeviceRecord | FieldlineError]:
        return await self._find(f"of {gateway.name}", wanted)

    async def find_or_make(
        self, tenant_id: UUID, wanted: Mapping[str, str]
    ) -> tuple[dict[str, DeviceRecord | FieldlineError], int]:
        before = len(self.made)
        kinds = {name: SubDeviceKind(device_type) for name, device_type in wanted.items()}
        found = await self._find(f"of {tenant_id}", kinds)
        return found, len(self.made) - before

    async def _find(
        self, whose: str, wanted: Mapping[str, SubDeviceKind]
    ) -> dict[str, DeviceRecord | FieldlineError]:
        await asyncio.sleep(0)
        if self.is_away:
            raise Unavailable("away")
        self.asked.append(dict(wanted))
        found: dict[str, DeviceRecord | FieldlineError] = {}
        for name, kind in wanted.items():
            if name in self.errors:
                found[name] = self.errors[name]
                continue
            if name not in self.made:
                self.made[name] = self._make(f"{whose}: {name}", name=name, label=kind.label)
                self.types[name] = kind.type
            found[name] = self.made[name]
        return found


class Newcomers:
    """Knows which devices may be claimed, and answers requests with ``status``."""

    def __init__(self) -> None:
        self.claims: list[tuple[UUID, ClaimRequest]] = []
        self.requests: list[ProvisionRequest] = []
        self.status = Status.FAILURE
        self.credentials: Credentials | None = None
        self.error: FieldlineError | None = None

    async def keep(self, _tenant_id: UUID, device_id: UUID, request: ClaimRequest) -> None:
        if self.error is not None:
            raise self.error
        self.claims.append((device_id, request))

    async def provision(self, request: ProvisionRequest) -> ProvisionAnswer:
        if self.error is not None:
            raise self.error
        self.requests.append(request)
        return ProvisionAnswer(self.status, self.credentials)


class KnownAuthorities:
    """Knows the authorities that a test gives it, and no devices of theirs."""

    def __init__(self) -> None:
        self.authorities: tuple[bytes, ...] = ()
        self.asked: list[Sequence[bytes]] = []
        self._listeners: list[Callable[[], None]] = []

    def when_changed(self, callback: Callable[[], None]) -> None:
        self._listeners.append(callback)

    def trust(self, *authorities: bytes) -> None:
        """Have these from now on."""
        self.authorities = authorities
        for listener in self._listeners:
            listener()

    async def provision(self, chain: Sequence[bytes]) -> bool:
        self.asked.append(chain)
        return False


class PackagesInMemory:
    """Packages of every device, with their data; ``error`` is raised instead."""

    def __init__(self) -> None:
        self.packages: dict[OtaType, ServedPackage] = {}
        self.data: dict[UUID, bytes] = {}
        self.error: FieldlineError | None = None
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.reads: list[Slice] = []

    def assign(self, data: bytes | None, kind: OtaType = OtaType.FIRMWARE) -> None:
        """Give every device a package; without data it is a URL's."""
        size = None if data is None else len(data)
        package = ServedPackage(new_id(), "fw", "1.0", size, "fw.bin", "application/x-fw")
        self.packages[kind] = package
        self.data[package.id] = data or b""

    async def find(self, _device_id: UUID, kind: OtaType) -> ServedPackage | None:
        if self.error is not None:
            raise self.error
        return self.packages.get(kind)

    async def read(self, wanted: Slice) -> bytes:
        self.reads.append(wanted)
        await self.is_open.wait()
        return self.data[wanted.package_id][wanted.start : wanted.end]

    async def parts(self, wanted: Slice) -> AsyncIterator[bytes]:
        yield await self.read(wanted)


class KeptInMemory:
    """Keeps commands as the database does, as long as the test lasts."""

    def __init__(self) -> None:
        self.is_full = False
        self.refuses = False
        self.is_away = False
        self.commands: dict[UUID, Command] = {}
        self.moves: dict[UUID, list[RpcStatus]] = {}
        self.responses: dict[UUID, str] = {}
        self.expirations = 0

    def keep(self, command: Command, then: Callable[[bool], None]) -> None:
        if not self.refuses:
            self.commands[command.id] = command
            self.moves[command.id] = [RpcStatus.QUEUED]
        then(not self.refuses)

    def move(self, rpc_id: UUID, status: RpcStatus, response: str | None = None) -> None:
        self.moves[rpc_id].append(status)
        if response is not None:
            self.responses[rpc_id] = response

    async def pending(self, device_id: UUID) -> list[Command]:
        if self.is_away:
            raise Unavailable("away")
        return [
            replace(command, status=self.moves[command.id][-1])
            for command in self.commands.values()
            if command.device_id == device_id and self.moves[command.id][-1] in PENDING
        ]

    async def devices_with_pending(self) -> set[UUID]:
        return {
            command.device_id
            for command in self.commands.values()
            if self.moves[command.id][-1] in PENDING
        }

    async def expire(self) -> None:
        self.expirations += 1


@dataclass
class Listener:
    """A transport's end of a session, remembering what it was told."""

    pushes: list[tuple[dict[str, object], list[str]]] = field(default_factory=list)
    closed: list[CloseReason] = field(default_factory=list)
    requests: list[RpcRequest] = field(default_factory=list)

    def on_attributes(self, updated: dict[str, object], deleted: list[str]) -> None:
        self.pushes.append((updated, deleted))

    def on_rpc(self, request: RpcRequest) -> None:
        self.requests.append(request)

    def on_close(self, reason: CloseReason) -> None:
        self.closed.append(reason)


@dataclass
class Acks:
    """Counts the receipts that are done."""

    count: int = 0

    def receipt(self) -> Receipt:
        return Receipt(self._done)

    def _done(self, _receipt: Receipt) -> None:
        self.count += 1


class World:
    """A door over a real bus, store and writer; ``messages`` are what reached the rules."""

    def __init__(
        self,
        store: TimeseriesStore,
        *,
        options: IngestOptions | None = None,
        writer_limits: WriterLimits | None = None,
        bus: MemoryBus | None = None,
        directory: Devices | None = None,
    ) -> None:
        self.clock = ManualClock()
        self.bus = bus or MemoryBus()
        self.store = store
        self.usage = Usage(self.clock.now_ms())
        self.tenant_profile: dict[str, Any] = {}
        self.devices = KnownDevices()
        self.kept = KeptInMemory()
        self.sub_devices = MadeDevices(self.device)
        self.newcomers = Newcomers()
        self.chains = KnownAuthorities()
        self.packages = PackagesInMemory()
        self.messages: list[Message] = []
        self.tenant_id = new_id()
        self.writer = TimeseriesWriter(
            store,
            self.clock,
            on_readings=lambda readings: self.bus.emit(ReadingsSaved(readings)),
            on_attributes=lambda *told: self.bus.emit(AttributesSaved(*told)),
            limits=writer_limits,
        )
        self.door = Door(
            DoorParts(
                self.bus,
                store,
                self.writer,
                directory or self.devices,
                self._profile_of,
                self.clock,
                self.kept,
                self.sub_devices,
                self.newcomers,
                self.chains,
                self.newcomers,
                self.usage,
                self.packages,
            ),
            options,
        )
        self.bus.consume(self.finish)

    async def _profile_of(self, _tenant_id: UUID) -> Mapping[str, Any]:
        return self.tenant_profile

    async def start(self) -> None:
        await self.store.start()
        self.writer.start()

    async def stop(self) -> None:
        await self.writer.stop()
        await self.store.stop()

    def device(self, token: str = "token", **fields: object) -> DeviceRecord:
        record = DeviceRecord()
        record.id = new_id()
        record.ref = EntityRef(EntityType.DEVICE, record.id)
        record.tenant_id = self.tenant_id
        record.customer_id = None
        record.name = f"meter {token}"
        record.label = None
        record.profile_id = new_id()
        record.profile_name = "meter"
        record.rule_chain_id = None
        record.transport_type = "DEFAULT"
        record.transport_configuration = {}
        record.additional_info = {}
        record.is_gateway = False
        record.is_deleted = False
        for name, value in fields.items():
            setattr(record, name, value)
        self.devices.records[record.id] = record
        self.devices.by_token[token] = record
        return record

    def finish(self, message: Message) -> None:
        """Be rules that do nothing."""
        self.messages.append(message)
        message.receipt.release()

    def keep_open(self, message: Message) -> None:
        """Be rules that are not done yet."""
        self.messages.append(message)

    def save(self, message: Message) -> None:
        """Be rules that save."""
        if not message.type.startswith("POST_"):
            self.finish(message)
            return
        self.messages.append(message)
        done: Callable[..., None] = lambda *_saved: message.receipt.release()  # noqa: E731
        values = stored_values(message.data)
        if message.type == "POST_TELEMETRY_REQUEST":
            self.writer.save_readings(
                message.tenant_id, message.originator, message.metadata_ts_ms, values, done
            )
        else:
            self.writer.save_attributes(
                message.tenant_id, message.originator, Scope.CLIENT, values, done
            )

    def save_attributes(
        self, device: DeviceRecord, scope: Scope, values: Mapping[str, object]
    ) -> None:
        """Store attributes, JSON as a user would give it."""
        self.writer.save_attributes(
            device.tenant_id, device.ref, scope, stored_values(dict(values))
        )

    def types(self) -> list[str]:
        return [message.type for message in self.messages]

    async def server_attributes(self, device: DeviceRecord) -> dict[str, object]:
        await self.writer.flush()
        found = await self.store.attributes(device.id, Scope.SERVER)
        return {attribute.key: attribute.value for attribute in found}
