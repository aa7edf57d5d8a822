"""The MQTT server without a platform: what codec and transport alone can do.

``--door none`` acknowledges at once; ``--door real`` parses, types and passes on through the real
door to rules that end at once. Every token is a device. Prints its port, then serves until killed.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

import uvloop

from fieldline.domains.api_usage.counters import Usage
from fieldline.domains.claim.request import ClaimRequest
from fieldline.domains.device.directory import DeviceRecord
from fieldline.domains.ota_package.content import Slice
from fieldline.domains.ota_package.kinds import OtaType
from fieldline.domains.ota_package.serving import ServedPackage
from fieldline.domains.provision.request import ProvisionAnswer, ProvisionRequest, Status
from fieldline.domains.rpc.command import Command, RpcStatus
from fieldline.domains.rpc.writer import Kept
from fieldline.domains.sub_device.kind import SubDeviceKind
from fieldline.ingest.door import Door
from fieldline.ingest.parts import DoorParts
from fieldline.kit.clock import SystemClock
from fieldline.kit.errors import FieldlineError
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.messaging.backends.memory import MemoryBus
from fieldline.messaging.message import Message
from fieldline.messaging.receipt import Receipt
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.timeseries.writer import TimeseriesWriter
from fieldline.transports.mqtt.options import MqttOptions
from fieldline.transports.mqtt.transport import MqttTransport


class AnyDevice:
    """A directory in which every token is a device."""

    def __init__(self) -> None:
        self.tenant_id = new_id()

    async def by_id(self, _device_id: UUID) -> DeviceRecord | None:
        return None

    def cached_by_id(self, _device_id: UUID) -> DeviceRecord | None:
        return None

    async def by_access_token(self, token: str) -> DeviceRecord | None:
        record = DeviceRecord()
        record.id = new_id()
        record.ref = EntityRef(EntityType.DEVICE, record.id)
        record.tenant_id = self.tenant_id
        record.customer_id = record.label = record.rule_chain_id = None
        record.name = token
        record.profile_id = new_id()
        record.profile_name = "default"
        record.transport_type = "DEFAULT"
        record.transport_configuration = {}
        record.additional_info = {}
        record.is_gateway = record.is_deleted = False
        return record

    async def by_mqtt_basic(
        self, _client_id: str, username: str | None, _password: str | None
    ) -> DeviceRecord | None:
        return await self.by_access_token(username or "")

    async def by_certificate(self, _sha3: str) -> DeviceRecord | None:
        return None


class NoDoor(Door):
    """A door that takes telemetry and forgets it."""

    is_full = False

    def telemetry(
        self,
        session: object,
        payload: bytes,
        receipt: Receipt,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Take it as done."""


class Nothing:
    """Keeps no commands and has no sub-devices."""

    is_full = True

    def keep(self, command: Command, then: Kept) -> None:
        raise NotImplementedError

    def move(self, rpc_id: UUID, status: RpcStatus, response: str | None = None) -> None:
        raise NotImplementedError

    async def pending(self, device_id: UUID) -> list[Command]:  # noqa: ARG002 - the port's
        return []

    async def devices_with_pending(self) -> list[UUID]:
        return []

    async def expire(self) -> None:
        """Have nothing to do."""

    async def join(
        self,
        gateway: DeviceRecord,  # noqa: ARG002
        wanted: Mapping[str, SubDeviceKind],  # noqa: ARG002
    ) -> dict[str, DeviceRecord | FieldlineError]:
        return {}

    async def find_or_make(
        self,
        tenant_id: UUID,  # noqa: ARG002
        wanted: Mapping[str, str],  # noqa: ARG002
    ) -> tuple[dict[str, DeviceRecord | FieldlineError], int]:
        return {}, 0


class NoNewcomers:
    """Provisions no device and lets none be claimed."""

    async def provision(self, request: ProvisionRequest) -> ProvisionAnswer:  # noqa: ARG002
        return ProvisionAnswer(Status.NOT_FOUND)

    async def keep(self, tenant_id: UUID, device_id: UUID, request: ClaimRequest) -> None:
        """Forget it."""


class NoAuthorities:
    """Trusts no certificates."""

    authorities: tuple[bytes, ...] = ()

    def when_changed(self, callback: Callable[[], None]) -> None:
        """Change nothing."""

    async def provision(self, chain: Sequence[bytes]) -> bool:  # noqa: ARG002
        return False


class NoPackages:
    """Has nothing to download."""

    async def find(self, device_id: UUID, kind: OtaType) -> ServedPackage | None:  # noqa: ARG002
        return None

    async def read(self, wanted: Slice) -> bytes:  # noqa: ARG002
        return b""

    async def parts(self, wanted: Slice) -> AsyncIterator[bytes]:
        yield await self.read(wanted)


async def _no_limits(_tenant_id: UUID) -> Mapping[str, Any]:
    return {}


def _end(message: Message) -> None:
    message.receipt.release()


async def _serve(door_type: type[Door], port: int) -> None:
    clock, bus, store = SystemClock(), MemoryBus(), MemoryStore()
    nothing: Callable[..., None] = lambda *_told: None  # noqa: E731
    writer = TimeseriesWriter(store, clock, on_readings=nothing, on_attributes=nothing)
    bus.consume(_end)
    door = door_type(
        DoorParts(
            bus,
            store,
            writer,
            AnyDevice(),
            _no_limits,
            clock,
            Nothing(),
            Nothing(),
            NoNewcomers(),
            NoAuthorities(),
            NoNewcomers(),
            Usage(clock.now_ms()),
            NoPackages(),
        )
    )
    transport = MqttTransport(door, MqttOptions(port=port))
    await transport.start()
    print(transport.bound_port, flush=True)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--door", choices=["none", "real"], default="real")
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    door_type = cast("type[Door]", NoDoor) if arguments.door == "none" else Door
    uvloop.run(_serve(door_type, arguments.port))


if __name__ == "__main__":
    main()
