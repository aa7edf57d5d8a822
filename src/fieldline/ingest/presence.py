"""What is known of a device's activity, in memory, and how it is stored and told.

The state is kept in attributes of SERVER_SCOPE: ``active``, ``lastConnectTime``,
``lastDisconnectTime``, ``lastActivityTime``, ``inactivityAlarmTime``; ``inactivityTimeout`` is set
by people. Times are ms since 1970 UTC; 0 is never.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from fieldline.ingest.timeouts import DEFAULT_TIMEOUT_MS, TIMEOUT_KEY, timeout_of
from fieldline.kit.ids import EntityRef
from fieldline.kit.values import Value
from fieldline.messaging.message import MessageType
from fieldline.timeseries.store import Attribute

STATE_KEYS = (
    "active",
    "lastConnectTime",
    "lastDisconnectTime",
    "lastActivityTime",
    "inactivityAlarmTime",
    TIMEOUT_KEY,
)


class Presence:
    """One device's state of activity.

    ``is_known``: the stored state has been read; until then only what happened since the start is
    here. ``is_noted``: it waits in a list to be reported. ``is_gone``: the device was deleted.
    ``events`` are connections and disconnections that were not told yet. ``profile_id``: the
    profile that ``profile_timeout_ms`` is of; None until that is known.
    """

    __slots__ = (
        "device_id",
        "events",
        "inactivity_alarm_ms",
        "is_active",
        "is_connected",
        "is_gone",
        "is_known",
        "is_noted",
        "last_activity_ms",
        "last_connect_ms",
        "last_disconnect_ms",
        "own_timeout_ms",
        "profile_id",
        "profile_timeout_ms",
        "ref",
        "reported_ms",
        "tenant_id",
    )

    def __init__(self, ref: EntityRef, tenant_id: UUID) -> None:
        self.ref = ref
        self.device_id = ref.id
        self.tenant_id = tenant_id
        self.events: list[tuple[MessageType, int]] = []
        self.own_timeout_ms = 0
        self.profile_id: UUID | None = None
        self.profile_timeout_ms = DEFAULT_TIMEOUT_MS
        self.is_active = False
        self.is_connected = False
        self.is_gone = False
        self.is_known = False
        self.is_noted = False
        self.last_activity_ms = 0
        self.reported_ms = 0
        self.last_connect_ms = 0
        self.last_disconnect_ms = 0
        self.inactivity_alarm_ms = 0

    @property
    def created_ms(self) -> int:
        """When the device was made, by its time-ordered id; 0 for an id of another kind."""
        return self.device_id.int >> 80 if self.device_id.version == 7 else 0

    @property
    def never_seen(self) -> bool:
        """Whether it never did anything and nobody was told so."""
        return not self.is_active and not self.last_activity_ms and not self.inactivity_alarm_ms

    @property
    def may_expire(self) -> bool:
        """Whether silence would change anything."""
        return self.is_known and not self.is_gone and (self.is_active or self.never_seen)

    @property
    def timeout_ms(self) -> int:
        """How long it may be silent."""
        return self.own_timeout_ms or self.profile_timeout_ms

    def is_expired(self, now_ms: int, heard_since_ms: int) -> bool:
        """Whether silence for the time-out, of a device as old as that, makes it inactive now.

        Silence counts from when the server began to listen (``attention``). A time in the future is
        of a clock that was put back since, and says nothing.
        """
        if not self.may_expire:
            return False
        times = (heard_since_ms, self.reported_ms, self.last_activity_ms, self.created_ms)
        last_ms = max((ms for ms in times if ms <= now_ms), default=now_ms)
        return now_ms >= last_ms + self.timeout_ms

    def restore(self, attributes: Iterable[Attribute]) -> None:
        """Take the stored state over; what happened since is newer and stays."""
        stored = {attribute.key: attribute.value for attribute in attributes}
        self.is_known = True
        self.is_active = stored.get("active") is True
        self.own_timeout_ms = timeout_of(stored.get(TIMEOUT_KEY))
        self.reported_ms = _time(stored, "lastActivityTime")
        self.last_activity_ms = self.last_activity_ms or self.reported_ms
        self.last_connect_ms = _time(stored, "lastConnectTime")
        self.last_disconnect_ms = _time(stored, "lastDisconnectTime")
        self.inactivity_alarm_ms = _time(stored, "inactivityAlarmTime")

    def body(self, event: MessageType) -> dict[str, Any]:
        """Return the data of an event message."""
        body: dict[str, Any] = (
            {} if event is MessageType.CONNECT_EVENT else {"active": self.is_active}
        )
        body["lastConnectTime"] = self.last_connect_ms
        body["lastActivityTime"] = self.last_activity_ms
        body["lastDisconnectTime"] = self.last_disconnect_ms
        body["lastInactivityAlarmTime"] = self.inactivity_alarm_ms
        body["inactivityTimeout"] = self.timeout_ms
        return body


def _time(stored: dict[str, Value], key: str) -> int:
    value = stored.get(key)
    return value if type(value) is int else 0
