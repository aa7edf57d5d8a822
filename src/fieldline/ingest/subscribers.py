"""Which sessions of which devices want something pushed."""

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from fieldline.ingest.session import DeviceSession

_NONE: tuple[DeviceSession, ...] = ()


class Subscribers:
    """The sessions that want one kind of news, by device.

    ``on_last`` is called with a device whose last session wants it no more.
    """

    def __init__(self, on_last: Callable[[UUID], None] = lambda _device_id: None) -> None:
        self.on_last = on_last
        self._sessions: dict[UUID, list[DeviceSession]] = {}

    def __iter__(self) -> Iterator[UUID]:
        return iter(self._sessions)

    def of(self, device_id: UUID) -> Sequence[DeviceSession]:
        """Return the sessions of a device."""
        return tuple(self._sessions.get(device_id, _NONE))

    def all(self) -> list[DeviceSession]:
        """Return the sessions of all devices."""
        return [session for sessions in self._sessions.values() for session in sessions]

    def add(self, session: DeviceSession) -> None:
        """Add a session that is open; adding it again does nothing."""
        sessions = self._sessions.setdefault(session.device.id, [])
        if session not in sessions:
            sessions.append(session)

    def remove(self, session: DeviceSession) -> None:
        """Take a session out, if it is there."""
        sessions = self._sessions.get(session.device.id)
        if sessions is None or session not in sessions:
            return
        sessions.remove(session)
        if not sessions:
            del self._sessions[session.device.id]
            self.on_last(session.device.id)
