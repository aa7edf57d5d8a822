"""One integration's way through the door: from devices' names to the readings of devices.

The devices speak through somebody else's broker, so they have no connection here; each message is
activity of theirs, as a request over HTTP is.
"""

from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

from fieldline.domains.integration.configuration import Configuration
from fieldline.domains.integration.converter import MAX_VALUES, Uplink
from fieldline.domains.integration.loading import ConnectorSettings, Integrations
from fieldline.domains.integration.statistics import ConnectionState, Statistics
from fieldline.ingest.door import Door
from fieldline.ingest.session import DeviceRecord
from fieldline.kit.errors import FieldlineError, NotFound, RateLimited, Unavailable
from fieldline.kit.lru import Lru
from fieldline.messaging.receipt import Receipt

__all__ = [
    "Configuration",
    "ConnectionState",
    "ConnectorSettings",
    "Delivery",
    "Intake",
    "Integrations",
    "Statistics",
    "Uplink",
]

MAX_NAMES = MAX_VALUES
"""Names of one integration that are known, and likewise that are refused; others are looked up
again. Fewer than one message may hold would never be known together, and it would wait for ever."""
REFUSED_FOR_MS = 60_000
"""How long a name is not asked for again: a tenant at its limit would cost a query a message."""


class Delivery(Receipt):
    """One message on its way; its receipt.

    ``position`` counts what has been handed over: first telemetry, then attributes, of
    each uplink.
    """

    __slots__ = ("error", "position", "uplinks", "values")

    def __init__(self, uplinks: list[Uplink], on_done: Callable[[Receipt], None]) -> None:
        super().__init__(on_done)
        self.uplinks = uplinks
        self.position = 0
        self.values = 0
        self.error: FieldlineError | None = None


class Intake:
    """See the module's text.

    Args:
        door: where the readings go.
        tenant_id: whose devices they are of.
        statistics: told how many devices were made.
        now_ms: the time.
    """

    def __init__(
        self, door: Door, tenant_id: UUID, statistics: Statistics, now_ms: Callable[[], int]
    ) -> None:
        self._door = door
        self._tenant_id = tenant_id
        self._statistics = statistics
        self._now_ms = now_ms
        self._devices: Lru[str, DeviceRecord] = Lru(MAX_NAMES)
        self._refused: Lru[str, tuple[str, int]] = Lru(MAX_NAMES)

    @property
    def is_full(self) -> bool:
        """Whether the door takes no more of the tenant just now."""
        return self._door.share_of(self._tenant_id).is_full

    def when_room(self, callback: Callable[[], None]) -> None:
        """Call back once, when the door takes more."""
        self._door.share_of(self._tenant_id).when_room(callback)

    def unknown(self, deliveries: Iterable[Delivery]) -> dict[str, str]:
        """Return the devices that must be found or made first: name and type.

        They are those of as many messages as can be known together, of the first at least.
        """
        wanted: dict[str, str] = {}
        uplinks = 0
        for delivery in deliveries:
            uplinks += len(delivery.uplinks)
            if uplinks > MAX_NAMES:
                break
            for uplink in delivery.uplinks:
                name = uplink.device_name
                if self._known(name) is None and self._refusal(name) is None:
                    wanted.setdefault(name, uplink.device_type)
        return wanted

    async def join(self, wanted: Mapping[str, str]) -> None:
        """Find devices, and make those that are not there.

        Raises:
            RateLimited: the tenant sends more than it may; go on later.
            Unavailable: the database is away.
        """
        found, made = await self._door.find_or_make(self._tenant_id, wanted)
        if made:
            self._statistics.devices_created += made
            self._statistics.is_changed = True
        for name, record in found.items():
            if isinstance(record, NotFound):
                continue  # deleted meanwhile: a second look makes it again
            if isinstance(record, FieldlineError):
                self._refused.put(name, (record.message, self._now_ms() + REFUSED_FOR_MS))
            else:
                self._devices.put(name, record)

    def hand_over(self, delivery: Delivery) -> None:
        """Give the door what is left of a message; what it refuses is noted as ``error``.

        Raises:
            RateLimited: the tenant sends more than it may; go on later.
            Unavailable: there is no room, or a device is not known any more; likewise.
        """
        uplinks = delivery.uplinks
        while delivery.position < 2 * len(uplinks):
            index, is_attributes = divmod(delivery.position, 2)
            try:
                self._take(uplinks[index], delivery, is_attributes=bool(is_attributes))
            except (RateLimited, Unavailable):
                raise
            except FieldlineError as error:
                delivery.error = delivery.error or error
            delivery.position += 1

    def _take(self, uplink: Uplink, delivery: Delivery, *, is_attributes: bool) -> None:
        values = uplink.attributes if is_attributes else uplink.telemetry
        if not values:
            return
        record = self._known(uplink.device_name)
        if record is None:
            refusal = self._refusal(uplink.device_name)
            msg = f"The device '{uplink.device_name[:255]}' is not known any more"
            raise refusal or Unavailable(msg)
        session = self._door.brief(record)
        if is_attributes:
            self._door.attributes_document(session, values, delivery)
        else:
            document = {"ts": uplink.ts_ms, "values": values}
            self._door.telemetry_document(session, document, delivery)
        delivery.values += len(values)

    def _known(self, name: str) -> DeviceRecord | None:
        record = self._devices.get(name)
        if record is None or (record.name == name and not record.is_deleted):
            return record
        # Renamed or deleted: another device may have the name now.
        self._devices.pop(name)
        return None

    def _refusal(self, name: str) -> FieldlineError | None:
        found = self._refused.get(name)
        if found is None:
            return None
        reason, until_ms = found
        if self._now_ms() < until_ms:
            return FieldlineError(reason)
        self._refused.pop(name)
        return None
