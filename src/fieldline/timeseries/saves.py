"""What waits in the writer: one object per call, and the batch that some make."""

from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

from fieldline.kit.ids import EntityRef
from fieldline.kit.values import Value
from fieldline.timeseries.store import AttributeWrite, ReadingsWrite, Scope, WriteBatch

OnSaved = Callable[[Exception | None], None]
"""Called after the commit with None, or with why these rows alone could not be stored."""
OnAttributesSaved = Callable[[set[str], Exception | None], None]
"""The same for attributes, with the keys that were really written."""
CommittedReadings = tuple[UUID, EntityRef, int, Mapping[str, Value]]
"""Tenant, entity, ts_ms, values."""
OnReadings = Callable[[list[CommittedReadings]], None]
"""Told of the readings that a commit stored, in their order: one call for many."""
OnAttributes = Callable[[UUID, EntityRef, Scope, int, Mapping[str, Value], bool], None]
"""Told of committed attributes: tenant, entity, scope, ts_ms, written values, notify_device."""


class ReadingsSave:
    """Readings that wait for their commit; a saver without rows may wait too (``flush``)."""

    __slots__ = ("entity", "notify", "on_saved", "tenant_id", "weight", "write")

    def __init__(
        self,
        tenant_id: UUID,
        entity: EntityRef,
        write: ReadingsWrite,
        weight: int,
        on_saved: OnSaved | None,
        *,
        notify: bool,
    ) -> None:
        self.tenant_id = tenant_id
        self.entity = entity
        self.write = write
        self.weight = weight
        self.on_saved = on_saved
        self.notify = notify

    def call_back(self, _written: set[str] | None, error: Exception | None) -> None:
        if self.on_saved is not None:
            self.on_saved(error)

    @property
    def committed(self) -> CommittedReadings:
        write = self.write
        return (self.tenant_id, self.entity, write.ts_ms, write.values)


class AttributesSave:
    """Attributes that wait for their commit."""

    __slots__ = ("_on_saved", "_tell", "entity", "notify_device", "tenant_id", "weight", "write")

    def __init__(
        self,
        tenant_id: UUID,
        entity: EntityRef,
        write: AttributeWrite,
        weight: int,
        on_saved: OnAttributesSaved | None,
        tell: OnAttributes,
    ) -> None:
        self.tenant_id = tenant_id
        self.entity = entity
        self.write = write
        self.weight = weight
        self._on_saved = on_saved
        self._tell = tell
        self.notify_device = True

    def call_back(self, written: set[str] | None, error: Exception | None) -> None:
        if self._on_saved is not None:
            self._on_saved(written or set(), error)

    def tell(self, written: set[str]) -> None:
        if written:
            write = self.write
            values = {key: value for key, value in write.values.items() if key in written}
            self._tell(
                self.tenant_id, self.entity, write.scope, write.ts_ms, values, self.notify_device
            )


Save = ReadingsSave | AttributesSave


def batch_of(saves: Iterable[Save]) -> WriteBatch:
    """Make the batch that stores these saves; readings without values are left out."""
    batch = WriteBatch()
    for save in saves:
        if type(save) is ReadingsSave:
            if save.write.values:
                batch.readings.append(save.write)
        elif type(save) is AttributesSave:
            batch.attributes.append(save.write)
    return batch
