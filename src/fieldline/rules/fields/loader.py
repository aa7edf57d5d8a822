"""Loads what alarm rules need to know of an entity, for many entities at a time."""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from fieldline.database.engine import Database
from fieldline.domains.alarm import service as alarm_service
from fieldline.domains.alarm.status import Severity
from fieldline.domains.calculated_field import service as field_service
from fieldline.domains.device import service as device_service
from fieldline.kit.errors import FieldlineError
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.rules.fields.rule import AlarmRule, Cell, Held, compile_rule
from fieldline.rules.fields.state import Knowledge, Originator, RuleState
from fieldline.timeseries.store import Scope, TimeseriesStore

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

logger = logging.getLogger(__name__)

MAX_COMPILED = 10_000
"""Devices and profiles whose compiled rules are kept; one costs some kilobytes."""


class Wanted(NamedTuple):
    """An entity whose knowledge is asked for, and the tenant of its values."""

    entity: EntityRef
    tenant_id: UUID


class Rules:
    """Compiled alarm rules by the device or profile that has them; the least used are dropped."""

    def __init__(self, max_compiled: int = MAX_COMPILED) -> None:
        self._compiled: OrderedDict[UUID, tuple[AlarmRule, ...]] = OrderedDict()
        self._max = max_compiled
        self._changes = 0

    def forget(self, owner_id: UUID) -> None:
        self._changes += 1
        self._compiled.pop(owner_id, None)

    async def of(
        self, session: "AsyncSession", owner_ids: Iterable[UUID]
    ) -> dict[UUID, tuple[AlarmRule, ...]]:
        """Return the rules of each owner, compiled when they are not yet."""
        wanted = set(owner_ids)
        result = {owner: self._compiled[owner] for owner in wanted if owner in self._compiled}
        for owner in result:
            self._compiled.move_to_end(owner)
        missing = wanted - result.keys()
        if missing:
            changes = self._changes
            read = await self._read(session, missing)
            result |= read
            # What changed while it was read is read again by the next who asks.
            if changes == self._changes:
                self._compiled |= read
        while len(self._compiled) > self._max:
            self._compiled.popitem(last=False)
        return result

    async def _read(
        self, session: "AsyncSession", owner_ids: set[UUID]
    ) -> dict[UUID, tuple[AlarmRule, ...]]:
        found: dict[UUID, list[AlarmRule]] = {owner: [] for owner in owner_ids}
        for stored in await field_service.alarm_rules_of(session, owner_ids):
            try:
                rule = compile_rule(stored.id, stored.name, stored.configuration)
            except FieldlineError:
                logger.exception("alarm rule %s cannot be evaluated", stored.id)
            else:
                found[stored.entity_id].append(rule)
        return {owner: tuple(rules) for owner, rules in found.items()}


class Loader:
    """Reads rules, alarms and values from the stores.

    Args:
        database: of the entities.
        store: of readings and attributes.
        flush: waits until every value that was given to the store's writer is stored.
    """

    def __init__(
        self,
        database: Database,
        store: TimeseriesStore,
        flush: Callable[[], Awaitable[None]],
    ) -> None:
        self._database = database
        self._store = store
        self._flush = flush
        self.rules = Rules()

    async def owners(self) -> set[UUID]:
        """Return the devices and profiles that have alarm rules."""
        async with self._database.read() as session:
            return await field_service.alarm_rule_owners(session)

    async def load(self, wanted: Sequence[Wanted]) -> list[Knowledge]:
        """Return what the rules of these entities know, in the same order.

        Raises:
            Unavailable: a store is away.
        """
        await self._flush()
        async with self._database.read() as session:
            originators = await self._originators(session, wanted)
            owners = {o.entity.id for o in originators}
            owners |= {o.profile_id for o in originators if o.profile_id is not None}
            rules = await self.rules.of(session, owners)
            marks = await alarm_service.rule_marks(session, [w.entity.id for w in wanted])
        result = []
        for originator in originators:
            states = []
            for rule in _rules_of(originator, rules):
                mark = marks.get((originator.entity.id, rule.name))
                severity = mark.active_severity if mark else None
                states.append(
                    RuleState(
                        rule,
                        Severity(severity) if severity else None,
                        mark.decided if mark else {},
                    )
                )
            values = await self._values(originator.entity.id, states)
            result.append(Knowledge(originator, states, values))
        return result

    async def _originators(
        self, session: "AsyncSession", wanted: Sequence[Wanted]
    ) -> list[Originator]:
        device_ids = [w.entity.id for w in wanted if w.entity.type is EntityType.DEVICE]
        snapshots = await device_service.snapshots(session, device_ids) if device_ids else []
        devices = {snapshot.id: snapshot for snapshot in snapshots}
        originators = []
        for entity, tenant_id in wanted:
            device = devices.get(entity.id)
            if device is None:
                originators.append(Originator(entity, tenant_id))
            else:
                originators.append(
                    Originator(entity, tenant_id, device.customer_id, device.profile_id)
                )
        return originators

    async def _values(self, entity_id: UUID, states: Iterable[RuleState]) -> dict[Cell, Held]:
        keys: dict[Scope | None, set[str]] = {}
        for state in states:
            for scope, key in state.rule.cells:
                keys.setdefault(scope, set()).add(key)
        values: dict[Cell, Held] = {}
        for scope, names in keys.items():
            if scope is None:
                points = await self._store.latest(entity_id, tuple(sorted(names)))
                values.update({(None, k): Held(p.ts_ms, p.value) for k, p in points.items()})
            else:
                for attribute in await self._store.attributes(
                    entity_id, scope, tuple(sorted(names))
                ):
                    held = Held(attribute.last_update_ts_ms, attribute.value)
                    values[scope, attribute.key] = held
        return values


def _rules_of(originator: Originator, rules: dict[UUID, tuple[AlarmRule, ...]]) -> list[AlarmRule]:
    """Return the entity's own rules and its profile's; of two with one name its own counts.

    The name is the alarm's type: two rules of one name would raise and clear the same alarm.
    """
    own = rules.get(originator.entity.id, ())
    names = {rule.name for rule in own}
    shared = rules.get(originator.profile_id, ()) if originator.profile_id is not None else ()
    return [*own, *(rule for rule in shared if rule.name not in names)]
