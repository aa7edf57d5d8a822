"""Devices that speak through another one's connection: a gateway's, or an edge node's.

Messages are worked on in their order. One that names a device which is not connected yet waits
until it is, and the messages behind it wait too; meanwhile all devices that they name are asked for
together.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from fieldline.ingest.door import Door
from fieldline.ingest.session import (
    DeviceRecord,
    DeviceSession,
    SessionListener,
    SubDeviceKind,
)
from fieldline.kit.errors import FieldlineError, LimitReached, RateLimited, Unavailable
from fieldline.messaging.receipt import Receipt
from fieldline.transports.mqtt.errors import SubDeviceRefused
from fieldline.transports.mqtt.gateway_payloads import GatewayPayloads
from fieldline.transports.mqtt.sending import Send

logger = logging.getLogger(__name__)

MAX_WAITING = 1_000
"""Messages of one connection that wait for devices; with more, its socket is not read."""
MAX_WAITING_BYTES = 1_048_576
"""Of the payloads of those; what they become in memory is some times as much."""
RETRY_S = 1.0
TOUCH_MS = 1_000
"""How often a gateway's activity is noted as that of all of its devices."""
REFUSED_FOR_MS = 300_000
"""How long a device beyond the tenant's limit is not asked for again."""
MAX_REFUSED = 10_000
"""Devices of which that is remembered."""
_AS_IT_IS = (RateLimited, Unavailable)
"""Why a device could not be connected that says more than that it is refused."""


class GatewayParts(NamedTuple):
    """What a gateway has of its connection.

    ``refuse`` answers a publish that failed after all; ``pause`` and ``resume`` stop and start the
    reading of the socket; ``spawn`` runs what waits for devices; ``payloads`` is the format of the
    gateway's profile; ``tells_reasons``: MQTT 5; ``complain`` tells operators what is wrong with
    what a device, by its name, says.
    """

    door: Door
    now_ms: Callable[[], int]
    send: Send
    qos_of: Callable[[str], int]
    refuse: Callable[[FieldlineError, Receipt], None]
    pause: Callable[[], None]
    resume: Callable[[], None]
    spawn: Callable[[Any], None]
    payloads: Callable[[], GatewayPayloads]
    tells_reasons: bool
    complain: Callable[[str, str], None]


class SubDevice(SessionListener, Protocol):
    """A connected device; the listener of its session."""

    name: str
    session: DeviceSession


class Work(NamedTuple):
    """A message: the devices that it needs, by name with their kind, and what to do then."""

    names: Mapping[str, SubDeviceKind]
    run: Callable[[], None]
    ack: Receipt


D = TypeVar("D", bound=SubDevice)


