"""What devices and people are told of updates: readings, and shared attributes."""

from collections.abc import Callable
from uuid import UUID

from fieldline.domains.ota_package import service as ota_package_service
from fieldline.domains.ota_update import attributes
from fieldline.domains.ota_update.repository import OpenUpdate
from fieldline.domains.telemetry.completion import Completion
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.values import Value
from fieldline.messaging.bus import Bus
from fieldline.messaging.events import KeysDeleted
from fieldline.timeseries.store import Scope, TimeseriesStore
from fieldline.timeseries.writer import Saves

Packages = dict[UUID, ota_package_service.Row]


class Teller:
    """Tells many devices at once, each step at a time that is later than that of the one before.

    Every step raises Unavailable while the store is away. Done again it changes nothing.
    """

    def __init__(self, writer: Saves, store: TimeseriesStore, bus: Bus) -> None:
        self._writer = writer
        self._store = store
        self._bus = bus

    async def queue(self, found: list[OpenUpdate], packages: Packages, now_ms: int) -> None:
        """Say that updates wait for their turn."""
        await self._save_readings(
            found,
            now_ms,
            lambda each, ts_ms: attributes.queued(each.type, _package(each, packages), ts_ms),
        )

    async def initiate(self, found: list[OpenUpdate], packages: Packages, now_ms: int) -> None:
        """Tell devices of their packages."""
        await self._save_readings(found, now_ms, lambda each, _: attributes.initiated(each.type))
        await self._writer.flush()
        values: dict[OpenUpdate, dict[str, Value]] = {}
        for each in found:
            values[each], deleted = attributes.shared(each.type, _package(each, packages))
            await self._delete(each, deleted)
        completion = Completion()
        for each in found:
            completion.branch()
            self._writer.save_attributes(
                each.tenant_id,
                _ref(each),
                Scope.SHARED,
                values[each],
                lambda _written, error: completion.end(error),
            )
        await completion.wait()

    async def unassign(self, found: list[OpenUpdate], _packages: Packages, _now_ms: int) -> None:
        """Tell devices that they have no package any more."""
        await self._writer.flush()
        for each in found:
            await self._delete(each, attributes.all_keys(each.type))

    async def _save_readings(
        self,
        found: list[OpenUpdate],
        now_ms: int,
        values_at: Callable[[OpenUpdate, int], dict[str, Value]],
    ) -> None:
        completion = Completion()
        for each in found:
            completion.branch()
            ts_ms = each.next_ms(now_ms)
            self._writer.save_readings(
                each.tenant_id, _ref(each), ts_ms, values_at(each, ts_ms), completion.end
            )
        await completion.wait()

    async def _delete(self, each: OpenUpdate, keys: tuple[str, ...]) -> None:
        """Delete shared attributes; the device is told also of those that there were not."""
        # Mostly there are none, and a look is cheaper than a transaction for each device.
        if await self._store.attributes(each.device_id, Scope.SHARED, keys):
            await self._store.delete_attributes(each.device_id, Scope.SHARED, keys)
        self._bus.emit(KeysDeleted(each.tenant_id, _ref(each), Scope.SHARED.value, keys))


def _ref(each: OpenUpdate) -> EntityRef:
    return EntityRef(EntityType.DEVICE, each.device_id)


def _package(each: OpenUpdate, packages: Packages) -> ota_package_service.Row:
    assert each.package_id is not None  # noqa: S101 - updates to none take another way
    return packages[each.package_id]
