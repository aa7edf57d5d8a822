"""Reading, writing and deleting telemetry and attributes on behalf of a user.

:class:`Telemetry` is the one place that both REST dialects and the WebSocket call. Every method
first asks who owns the entity and whether the caller may; the answer costs no session afterwards,
so that nothing waits for the time-series writer while a transaction is open.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

from fieldline.domains.audit_log import service as audit_log_service
from fieldline.domains.audit_log.actions import Action
from fieldline.domains.device.directory import DeviceRecord
from fieldline.domains.entity.access import Known, find, known
from fieldline.domains.outbox.service import post
from fieldline.domains.telemetry.completion import WRITE_TIMEOUT_S, Completion
from fieldline.domains.telemetry.deeds import Done
from fieldline.domains.telemetry.limits import check_range
from fieldline.domains.telemetry.reading import PointBudget
from fieldline.domains.telemetry.source import Source, source_of
from fieldline.domains.telemetry.submitted import Evaluate, Submitted, without_rules
from fieldline.kit.errors import Invalid, NotFound, Unavailable
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.telemetry_json import Typed, stored_values
from fieldline.kit.values import Value
from fieldline.messaging.events import KeysDeleted
from fieldline.messaging.message import Message, MessageType
from fieldline.rest.services import Services
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, check
from fieldline.timeseries.checks import Checks
from fieldline.timeseries.store import (
    Attribute,
    Deletion,
    Point,
    RangeQuery,
    Scope,
)

READINGS_PER_TURN = 500
"""Readings of one request that are handed on before others have their turn."""
FindDevice = Callable[[UUID], Awaitable[DeviceRecord | None]]
Reading = tuple[int, Typed]
"""A time in ms and the values of that time, as ``kit.telemetry_json`` types them."""


class Telemetry:
    """Readings and attributes for users.

    Args:
        services: the parts below.
        evaluate: the door to the alarm rules, which live above the domains; ``app`` gives it.
        devices: finds a device in memory, where its permissions need no query; without it the
            database is asked.
    """

    def __init__(
        self,
        services: Services,
        *,
        evaluate: Evaluate = without_rules,
        devices: FindDevice | None = None,
    ) -> None:
        self._services = services
        self._evaluate = evaluate
        self._devices = devices
        self._checks = Checks()

    async def check(self, caller: Caller, operation: Operation, entity: EntityRef) -> Known:
        """Return whose the entity is, if the caller may do this to it.

        Raises:
            NotFound: there is no such entity, as far as the caller may know.
            Forbidden: the caller may not.
        """
        if self._devices is not None and entity.type is EntityType.DEVICE:
            return _check_device(caller, operation, await self._devices(entity.id))
        async with self._services.database.read() as session:
            return await known(session, caller, operation, entity)

    async def source(self, caller: Caller, entity: EntityRef) -> Source:
        """Return where the entity's readings are, if the caller may read them; as :meth:`check`."""
        if self._devices is not None and entity.type is EntityType.DEVICE:
            await self.check(caller, Operation.READ_TELEMETRY, entity)
            return Source(entity)
        async with self._services.database.read() as session:
            found, _owner = await find(session, caller, Operation.READ_TELEMETRY, entity)
        return source_of(entity, found)

    async def latest(
        self, caller: Caller, entity: EntityRef, keys: Sequence[str] | None = None
    ) -> dict[str, Point]:
        """Return the newest point of the keys (None: of all); a key without data is left out."""
        source = await self.source(caller, entity)
        return await source.latest(self._services.store, keys)

    async def history(
        self, caller: Caller, entity: EntityRef, query: RangeQuery
    ) -> dict[str, list[Point]]:
        """Return the points of a range; without keys in the query, of all keys.

        Raises:
            Invalid: the range or its intervals are out of bounds, or the answer would be too long.
        """
        source, store = await self.source(caller, entity), self._services.store
        query = check_range(query)
        if not query.keys:
            query = replace(query, keys=tuple(await source.keys_with_data(store)))
        return await source.read(store, query, PointBudget())

    async def keys(self, caller: Caller, entity: EntityRef) -> list[str]:
        source = await self.source(caller, entity)
        return await source.keys_with_data(self._services.store)

    async def attributes(
        self,
        caller: Caller,
        entity: EntityRef,
        scopes: Iterable[Scope] = Scope,
        keys: Sequence[str] | None = None,
    ) -> dict[Scope, list[Attribute]]:
        """Return the attributes of each scope, sorted by key (keys None: all)."""
        await self.check(caller, Operation.READ_ATTRIBUTES, entity)
        store = self._services.store
        return {scope: await store.attributes(entity.id, scope, _tuple(keys)) for scope in scopes}

    async def save_readings(
        self, caller: Caller, entity: EntityRef, readings: Sequence[Reading]
    ) -> None:
        """Store readings, through the alarm rules; returns when all of it is on disk.

        Raises:
            Invalid: nothing to store, a key or value that cannot be stored, or an entity view.
            Unavailable: the store is full or did not answer in time.
        """
        if not any(values for _ts, values in readings):
            msg = "No timeseries data found in request body!"
            raise Invalid(msg)
        owner = await self.check(caller, Operation.WRITE_TELEMETRY, entity)
        _refuse_views(entity)
        tenant_id = self._ready_to_write(owner)
        completion = Completion()
        all_submitted = [
            Submitted(
                tenant_id,
                entity,
                owner.profile_id,
                None,
                ts_ms,
                self._storable(values),
                completion.receipt,
            )
            for ts_ms, values in readings
            if values
        ]
        for count, submitted in enumerate(all_submitted, 1):
            completion.branch()
            self._evaluate(submitted, partial(self._store_readings, submitted, completion))
            if count % READINGS_PER_TURN == 0:
                await self._let_others_go_on()
        await completion.wait()
        data = [{"ts": ts_ms, "values": values} for ts_ms, values in readings]
        deed = Done(MessageType.TIMESERIES_UPDATED, {"timeseries": data})
        await self._tell(caller, entity, owner, deed)

    async def save_attributes(
        self, caller: Caller, entity: EntityRef, scope: Scope, values: Typed
    ) -> None:
        """Store attributes, through the alarm rules; returns when they are on disk.

        Raises:
            Invalid: nothing to store, or a key or value that cannot be stored.
            Unavailable: the store is full or did not answer in time.
        """
        if not values:
            msg = "No attributes data found in request body!"
            raise Invalid(msg)
        owner = await self.check(caller, Operation.WRITE_ATTRIBUTES, entity)
        tenant_id = self._ready_to_write(owner)
        completion = Completion()
        submitted = Submitted(
            tenant_id,
            entity,
            owner.profile_id,
            scope,
            self._services.clock.now_ms(),
            self._storable(values),
            completion.receipt,
        )
        completion.branch()
        self._evaluate(submitted, partial(self._store_attributes, submitted, completion))
        await completion.wait()
        deed = Done(MessageType.ATTRIBUTES_UPDATED, values, scope)
        await self._tell(caller, entity, owner, deed)

    async def delete_readings(self, caller: Caller, entity: EntityRef, deletion: Deletion) -> None:
        """Delete readings of some keys in a range.

        Raises:
            Invalid: no keys, or an entity view.
        """
        if not deletion.keys:
            msg = "No timeseries keys provided!"
            raise Invalid(msg)
        owner = await self.check(caller, Operation.WRITE_TELEMETRY, entity)
        _refuse_views(entity)
        tenant_id = self._ready_to_write(owner)
        await self._flush()
        await self._services.store.delete(deletion)
        if deletion.latest:
            await self._tell_deleted_latest(tenant_id, entity, deletion)
        data = {
            "timeseries": list(deletion.keys),
            "startTs": deletion.start_ms or 0,
            "endTs": deletion.end_ms or self._services.clock.now_ms(),
        }
        await self._tell(caller, entity, owner, Done(MessageType.TIMESERIES_DELETED, data))

    async def delete_attributes(
        self, caller: Caller, entity: EntityRef, scope: Scope, keys: Sequence[str]
    ) -> None:
        """Delete attributes of one scope.

        Raises:
            Invalid: no keys.
        """
        if not keys:
            msg = "No attribute keys provided!"
            raise Invalid(msg)
        owner = await self.check(caller, Operation.WRITE_ATTRIBUTES, entity)
        tenant_id = self._ready_to_write(owner)
        await self._flush()
        deleted = await self._services.store.delete_attributes(entity.id, scope, tuple(keys))
        if deleted:
            self._services.bus.emit(KeysDeleted(tenant_id, entity, scope.value, tuple(deleted)))
        deed = Done(MessageType.ATTRIBUTES_DELETED, {"attributes": list(keys)}, scope)
        await self._tell(caller, entity, owner, deed)

    def _ready_to_write(self, owner: Known) -> UUID:
        """Refuse while the writer is full; return the tenant that the values belong to."""
        if self._services.writer.is_full:
            msg = "Too many readings wait to be stored; try again"
            raise Unavailable(msg)
        if owner.tenant_id is None:
            msg = "Things of the system have no telemetry and no attributes to write"
            raise Invalid(msg)
        return owner.tenant_id

    async def _let_others_go_on(self) -> None:
        """Give the loop a turn within a long request, and wait while the writer is full."""
        await asyncio.sleep(0)
        if self._services.writer.is_full:
            has_room = asyncio.Event()
            self._services.writer.when_room(has_room.set)
            await has_room.wait()

    async def _flush(self) -> None:
        """Have stored what was given to the writer before, so that it does not outlive a delete."""
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._services.writer.flush()
        except TimeoutError as error:
            msg = "The store is busy or away; nothing was deleted, try again"
            raise Unavailable(msg) from error

    def _storable(self, values: Typed) -> Mapping[str, Value]:
        """Check values before the alarm rules see them, as the writer will."""
        checked, _weight = self._checks.storable(stored_values(values))
        return checked

    def _store_readings(self, submitted: Submitted, completion: Completion) -> None:
        try:
            self._services.writer.save_readings(
                submitted.tenant_id,
                submitted.entity,
                submitted.ts_ms,
                submitted.values,
                completion.end,
            )
        except Exception as error:  # noqa: BLE001 - told to the caller, who waits
            completion.end(error)

    def _store_attributes(self, submitted: Submitted, completion: Completion) -> None:
        def on_saved(_written: set[str], error: Exception | None) -> None:
            completion.end(error)

        try:
            self._services.writer.save_attributes(
                submitted.tenant_id,
                submitted.entity,
                submitted.scope or Scope.SERVER,
                submitted.values,
                on_saved,
            )
        except Exception as error:  # noqa: BLE001 - told to the caller, who waits
            completion.end(error)

    async def _tell_deleted_latest(
        self, tenant_id: UUID, entity: EntityRef, deletion: Deletion
    ) -> None:
        """Tell which keys have no latest value any more; one that was rewritten still has one."""
        left = await self._services.store.latest(entity.id, deletion.keys)
        gone = tuple(key for key in deletion.keys if key not in left)
        if gone:
            self._services.bus.emit(KeysDeleted(tenant_id, entity, None, gone))

    async def _tell(self, caller: Caller, entity: EntityRef, owner: Known, done: Done) -> None:
        """Tell the rules what a user did, and record it."""
        message = Message(
            done.type,
            entity,
            owner.tenant_id or entity.id,
            done.data,
            done.metadata | caller.actor.as_metadata,
            ts_ms=self._services.clock.now_ms(),
            customer_id=owner.customer_id,
            profile_id=owner.profile_id,
        )
        deed = audit_log_service.Deed(
            Action(done.type.value), entity, owner.name, owner.customer_id, done.recorded(entity)
        )
        async with self._services.database.write() as session:
            await audit_log_service.record(session, caller.actor, deed)
            await post(session, message)


def _refuse_views(entity: EntityRef) -> None:
    """Refuse to change readings through an entity view, which has none of its own."""
    if entity.type is EntityType.ENTITY_VIEW:
        msg = (
            "The telemetry of an entity view cannot be written or deleted: "
            "use the entity whose telemetry it shows"
        )
        raise Invalid(msg)


def _tuple(keys: Sequence[str] | None) -> tuple[str, ...] | None:
    return tuple(keys) if keys is not None else None


def _check_device(caller: Caller, operation: Operation, device: DeviceRecord | None) -> Known:
    """Do for a device in memory as ``entity.access.known`` does for a row."""
    if device is None:
        raise NotFound("Device with requested id wasn't found!")
    for wanted in (Operation.READ, operation):
        check(
            caller,
            wanted,
            EntityType.DEVICE,
            tenant_id=device.tenant_id,
            customer_id=device.customer_id,
            entity_id=device.id,
        )
    return Known(device.tenant_id, device.name, device.label, device.customer_id, device.profile_id)
