"""The door to the alarm rules: every value that is about to be stored goes through here.

For each entity that has rules, what they know is kept in memory, loaded with its first value.
What a value makes the rules decide is stored by the alarm writer before the value itself is given
to the store's writer, so that a stored reading never hides a decision that was lost in a crash, and
both before the device's packet is acknowledged.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable
from uuid import UUID

from fieldline.domains.alarm.changes import Outcome, Stored
from fieldline.domains.alarm.writer import AlarmWriter
from fieldline.domains.telemetry.submitted import Submitted, Then
from fieldline.kit.clock import Clock
from fieldline.kit.errors import Unavailable
from fieldline.kit.ids import EntityType
from fieldline.messaging.bus import Bus
from fieldline.messaging.events import Change, EntityChanged, KeysDeleted
from fieldline.messaging.message import Message, MessageType
from fieldline.rules.fields.loader import Loader, Wanted
from fieldline.rules.fields.state import UNKNOWN, Knowledge, RuleState
from fieldline.rules.fields.tracked import Entity, Step

logger = logging.getLogger(__name__)

MAX_ENTITIES = 50_000
"""Entities whose knowledge is kept in memory; one costs a few kilobytes."""
LOAD_BATCH = 200
"""Entities whose knowledge is loaded together."""
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_EVICTION_LOOKS = 32

_MESSAGES: dict[Outcome, tuple[MessageType, dict[str, str]]] = {
    Outcome.CREATED: (MessageType.ALARM_CREATED, {"isNewAlarm": "true"}),
    Outcome.UPDATED: (MessageType.ALARM_UPDATED, {"isExistingAlarm": "true"}),
    Outcome.SEVERITY_UPDATED: (
        MessageType.ALARM_SEVERITY_UPDATED,
        {"isExistingAlarm": "true", "isSeverityUpdated": "true"},
    ),
    Outcome.CLEARED: (MessageType.ALARM_CLEAR, {"isClearedAlarm": "true"}),
}


class FieldsEvaluator:
    """See the module's text. All calls are made on the event loop's thread.

    Args:
        loader: reads what rules must know.
        alarms: stores what rules decide.
        bus: tells what changes; takes the messages about alarms.
        clock: says what time it is.
        max_entities: see :data:`MAX_ENTITIES`.
    """

    def __init__(
        self,
        loader: Loader,
        alarms: AlarmWriter,
        bus: Bus,
        clock: Clock,
        *,
        max_entities: int = MAX_ENTITIES,
    ) -> None:
        self._loader = loader
        self._alarms = alarms
        self._bus = bus
        self._clock = clock
        self._max_entities = max_entities
        self._owners: set[UUID] = set()
        self._entities: OrderedDict[UUID, Entity] = OrderedDict()
        self._to_load: deque[Entity] = deque()
        self._pending = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ends: list[Callable[[], None]] = []

    async def start(self) -> None:
        """Learn who has rules, and follow what changes."""
        self._ends = [
            self._bus.listen(EntityChanged, self._on_changed),
            self._bus.listen(KeysDeleted, self._on_keys_deleted),
        ]
        self._owners |= await self._loader.owners()
        self._task = asyncio.create_task(self._load_forever(), name="alarm rules loader")

    async def stop(self) -> None:
        """Stop loading; values whose rules were not loaded yet stay unstored and unacknowledged."""
        for end in self._ends:
            end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    @property
    def entity_count(self) -> int:
        """Entities whose knowledge is in memory."""
        return len(self._entities)

    @property
    def pending(self) -> int:
        """Values that wait for their rules or alarms before they are given to the writer."""
        return self._pending

    async def flush(self) -> None:
        """Wait until no value waits any more."""
        await self._idle.wait()

    def submit(self, submitted: Submitted, then: Then) -> None:
        """Evaluate values, then call ``then``, which gives them to the store's writer.

        ``then`` is called at once when the entity has no rules or they decide nothing; else once
        the alarms are stored; for one entity always in the order of the calls. Until ``then`` has
        been called the receipt is held.
        """
        entity = self._entities.get(submitted.entity.id)
        if entity is None:
            if not self._may_have_rules(submitted):
                then()
                return
            entity = self._add(submitted)
        entity.is_used = True
        profile_id = submitted.profile_id
        if profile_id is not entity.profile_id and profile_id is not None:
            self._compare_profile(entity, profile_id)
        if entity.knowledge is None or entity.is_stale or entity.waiting:
            self._hold(submitted)
            entity.waiting.append((submitted, then))
            self._want(entity)
        else:
            self._evaluate(entity, entity.knowledge, submitted, then)

    def _compare_profile(self, entity: Entity, profile_id: UUID) -> None:
        """Have an entity loaded anew that got another profile since its rules were loaded."""
        if profile_id == entity.profile_id:
            entity.profile_id = profile_id  # the same object: the next look is a comparison of two
        elif entity.wanted.entity.type is EntityType.DEVICE:
            entity.is_stale = True

    def _may_have_rules(self, submitted: Submitted) -> bool:
        owners = self._owners
        if not owners:
            return False
        if submitted.entity.id in owners or submitted.profile_id in owners:
            return True
        return submitted.profile_id is None and submitted.entity.type is EntityType.DEVICE

    def _evaluate(
        self, entity: Entity, knowledge: Knowledge, submitted: Submitted, then: Then
    ) -> None:
        try:
            decided = knowledge.apply(
                submitted.scope, submitted.ts_ms, submitted.values, self._clock.now_ms()
            )
        except Exception:
            logger.exception("the alarm rules of %s failed", submitted.entity)
            decided = []
        if not decided and not entity.steps:
            then()
            return
        self._hold(submitted)
        step = Step(submitted, then, len(decided))
        entity.steps.append(step)
        for state, change in decided:
            self._alarms.put(change, self._when_stored(entity, knowledge, step, state))

    def _when_stored(
        self, entity: Entity, knowledge: Knowledge, step: Step, state: RuleState
    ) -> Callable[[Stored | None, Exception | None], None]:
        def on_stored(stored: Stored | None, error: Exception | None) -> None:
            if stored is None:
                logger.error("alarm rule %s: its alarm was not stored: %s", state.rule.id, error)
                state.active = UNKNOWN
            else:
                self._tell_rules(knowledge, step, stored)
            step.open -= 1
            self._give_on(entity)

        return on_stored

    def _give_on(self, entity: Entity) -> None:
        """Store the values whose alarms are stored, and those behind them that had none."""
        while entity.steps and entity.steps[0].open == 0:
            step = entity.steps.popleft()
            self._finish(step)
        if entity.waiting and not entity.steps:
            self._want(entity)

    def _finish(self, step: Step) -> None:
        try:
            step.then()
        except Exception:
            logger.exception("values of %s could not be given on", step.submitted.entity)
        finally:
            self._release(step.submitted)

    def _hold(self, submitted: Submitted) -> None:
        submitted.receipt.hold()
        self._pending += 1
        self._idle.clear()

    def _release(self, submitted: Submitted) -> None:
        self._pending -= 1
        if self._pending == 0:
            self._idle.set()
        submitted.receipt.release()

    def _tell_rules(self, knowledge: Knowledge, step: Step, stored: Stored) -> None:
        if stored.outcome is Outcome.UNCHANGED:
            return
        type_, metadata = _MESSAGES[stored.outcome]
        originator = knowledge.originator
        receipt = step.submitted.receipt
        message = Message(
            type_,
            originator.entity,
            originator.tenant_id,
            stored.alarm,
            dict(metadata),
            ts_ms=self._clock.now_ms(),
            receipt=receipt,
            customer_id=originator.customer_id,
            profile_id=originator.profile_id,
        )
        receipt.hold()
        self._bus.publish(message)

    # Loading

    def _add(self, submitted: Submitted) -> Entity:
        entity = Entity(Wanted(submitted.entity, submitted.tenant_id))
        entity.profile_id = submitted.profile_id
        self._entities[submitted.entity.id] = entity
        if len(self._entities) > self._max_entities:
            self._evict()
        return entity

    def _evict(self) -> None:
        """Forget an entity that had no value since the last look at it, and that nothing waits for.

        Looks go round, oldest first: to note each use costs less than to keep the order of uses.
        """
        for _ in range(min(_EVICTION_LOOKS, len(self._entities))):
            entity_id, entity = next(iter(self._entities.items()))
            if entity.is_idle and not entity.is_used:
                del self._entities[entity_id]
                return
            entity.is_used = False
            self._entities.move_to_end(entity_id)

    def _want(self, entity: Entity) -> None:
        """Have an entity loaded, once nothing of it is on its way to the stores any more."""
        if entity.is_loading or entity.steps:
            return
        entity.is_loading = True
        self._to_load.append(entity)
        self._wake.set()

    async def _load_forever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._load_all()

    async def _load_all(self) -> None:
        """Load what is wanted. Nothing may be stored unevaluated: values wait, and their devices.

        One that fails for a reason of its own must not hold up the others: after a failure they
        are loaded one by one, the failing ones last.
        """
        size = LOAD_BATCH
        pause_s = _FIRST_PAUSE_S
        while self._to_load:
            batch = [self._to_load.popleft() for _ in range(min(len(self._to_load), size))]
            try:
                await self._load(batch)
            except Unavailable as error:
                logger.warning("alarm rules wait for the store: %s", error)
                self._to_load.extendleft(reversed(batch))
            except Exception:
                logger.exception("alarm rules cannot be loaded")
                self._to_load.extend(batch)
                size = 1
            else:
                pause_s = _FIRST_PAUSE_S
                continue
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _load(self, batch: list[Entity]) -> None:
        for entity in batch:
            entity.is_stale = False
        loaded = await self._loader.load([entity.wanted for entity in batch])
        for entity, knowledge in zip(batch, loaded, strict=True):
            entity.knowledge = knowledge
            entity.profile_id = knowledge.originator.profile_id
            entity.is_loading = False
            self._evaluate_waiting(entity, knowledge)

    def _evaluate_waiting(self, entity: Entity, knowledge: Knowledge) -> None:
        while entity.waiting and not entity.is_stale:
            submitted, then = entity.waiting.popleft()
            try:
                self._evaluate(entity, knowledge, submitted, then)
            finally:
                self._release(submitted)
        if entity.waiting:
            self._want(entity)

    # What changes

    def _on_changed(self, event: EntityChanged) -> None:
        kind = event.entity.type
        if kind is EntityType.ALARM:
            self._on_alarm(event)
        elif kind is EntityType.CALCULATED_FIELD:
            self._on_rule(event)
        elif kind is EntityType.DEVICE and event.change is not Change.CREATED:
            self._mark_stale(event.entity.id)
        elif kind is EntityType.CUSTOMER and event.change is Change.DELETED:
            self._on_customer_deleted(event.entity.id)

    def _on_alarm(self, event: EntityChanged) -> None:
        """Take note that somebody else than the rule itself changed an alarm of its name."""
        detail = event.detail or {}
        originator = detail.get("originator")
        entity = self._entities.get(originator.id) if originator is not None else None
        if entity is None or entity.knowledge is None:
            return
        for state in entity.knowledge.rules:
            is_own = detail.get("source_id") == state.rule.id
            if state.rule.name == detail.get("type") and not is_own:
                state.active = UNKNOWN

    def _on_rule(self, event: EntityChanged) -> None:
        for owner in (event.detail or {}).get("owners", ()):
            if event.change is not Change.DELETED:
                self._owners.add(owner.id)
            self._loader.rules.forget(owner.id)
            for entity in self._entities.values():
                if owner.id in {entity.wanted.entity.id, entity.profile_id}:
                    entity.is_stale = True

    def _on_customer_deleted(self, customer_id: UUID) -> None:
        """Learn whose the customer's devices are now."""
        for entity in self._entities.values():
            knowledge = entity.knowledge
            if knowledge is not None and knowledge.originator.customer_id == customer_id:
                entity.is_stale = True

    def _on_keys_deleted(self, event: KeysDeleted) -> None:
        self._mark_stale(event.entity.id)

    def _mark_stale(self, entity_id: UUID) -> None:
        """Have an entity loaded anew with its next value."""
        entity = self._entities.get(entity_id)
        if entity is not None:
            entity.is_stale = True
