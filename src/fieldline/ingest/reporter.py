"""Stores what devices did as attributes, and tells the rules of the changes.

Source: ThingsBoard's device state (transitions, event bodies and metadata).
"""

import asyncio

from fieldline.ingest.parts import DoorParts
from fieldline.ingest.presence import STATE_KEYS, Presence
from fieldline.kit.values import Value
from fieldline.messaging.message import Message, MessageType
from fieldline.timeseries.store import Scope


class Reporter:
    """Brings a presence's news into the store and the rules.

    Args:
        parts: the bus, the store, the writer, the directory and the clock are used.
    """

    def __init__(self, parts: DoorParts) -> None:
        self._parts = parts

    async def load(self, presence: Presence) -> None:
        """Read the stored state, unless it is known.

        Raises:
            Unavailable: the store is away.
        """
        if not presence.is_known:
            stored = await self._parts.store.attributes(
                presence.device_id, Scope.SERVER, STATE_KEYS
            )
            if not presence.is_known:
                presence.restore(stored)

    async def report(self, presence: Presence) -> None:
        """Store and tell one device's news, in the order it happened.

        Raises:
            Unavailable: the store is away; the news stays with the presence.
        """
        if presence.is_gone:
            return
        await self.load(presence)
        await self._room()
        presence.is_noted = False
        events, presence.events = presence.events, []
        for event, at_ms in events:
            await self._tell_connection(presence, event, at_ms)
        if presence.last_activity_ms > presence.reported_ms:
            await self._activate(presence)

    async def _tell_connection(self, presence: Presence, event: MessageType, at_ms: int) -> None:
        if event is MessageType.CONNECT_EVENT:
            if presence.is_active and at_ms >= presence.reported_ms + presence.timeout_ms:
                await self.deactivate(presence, at_ms)
            presence.last_connect_ms = at_ms
            self._save(presence, {"lastConnectTime": at_ms})
        else:
            presence.last_disconnect_ms = at_ms
            self._save(presence, {"lastDisconnectTime": at_ms})
        await self._tell(presence, event)

    async def _activate(self, presence: Presence) -> None:
        presence.reported_ms = presence.last_activity_ms
        values: dict[str, Value] = {"lastActivityTime": presence.last_activity_ms}
        if presence.last_activity_ms <= presence.inactivity_alarm_ms:
            presence.inactivity_alarm_ms = values["inactivityAlarmTime"] = 0
        became_active = not presence.is_active
        if became_active:
            presence.is_active = values["active"] = True
        self._save(presence, values)
        if became_active:
            await self._tell(presence, MessageType.ACTIVITY_EVENT)

    async def deactivate(self, presence: Presence, now_ms: int) -> None:
        """Make the device inactive, from now on."""
        presence.is_active = False
        presence.inactivity_alarm_ms = now_ms
        await self._room()
        self._save(presence, {"active": False, "inactivityAlarmTime": now_ms})
        await self._tell(presence, MessageType.INACTIVITY_EVENT)

    def _save(self, presence: Presence, values: dict[str, Value]) -> None:
        if not presence.is_gone:
            self._parts.writer.save_attributes(
                presence.tenant_id, presence.ref, Scope.SERVER, values, notify_device=False
            )

    async def _tell(self, presence: Presence, event: MessageType) -> None:
        """Send an event through the rules of the device."""
        device = await self._parts.devices.by_id(presence.device_id)
        if device is None or presence.is_gone:
            return
        message = Message(
            event,
            device.ref,
            device.tenant_id,
            presence.body(event),
            {
                "deviceName": device.name,
                "deviceLabel": device.label or "",
                "deviceType": device.profile_name,
                "scope": Scope.SERVER.value,
            },
            ts_ms=self._parts.clock.now_ms(),
            customer_id=device.customer_id,
            profile_id=device.profile_id,
            rule_chain_id=device.rule_chain_id,
        )
        message.receipt.hold()
        self._parts.bus.publish(message)
        message.receipt.release()

    async def _room(self) -> None:
        """Wait until the writer takes more."""
        writer = self._parts.writer
        while writer.is_full:
            room = asyncio.Event()
            writer.when_room(room.set)
            await room.wait()
