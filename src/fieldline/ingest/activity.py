"""Whether devices are active: notes what they do, stores it, and tells the rules of changes.

A packet sets one number. Every 3 s the devices that did something are written in one batch; a
device that was inactive, connects or disconnects is handled at once. Every 60 s, and at the start,
devices that were silent for their time-out become inactive; nobody is silent while the server was
not there, or too busy, to listen.

Source: ThingsBoard's device state (report cycle, state check interval, the four events).
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any
from uuid import UUID

from fieldline.domains.device.directory import DeviceRecord
from fieldline.ingest.attention import Attention
from fieldline.ingest.limits import Limits
from fieldline.ingest.parts import DoorParts, IngestOptions
from fieldline.ingest.presence import Presence
from fieldline.ingest.reporter import Reporter
from fieldline.ingest.timeouts import TIMEOUT_KEY, Timeouts, timeout_of
from fieldline.kit.errors import Unavailable
from fieldline.kit.ids import NULL_UUID, EntityRef, EntityType
from fieldline.kit.values import Value
from fieldline.messaging.events import AttributesSaved, Change, EntityChanged, KeysDeleted
from fieldline.messaging.message import MessageType
from fieldline.timeseries.store import Scope

logger = logging.getLogger(__name__)

REPORT_S = 3.0
CHECK_S = 60.0
STOP_WITHIN_S = 10.0
_SLICE = 500
"""Devices reported or checked before other work gets its turn: a few milliseconds."""
_EVICTION_TRIES = 64
_EVENTS_KEPT = 16
"""Connections and disconnections of one device that wait while the store is away."""


class Activity:
    """Keeps the presence of devices.

    Args:
        parts: the bus, the store, the writer, the directory and the clock are used.
        is_full: whether the door takes no more just now.
        tenants: tell of whom it takes no more just now.
        limits: how many devices are kept in memory (quiet ones make room for others), and for how
            long one may be silent.
    """

    def __init__(
        self,
        parts: DoorParts,
        is_full: Callable[[], bool],
        tenants: Limits,
        limits: IngestOptions,
    ) -> None:
        self._parts = parts
        self._now_ms = parts.clock.now_ms
        self._tenants = tenants
        self._attention = Attention(self._now_ms, is_full, tenants.held)
        self._timeouts = Timeouts(parts.store, limits.inactivity_timeout_ms)
        self._reporter = Reporter(parts, self._timeouts, self._attention)
        self._limit = limits.presences
        self._presences: OrderedDict[UUID, Presence] = OrderedDict()
        self._noted: list[Presence] = []
        self._urgent: list[Presence] = []
        self._wake = asyncio.Event()
        self._recheck = asyncio.Event()
        self._must_sweep = True
        self._tasks: list[asyncio.Task[None]] = []
        parts.bus.listen(EntityChanged, self._on_entity)
        parts.bus.listen(AttributesSaved, self._on_attributes)
        parts.bus.listen(KeysDeleted, self._on_keys)

    async def start(self) -> None:
        """Begin to report, and find the devices that were active when the server stopped."""
        self._tasks = [
            asyncio.create_task(self._report_now_and_then()),
            asyncio.create_task(self._check_now_and_then()),
        ]

    async def stop(self) -> None:
        """Write what is known, then end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await self.report()
        except (Unavailable, TimeoutError):
            logger.warning("the last activity of some devices could not be stored")

    # What the door tells

    def presence(self, device: DeviceRecord) -> Presence:
        """Return the device's presence.

        Raises:
            Unavailable: no more devices can be kept.
        """
        found = self._presences.get(device.id)
        return found if found is not None else self._add(Presence(device.ref, device.tenant_id))

    def note(self, presence: Presence, now_ms: int | None = None) -> None:
        """Note that the device did something."""
        presence.last_activity_ms = self._now_ms() if now_ms is None else now_ms
        if not presence.is_noted:
            presence.is_noted = True
            if presence.is_active:
                self._noted.append(presence)
            else:
                self._hurry(presence)

    def connected(self, presence: Presence) -> None:
        """Note that the device connected, which is activity too."""
        presence.is_connected = True
        self._happened(presence, MessageType.CONNECT_EVENT)
        self.note(presence)

    def disconnected(self, presence: Presence) -> None:
        """Note that the device's last connection went."""
        presence.is_connected = False
        self._happened(presence, MessageType.DISCONNECT_EVENT)

    # What is done with it

    async def report_urgent(self) -> None:
        """Handle connections, disconnections and devices that became active.

        Raises:
            Unavailable: the store is away; the rest is tried again later.
        """
        waiting, self._urgent = self._urgent, []
        await self._report_all(waiting)

    async def report(self) -> None:
        """Write the last activity of every device that did something since the last report.

        Raises:
            Unavailable: the store is away; the rest is tried again later.
        """
        waiting = self._urgent + self._noted
        self._urgent, self._noted = [], []
        await self._report_all(waiting)

    async def check(self) -> None:
        """Find the devices that have been silent for too long.

        Raises:
            Unavailable: the store is away; what was not checked is tried again later.
        """
        everything = list(self._presences.values())
        for start in range(0, len(everything), _SLICE):
            now_ms = self._now_ms()
            for presence in everything[start : start + _SLICE]:
                is_new = presence.is_known and presence.profile_id is None
                heard_since_ms = self._attention.since_ms_of(presence.tenant_id)
                if is_new or presence.is_expired(now_ms, heard_since_ms):
                    await self._reporter.expire(presence)
                if presence.is_gone:
                    self._presences.pop(presence.device_id, None)
            await asyncio.sleep(0)
        if self._must_sweep:
            await self._sweep()

    async def _sweep(self) -> None:
        """Find the active devices, and the ones never seen, that are not in memory.

        Raises:
            Unavailable: the store is away; tried again later.
        """
        self._must_sweep = False
        try:
            for is_active in (True, False):
                for device_id in await self._parts.store.entities_with(
                    Scope.SERVER, "active", is_active
                ):
                    if device_id not in self._presences:
                        await self._recall(device_id)
        except Unavailable:
            self._must_sweep = True
            raise

    async def _recall(self, device_id: UUID) -> None:
        """Look at a device that is not in memory; one whose state may change yet stays there."""
        presence = Presence(EntityRef(EntityType.DEVICE, device_id), NULL_UUID)
        await self._reporter.load(presence)
        if not presence.may_expire:
            return
        device = await self._parts.devices.by_id(device_id)
        if device is None or device_id in self._presences:
            return
        presence.tenant_id = device.tenant_id
        if len(self._presences) < self._limit:
            self._presences[device_id] = presence
        else:
            self._must_sweep = True
        await self._reporter.expire(presence)

    async def _report_now_and_then(self) -> None:
        time_s = asyncio.get_running_loop().time
        report_at = time_s() + REPORT_S
        while True:
            await _wait(self._wake, report_at - time_s())
            self._attention.look()
            await _surely(self.report_urgent())
            if time_s() >= report_at:
                report_at = time_s() + REPORT_S
                await _surely(self.report())

    async def _check_now_and_then(self) -> None:
        while True:
            await _surely(self.check())
            await _wait(self._recheck, CHECK_S)

    async def _report_all(self, waiting: list[Presence]) -> None:
        done = 0
        try:
            for presence in waiting:
                if self._tenants.is_held(presence.tenant_id):
                    # It would be one more message to rules that do not keep up.
                    self._noted.append(presence)
                else:
                    await self._reporter.report(presence)
                done += 1
                if done % _SLICE == 0:
                    await asyncio.sleep(0)
        finally:
            self._urgent.extend(waiting[done:])

    # What is kept

    def _add(self, presence: Presence) -> Presence:
        if len(self._presences) >= self._limit:
            self._make_room()
        self._presences[presence.device_id] = presence
        return presence

    def _make_room(self) -> None:
        """Forget a quiet device; one that is still active is found again by the next sweep."""
        for _ in range(min(_EVICTION_TRIES, len(self._presences))):
            device_id, presence = next(iter(self._presences.items()))
            if not presence.is_connected and not presence.is_noted:
                del self._presences[device_id]
                self._must_sweep = self._must_sweep or presence.is_active
                return
            self._presences.move_to_end(device_id)
        msg = "The server watches as many devices as it may; try again later"
        raise Unavailable(msg)

    def _hurry(self, presence: Presence) -> None:
        self._urgent.append(presence)
        self._wake.set()

    def _happened(self, presence: Presence, event: MessageType) -> None:
        if not presence.events:
            self._hurry(presence)
        presence.events.append((event, self._now_ms()))
        del presence.events[:-_EVENTS_KEPT]

    # What the bus tells

    def _on_entity(self, event: EntityChanged) -> None:
        if event.entity.type is not EntityType.DEVICE:
            return
        if event.change is Change.CREATED and event.tenant_id is not None:
            self._on_created(event.entity, event.tenant_id)
        elif event.change is Change.UPDATED and event.entity.id in self._presences:
            self._presences[event.entity.id].profile_id = None
        elif event.change is Change.DELETED:
            presence = self._presences.pop(event.entity.id, None)
            if presence is not None:
                presence.is_gone = True

    def _on_created(self, ref: EntityRef, tenant_id: UUID) -> None:
        self._parts.writer.save_attributes(
            tenant_id, ref, Scope.SERVER, {"active": False}, notify_device=False
        )
        presence = Presence(ref, tenant_id)
        presence.is_known = True
        try:
            self._add(presence)
        except Unavailable:
            self._must_sweep = True

    def _on_attributes(self, event: AttributesSaved) -> None:
        if TIMEOUT_KEY in event.values and event.scope == Scope.SERVER:
            self._set_timeout(event.entity, event.values[TIMEOUT_KEY])

    def _on_keys(self, event: KeysDeleted) -> None:
        if TIMEOUT_KEY in event.keys and event.scope == Scope.SERVER:
            self._set_timeout(event.entity, None)

    def _set_timeout(self, entity: EntityRef, value: Value | None) -> None:
        if entity.type is EntityType.DEVICE_PROFILE:
            timeout_ms = self._timeouts.change(entity.id, value)
            for presence in self._presences.values():
                if presence.profile_id == entity.id:
                    presence.profile_timeout_ms = timeout_ms
        elif entity.id in self._presences:
            self._presences[entity.id].own_timeout_ms = timeout_of(value)
        else:
            return
        self._recheck.set()


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    """Wait for the event, or for the time to pass."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()
    event.clear()


async def _surely(work: Coroutine[Any, Any, None]) -> None:
    """Do a piece of work that is done again later, whatever becomes of it now."""
    try:
        await work
    except Unavailable:
        await asyncio.sleep(REPORT_S)
    except Exception:
        logger.exception("the activity of devices could not be followed")
        await asyncio.sleep(REPORT_S)
