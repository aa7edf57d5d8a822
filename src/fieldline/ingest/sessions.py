"""Who is connected: one session per device, and who wants attributes or commands pushed."""

from collections.abc import Callable, Sequence
from uuid import UUID

from fieldline.domains.device.directory import DeviceRecord
from fieldline.ingest.activity import Activity
from fieldline.ingest.limits import Limits
from fieldline.ingest.presence import Presence
from fieldline.ingest.session import CloseReason, DeviceSession, SessionListener
from fieldline.ingest.subscribers import Subscribers
from fieldline.kit.errors import Unauthenticated, Unavailable
from fieldline.kit.ids import EntityType
from fieldline.kit.values import to_json
from fieldline.messaging.bus import Bus
from fieldline.messaging.events import AttributesSaved, Change, EntityChanged, KeysDeleted
from fieldline.timeseries.store import Scope

_CLOSING = {
    Change.DELETED: CloseReason.DEVICE_DELETED,
    Change.CREDENTIALS_UPDATED: CloseReason.CREDENTIALS_CHANGED,
}


class Sessions:
    """Keeps the open sessions and closes them when the platform says so.

    ``attributes`` and ``rpc`` are the sessions that want shared attributes and commands pushed.

    Args:
        bus: tells of deleted devices, changed credentials and shared attributes.
        activity: told of connections.
        limits: what tenants may send.
        limit: open sessions that the process may have.
    """

    def __init__(self, bus: Bus, activity: Activity, limits: Limits, *, limit: int) -> None:
        self._activity = activity
        self._limits = limits
        self._limit = limit
        self._connected: dict[UUID, DeviceSession] = {}
        self.attributes = Subscribers()
        self.rpc = Subscribers()
        bus.listen(EntityChanged, self._on_entity)
        bus.listen(AttributesSaved, self._on_attributes)
        bus.listen(KeysDeleted, self._on_keys)

    def __len__(self) -> int:
        return len(self._connected)

    def open(
        self,
        device: DeviceRecord,
        listener: SessionListener,
        gateway: DeviceSession | None = None,
    ) -> DeviceSession:
        """Connect a device, perhaps through a gateway; its older session is told that it is over.

        Raises:
            Unauthenticated: the device was deleted while it logged in.
            Unavailable: there are as many sessions as there may be.
        """
        if device.is_deleted:
            msg = "The device was deleted"
            raise Unauthenticated(msg)
        older = self._connected.get(device.id)
        if older is None and len(self._connected) >= self._limit:
            msg = "The server has as many connections as it may have; try again later"
            raise Unavailable(msg)
        limits = self._limits.of(device.tenant_id)
        presence = self._activity.presence(device)
        session = DeviceSession(device, presence, listener, limits, gateway)
        self._connected[device.id] = session
        if older is not None:
            self._end(older, CloseReason.TAKEN_OVER)
        self._activity.connected(session.presence)
        return session

    def brief(self, device: DeviceRecord, listener: SessionListener | None) -> DeviceSession:
        """Make a session for one request, which is activity but no connection."""
        presence = self._activity.presence(device)
        self._activity.note(presence)
        return DeviceSession(device, presence, listener, self._limits.of(device.tenant_id))

    def last_words(self, session: DeviceSession) -> DeviceSession:
        """Make a session for what a device left to be said when it is gone."""
        nobody = Presence(session.device.ref, session.device.tenant_id)
        nobody.is_noted = True  # so that nothing comes of it
        return DeviceSession(session.device, nobody, None, session.limits, session.gateway)

    def close(self, session: DeviceSession) -> None:
        """Forget a session; the device's last connection going is an event."""
        if not session.is_open:
            return
        session.is_open = False
        self._unsubscribe(session)
        if self._connected.get(session.device.id) is session:
            del self._connected[session.device.id]
            self._activity.disconnected(session.presence)

    def close_all(self) -> None:
        """Close every session because the server stops."""
        self._close_where(lambda _device: True, CloseReason.SERVER_STOPPING)

    def end_waiting(self) -> None:
        """Close the sessions that are no connection but wait for pushes."""
        for session in (*self.attributes.all(), *self.rpc.all()):
            if self._connected.get(session.device.id) is not session:
                self._close_telling(session, CloseReason.SERVER_STOPPING)

    def _unsubscribe(self, session: DeviceSession) -> None:
        self.attributes.remove(session)
        self.rpc.remove(session)

    def _end(self, session: DeviceSession, reason: CloseReason) -> None:
        session.is_open = False
        self._unsubscribe(session)
        if session.listener is not None:
            session.listener.on_close(reason)

    def _close_telling(self, session: DeviceSession, reason: CloseReason) -> None:
        if not session.is_open:
            return
        if self._connected.get(session.device.id) is session:
            del self._connected[session.device.id]
            if reason is not CloseReason.DEVICE_DELETED:
                self._activity.disconnected(session.presence)
        self._end(session, reason)

    def _close_where(self, chosen: Callable[[DeviceRecord], bool], reason: CloseReason) -> None:
        for device_id in {*self._connected, *self.attributes, *self.rpc}:
            for session in self._of(device_id):
                if chosen(session.device):
                    self._close_telling(session, reason)

    def _of(self, device_id: UUID) -> list[DeviceSession]:
        """Return every session of a device, connected or waiting for pushes."""
        sessions = dict.fromkeys((*self.attributes.of(device_id), *self.rpc.of(device_id)))
        connected = self._connected.get(device_id)
        if connected is not None:
            sessions[connected] = None
        return list(sessions)

    def _on_entity(self, event: EntityChanged) -> None:
        reason = _CLOSING.get(event.change)
        if reason is None:
            return
        if event.entity.type is EntityType.DEVICE:
            for session in self._of(event.entity.id):
                self._close_telling(session, reason)
        elif event.entity.type is EntityType.TENANT and event.change is Change.DELETED:
            self._close_where(lambda device: device.tenant_id == event.entity.id, reason)

    def _on_attributes(self, event: AttributesSaved) -> None:
        if event.scope != Scope.SHARED or not event.notify_device or not event.values:
            return
        sessions = self.attributes.of(event.entity.id)
        if sessions:
            values: dict[str, object] = {k: to_json(v) for k, v in event.values.items()}
            _push(sessions, values, [])

    def _on_keys(self, event: KeysDeleted) -> None:
        if event.scope != Scope.SHARED or not event.notify_device or not event.keys:
            return
        sessions = self.attributes.of(event.entity.id)
        if sessions:
            _push(sessions, {}, list(event.keys))


def _push(
    sessions: Sequence[DeviceSession], updated: dict[str, object], deleted: list[str]
) -> None:
    for session in sessions:
        if session.listener is not None:
            session.listener.on_attributes(updated, deleted)
