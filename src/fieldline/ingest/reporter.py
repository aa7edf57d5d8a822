"""Stores what devices did as attributes, and tells the rules of the changes.

Source: ThingsBoard's device state (transitions, event bodies and metadata).
"""

import asyncio

from fieldline.domains.device.directory import DeviceRecord
from fieldline.ingest.attention import Attention
from fieldline.ingest.parts import DoorParts
from fieldline.ingest.presence import STATE_KEYS, Presence
from fieldline.ingest.timeouts import Timeouts
from fieldline.kit.values import Value
from fieldline.messaging.bus import publish_alone
from fieldline.messaging.events import PresenceChanged
from fieldline.messaging.message import Message, MessageType
from fieldline.timeseries.saves import OnAttributesSaved
from fieldline.timeseries.store import Scope


class Reporter:
    """Brings a presence's news into the store and the rules.

    Args:
        parts: the bus, the store, the writer, the directory and the clock are used.
        timeouts: of profiles.
        attention: since when devices could be heard.
    """

    def __init__(self, parts: DoorParts, timeouts: Timeouts, attention: Attention) -> None:
        self._parts = parts
        self._timeouts = timeouts
        self._attention = attention

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
        await self.load(presence)
        await self._room()
        device = None
        if presence.events or not presence.is_active or presence.profile_id is None:
            device = await self._parts.devices.by_id(presence.device_id)
            presence.is_gone = presence.is_gone or device is None
            if device is not None:
                await self._learn_timeout(presence, device)
        # From here on nothing waits: what is stored and told is one step.
        was_noted, presence.is_noted = presence.is_noted, False
        if presence.is_gone:
            return
        if device is not None:
            events, presence.events = presence.events, []
            for event, at_ms in events:
                self._tell_connection(presence, device, event, at_ms)
        # Not "later than": the clock may have been put back.
        is_news = presence.last_activity_ms != presence.reported_ms or not presence.is_active
        if was_noted and is_news:
            self._activate(presence, device)

    async def expire(self, presence: Presence) -> None:
        """Make the device inactive, if it still is silent when there is room to store that.

        Raises:
            Unavailable: the store is away; nothing was changed.
        """
        device = await self._parts.devices.by_id(presence.device_id)
        if device is not None:
            await self._learn_timeout(presence, device)
        await self._room()
        now_ms = self._parts.clock.now_ms()
        if device is None:
            presence.is_gone = True
        elif presence.is_expired(now_ms, self._attention.since_ms_of(presence.tenant_id)):
            self._deactivate(presence, device, now_ms)

    async def _learn_timeout(self, presence: Presence, device: DeviceRecord) -> None:
        if presence.profile_id != device.profile_id:
            presence.profile_timeout_ms = await self._timeouts.of_profile(device.profile_id)
            presence.profile_id = device.profile_id

    def _tell_connection(
        self, presence: Presence, device: DeviceRecord, event: MessageType, at_ms: int
    ) -> None:
        if event is MessageType.CONNECT_EVENT:
            heard_since_ms = self._attention.since_ms_of(presence.tenant_id)
            silent_since_ms = max(presence.reported_ms, heard_since_ms)
            if presence.is_active and at_ms >= silent_since_ms + presence.timeout_ms:
                self._deactivate(presence, device, at_ms)
            presence.last_connect_ms = at_ms
            self._save(presence, {"lastConnectTime": at_ms})
        else:
            presence.last_disconnect_ms = at_ms
            self._save(presence, {"lastDisconnectTime": at_ms})
        self._tell(presence, device, event)

    def _activate(self, presence: Presence, device: DeviceRecord | None) -> None:
        presence.reported_ms = presence.last_activity_ms
        values: dict[str, Value] = {"lastActivityTime": presence.last_activity_ms}
        if presence.last_activity_ms <= presence.inactivity_alarm_ms:
            presence.inactivity_alarm_ms = values["inactivityAlarmTime"] = 0
        became_active = not presence.is_active
        if became_active:
            presence.is_active = values["active"] = True
        if not became_active or device is None:
            self._save(presence, values)
        else:
            at_ms = presence.last_activity_ms
            self._save(presence, values, self._told(device, at_ms, is_active=True))
            self._tell(presence, device, MessageType.ACTIVITY_EVENT)

    def _deactivate(self, presence: Presence, device: DeviceRecord, now_ms: int) -> None:
        presence.is_active = False
        presence.inactivity_alarm_ms = now_ms
        values: dict[str, Value] = {"active": False, "inactivityAlarmTime": now_ms}
        self._save(presence, values, self._told(device, now_ms, is_active=False))
        self._tell(presence, device, MessageType.INACTIVITY_EVENT)

    def _save(
        self,
        presence: Presence,
        values: dict[str, Value],
        on_saved: OnAttributesSaved | None = None,
    ) -> None:
        self._parts.writer.save_attributes(
            presence.tenant_id,
            presence.ref,
            Scope.SERVER,
            values,
            on_saved,
            notify_device=False,
        )

    def _told(self, device: DeviceRecord, at_ms: int, *, is_active: bool) -> OnAttributesSaved:
        """Return what tells everybody, once it is stored, that a device went on or offline."""
        changed = PresenceChanged(
            device.tenant_id, device.customer_id, device.ref, device.name, is_active, at_ms
        )

        def tell(_written: set[str], error: Exception | None) -> None:
            if error is None:
                self._parts.bus.emit(changed)

        return tell

    def _tell(self, presence: Presence, device: DeviceRecord, event: MessageType) -> None:
        """Send an event through the rules of the device."""
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
        publish_alone(self._parts.bus, message)

    async def _room(self) -> None:
        """Wait until the writer takes more."""
        writer = self._parts.writer
        while writer.is_full:
            room = asyncio.Event()
            writer.when_room(room.set)
            await room.wait()