class SubDevices(Generic[D]):
    """The devices of one gateway on one connection.

    Args:
        gateway: its own session.
        parts: what it has of its connection.
        make: makes the listener of a device, by its name.
    """

    def __init__(
        self, gateway: DeviceSession, parts: GatewayParts, make: Callable[[str], D]
    ) -> None:
        self._gateway = gateway
        self._door = parts.door
        self._parts = parts
        self._make = make
        self._devices: dict[str, D] = {}
        self._refused: dict[str, tuple[FieldlineError, int]] = {}
        self._refusals: Mapping[str, FieldlineError] = {}
        self._waiting: deque[tuple[Work, int]] = deque()
        self._waiting_bytes = 0
        self._is_joining = False
        self._is_closed = False
        self._is_paused = False
        self._when_done: Callable[[], None] | None = None
        self._touched_ms = 0

    def __iter__(self) -> Iterator[D]:
        return iter(list(self._devices.values()))

    def submit(self, work: Work, size: int) -> None:
        """Work on a message of so many bytes, now or in its turn.

        Raises:
            FieldlineError: it was its turn, and it, or the door, refused.
        """
        if not self._waiting and self._knows(work.names):
            work.run()
            return
        work.ack.hold()
        self._waiting.append((work, size))
        self._waiting_bytes += size
        is_full = len(self._waiting) >= MAX_WAITING or self._waiting_bytes >= MAX_WAITING_BYTES
        if is_full and not self._is_paused:
            self._is_paused = True
            self._parts.pause()
        if not self._is_joining:
            self._is_joining = True
            self._parts.spawn(self._join())

    def device(self, name: str) -> D:
        """Return a connected device.

        Raises:
            SubDeviceRefused: there is none; the reason is its text.
            RateLimited: it could not be connected because too much was sent.
        """
        device = self._devices.get(name)
        if device is None:
            raise (
                self._refusals.get(name)
                or self._refusal(name)
                or SubDeviceRefused(f"'{name[:255]}' could not be connected")
            )
        return device

    def find(self, name: str) -> D | None:
        """Return a device if it is connected."""
        return self._devices.get(name)

    def disconnect(self, name: str) -> None:
        """Close a device's session; of one that is not connected that is nothing."""
        device = self._devices.pop(name, None)
        if device is not None:
            self._door.close(device.session)

    def forget(self, device: D) -> None:
        """Know a device no more: it connected elsewhere, or is gone."""
        if self._devices.get(device.name) is device:
            del self._devices[device.name]

    def touch(self) -> None:
        """Note that the devices are there as their gateway is, if it speaks for them."""
        if self._gateway.device.additional_info.get("overwriteActivityTime") is not True:
            return
        now_ms = self._parts.now_ms()
        if now_ms - self._touched_ms >= TOUCH_MS:
            self._touched_ms = now_ms
            for device in self._devices.values():
                self._door.touch(device.session)

    def when_done(self, then: Callable[[], None]) -> None:
        """Call ``then`` when what was said is worked on, now if nothing waits.

        The connection is lost: who says something and hangs up is heard all the same. Only a
        database that is away is not waited for.
        """
        if self._is_joining:
            self._when_done = then
        else:
            then()

    def close(self) -> None:
        """Disconnect every device; what waits is refused, so that nobody takes it for stored."""
        self._is_closed = True
        while self._waiting:
            work, _ = self._waiting.popleft()
            self._parts.refuse(Unavailable("The session ended first"), work.ack)
        for device in self:
            self._door.close(device.session)
        self._devices.clear()

    # Connecting devices

    def _knows(self, names: Mapping[str, SubDeviceKind]) -> bool:
        """Whether a message can be worked on: each device is connected, or known to be refused."""
        return all(name in self._devices or self._refusal(name) for name in names)

    def _refusal(self, name: str) -> FieldlineError | None:
        if name not in self._refused:
            return None
        error, until_ms = self._refused[name]
        if self._parts.now_ms() < until_ms:
            return error
        del self._refused[name]
        return None

    async def _join(self) -> None:
        try:
            while self._waiting:
                wanted: dict[str, SubDeviceKind] = {}
                for work, _ in self._waiting:
                    for name, kind in work.names.items():
                        if not self._knows({name: kind}):
                            wanted.setdefault(name, kind)
                self._refusals = await self._connect(wanted)
                self._run_waiting()
                self._refusals = {}
        finally:
            self._is_joining = False
            if self._when_done is not None:
                self._when_done()
            elif self._is_paused and not self._is_closed:
                self._is_paused = False
                self._parts.resume()

    async def _connect(self, wanted: Mapping[str, SubDeviceKind]) -> dict[str, FieldlineError]:
        """Connect devices; those that cannot be are returned with the reason."""
        found: Mapping[str, DeviceRecord | FieldlineError] = {}
        while wanted and not self._is_closed:
            try:
                found = await self._door.join(self._gateway, wanted)
                break
            except Unavailable as error:
                if self._when_done is not None:
                    return dict.fromkeys(wanted, error)
                logger.warning("devices of a gateway wait to be connected: %s", error.message)
                await asyncio.sleep(RETRY_S)
            except RateLimited as error:
                return dict.fromkeys(wanted, error)
        refusals: dict[str, FieldlineError] = {}
        for name, record in found.items():
            if self._is_closed:
                break
            if isinstance(record, FieldlineError):
                refusals[name] = record
                if isinstance(record, LimitReached):
                    self._remember_refusal(name, SubDeviceRefused.of(record))
                continue
            device = self._make(name)
            try:
                device.session = self._door.open(record, device, self._gateway)
            except FieldlineError as error:
                refusals[name] = error
                continue
            self._devices[name] = device
            self._door.subscribe_attributes(device.session)
            self._door.subscribe_rpc(device.session)
        return {
            name: error if isinstance(error, _AS_IT_IS) else SubDeviceRefused.of(error)
            for name, error in refusals.items()
        }

    def _remember_refusal(self, name: str, error: FieldlineError) -> None:
        self._refused[name] = (error, self._parts.now_ms() + REFUSED_FOR_MS)
        if len(self._refused) > MAX_REFUSED:
            del self._refused[next(iter(self._refused))]

    def _run_waiting(self) -> None:
        """Work on messages as far as their devices are there, or known to be refused."""
        while self._waiting and not self._is_closed:
            work, size = self._waiting[0]
            # What came while these devices were asked for may name others too.
            missing = [name for name in work.names if name not in self._devices]
            if not all(name in self._refusals or self._refusal(name) for name in missing):
                return
            self._waiting.popleft()
            self._waiting_bytes -= size
            try:
                for name in missing:
                    error = self._refusals.get(name)
                    if isinstance(error, Unavailable):
                        # A server that is too busy for one of them is to be asked again, for all.
                        raise error
                work.run()
            except FieldlineError as error:
                self._parts.refuse(error, work.ack)
            else:
                work.ack.release()
