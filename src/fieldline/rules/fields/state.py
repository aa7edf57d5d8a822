"""What the alarm rules of one entity know, and what they decide; no input, no output, no clock.

Times are those of the readings: an alarm of replayed or late data starts and clears when its
readings say, not when they arrived.

After a restart a device sends again what was not acknowledged. Decisions are stored before the
readings that led to them, each with the times of those readings, so that what is sent again is
known by its time: a reading older than that changes arguments and decides nothing, and one exactly
as old raises nothing new.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from fieldline.domains.alarm.changes import Change, Clear, Raise
from fieldline.domains.alarm.status import Severity
from fieldline.kit.ids import EntityRef
from fieldline.kit.values import Value
from fieldline.rules.fields.rule import AlarmRule, Cell, CompiledRule, Held
from fieldline.timeseries.store import Scope


class Unknown:
    """Whether an alarm is active must be asked of the store: a user had a hand in it."""


UNKNOWN: Final = Unknown()
Active = Severity | Unknown | None

OLD, SAME, NEW = range(3)
"""A reading against the newest one that was decided on before the state was loaded."""


@dataclass(slots=True, eq=False)
class RuleState:
    """One rule of one entity.

    ``active`` is what will be so when every change that was decided is stored. ``decided`` says,
    per key of a time series, up to which time decisions were stored when the state was loaded.
    ``age`` is of the values being taken now, as far as the rule uses them.
    """

    rule: AlarmRule
    active: Active = None
    decided: Mapping[str, int] = field(default_factory=dict)
    age: int = OLD


@dataclass(frozen=True, slots=True)
class Originator:
    """The entity that alarms are raised for."""

    entity: EntityRef
    tenant_id: UUID
    customer_id: UUID | None = None
    profile_id: UUID | None = None


class Knowledge:
    """The values that the rules of one entity need, and the rules."""

    __slots__ = ("_users", "originator", "rules", "values")

    def __init__(
        self, originator: Originator, rules: Iterable[RuleState], values: dict[Cell, Held]
    ) -> None:
        self.originator = originator
        self.rules = tuple(rules)
        self.values = values
        self._users: dict[Scope | None, dict[str, tuple[Cell, list[RuleState]]]] = {}
        for state in self.rules:
            for cell in dict.fromkeys(state.rule.cells):
                scope, key = cell
                users = self._users.setdefault(scope, {})
                users.setdefault(key, (cell, []))[1].append(state)

    def apply(
        self, scope: Scope | None, ts_ms: int, values: Mapping[str, Value], now_ms: int
    ) -> list[tuple[RuleState, Change]]:
        """Take values of one time and return what the rules that use them decide.

        A value that is older than the known one is ignored.
        """
        users = self._users.get(scope)
        if users is None:
            return []
        touched: list[RuleState] = []
        for key in values if len(values) < len(users) else users:
            used = users.get(key)
            if used is None or key not in values:
                continue
            cell, states = used
            known = self.values.get(cell)
            if known is not None and ts_ms < known.ts_ms:
                continue
            self.values[cell] = Held(ts_ms, values[key])
            for state in states:
                age = NEW if scope is not None else _age(ts_ms, state.decided.get(key))
                if state not in touched:
                    touched.append(state)
                    state.age = age
                elif age > state.age:
                    state.age = age
        decided = []
        for state in touched:
            age = state.age
            change = self._decide(state, age, now_ms) if age > OLD else None
            if change is not None:
                decided.append((state, change))
        return decided

    def _decide(self, state: RuleState, age: int, now_ms: int) -> Change | None:
        arguments = state.rule.arguments(self.values)
        if arguments is None:
            return None
        values, ts_ms = arguments
        ts_ms = _time(ts_ms, now_ms)
        for rule in state.rule.create_rules:
            if rule.holds(values):
                if state.active is None and age == SAME:
                    return None
                return self._raise(state, rule, values, ts_ms)
        clear = state.rule.clear_rule
        if state.active is None or clear is None or not clear.holds(values):
            return None
        state.active = None
        return Clear(
            tenant_id=self.originator.tenant_id,
            originator=self.originator.entity,
            type=state.rule.name,
            ts_ms=ts_ms,
            details=clear.details(state.rule.names, values),
            marks=self._marks(state.rule),
            source_id=state.rule.id,
        )

    def _raise(
        self, state: RuleState, rule: CompiledRule, values: list[Value], ts_ms: int
    ) -> Change | None:
        severity = rule.severity
        active = state.active
        if severity is None or (isinstance(active, Severity) and severity.rank > active.rank):
            return None
        if not isinstance(active, Unknown):
            state.active = severity
        return Raise(
            tenant_id=self.originator.tenant_id,
            originator=self.originator.entity,
            customer_id=self.originator.customer_id,
            type=state.rule.name,
            severity=severity,
            ts_ms=ts_ms,
            details=rule.details(state.rule.names, values),
            propagation=state.rule.propagation,
            marks=self._marks(state.rule),
            source_id=state.rule.id,
        )

    def _marks(self, rule: AlarmRule) -> dict[str, int]:
        return {
            cell[1]: self.values[cell].ts_ms
            for cell in rule.cells
            if cell[0] is None and cell in self.values
        }


def _age(ts_ms: int, decided_ts_ms: int | None) -> int:
    if decided_ts_ms is None or ts_ms > decided_ts_ms:
        return NEW
    return SAME if ts_ms == decided_ts_ms else OLD


def _time(ts_ms: int, now_ms: int) -> int:
    """Return the reading's time; now when it has none, or one in the future."""
    return ts_ms if 0 < ts_ms <= now_ms else now_ms
