"""The rules of one entity against an independent, deliberately simple scan."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from fieldline.domains.alarm.changes import Clear, Raise
from fieldline.domains.alarm.status import Severity
from fieldline.domains.calculated_field.configuration import AlarmConfiguration
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.values import Value
from fieldline.rules.fields.rule import Cell, Held, compile_rule
from fieldline.rules.fields.state import UNKNOWN, Knowledge, Originator, RuleState
from fieldline.timeseries.store import Scope
from tests.rules.fields.rules import (
    asking,
    attribute,
    configuration,
    numeric,
    over,
    predicate,
    rule,
    series,
)

NOW = 1_000_000
DEVICE = EntityRef(EntityType.DEVICE, uuid4())
TENANT = uuid4()


def knowing(
    rules: AlarmConfiguration, decided: dict[str, int] | None = None, active: Severity | None = None
) -> Knowledge:
    state = RuleState(compile_rule(uuid4(), "Alarm", rules), active, decided or {})
    return Knowledge(Originator(DEVICE, TENANT), [state], {})


@dataclass
class Told:
    """A change in short."""

    what: str
    ts_ms: int


def feed(
    knowledge: Knowledge, ts_ms: int, scope: Scope | None = None, **values: Value
) -> list[Told]:
    changes = knowledge.apply(scope, ts_ms, values, NOW)
    return [
        Told(c.severity.value if isinstance(c, Raise) else "clear", c.ts_ms)
        for _state, c in changes
        if isinstance(c, Raise | Clear)
    ]


def test_raises_renews_clears_and_raises_again() -> None:
    knowledge = knowing(over("co2", 1000))

    assert feed(knowledge, 10, co2=900) == []
    assert feed(knowledge, 20, co2=1001) == [Told("CRITICAL", 20)]
    assert feed(knowledge, 30, co2=1200.5) == [Told("CRITICAL", 30)]
    assert feed(knowledge, 40, co2=1000) == [Told("clear", 40)]
    assert feed(knowledge, 50, co2=999) == []
    assert feed(knowledge, 60, co2=1001) == [Told("CRITICAL", 60)]


def test_values_older_than_the_known_one_change_nothing() -> None:
    knowledge = knowing(over("co2", 1000))
    feed(knowledge, 20, co2=900)

    assert feed(knowledge, 10, co2=2000) == []


def test_keys_that_no_rule_uses_are_not_looked_at() -> None:
    knowledge = knowing(over("co2", 1000))

    assert feed(knowledge, 10, humidity=2000) == []
    assert knowledge.values == {}


def test_waits_until_every_argument_has_a_value() -> None:
    knowledge = knowing(
        configuration(
            {"t": series("t"), "limit": attribute("limit")},
            {"MAJOR": rule(asking("t", predicate("NUMERIC", "GREATER", argument="limit")))},
        )
    )

    assert feed(knowledge, 10, t=50) == []
    assert feed(knowledge, 20, Scope.SERVER, limit=40) == [Told("MAJOR", 20)]


def test_a_default_stands_in_for_a_missing_value() -> None:
    knowledge = knowing(
        configuration(
            {"t": series("t"), "limit": attribute("limit", default="25")},
            {"MAJOR": rule(asking("t", predicate("NUMERIC", "GREATER", argument="limit")))},
        )
    )

    assert feed(knowledge, 10, t=26) == [Told("MAJOR", 10)]


def test_attributes_of_another_scope_are_other_values() -> None:
    knowledge = knowing(
        configuration(
            {"limit": attribute("limit", scope="SHARED_SCOPE")},
            {"MAJOR": numeric("limit", "GREATER", 1)},
        )
    )

    assert feed(knowledge, 10, Scope.SERVER, limit=5) == []
    assert feed(knowledge, 10, Scope.SHARED, limit=5) == [Told("MAJOR", 10)]


def test_the_worst_severity_that_holds_wins_and_never_falls() -> None:
    knowledge = knowing(
        configuration(
            {"t": series("t")},
            {
                "WARNING": numeric("t", "GREATER", 10),
                "CRITICAL": numeric("t", "GREATER", 50),
                "MAJOR": numeric("t", "GREATER", 30),
            },
            numeric("t", "LESS", 5),
        )
    )

    told = [feed(knowledge, ts, t=t) for ts, t in enumerate((20, 40, 20, 60, 40, 7, 4), start=1)]

    assert [[x.what for x in one] for one in told] == [
        ["WARNING"],
        ["MAJOR"],
        [],
        ["CRITICAL"],
        [],
        [],
        ["clear"],
    ]


def test_without_a_clear_rule_the_alarm_stays() -> None:
    knowledge = knowing(configuration({"t": series("t")}, {"MAJOR": numeric("t", "GREATER", 1)}))
    feed(knowledge, 10, t=2)

    assert feed(knowledge, 20, t=0) == []


def test_times_without_sense_become_now() -> None:
    knowledge = knowing(over("co2", 1000))

    assert feed(knowledge, 0, co2=1001) == [Told("CRITICAL", NOW)]
    assert feed(knowledge, NOW + 5, co2=1001) == [Told("CRITICAL", NOW)]


def test_details_hold_the_text_with_values_and_the_dashboard() -> None:
    dashboard = UUID("784f394c-42b6-435a-983c-b7beff2784f9")
    knowledge = knowing(
        configuration(
            {"t": series("t"), "on": series("on", default="true")},
            {
                "MAJOR": rule(
                    asking("t", predicate("NUMERIC", "GREATER", 1)),
                    details="t ${t}, ${on}, ${other}",
                    dashboardId={"entityType": "DASHBOARD", "id": str(dashboard)},
                )
            },
        )
    )

    ((_state, change),) = knowledge.apply(None, 10, {"t": 2.0}, NOW)

    assert isinstance(change, Raise)
    assert change.details == {"data": "t 2.0, true, ${other}", "dashboardId": str(dashboard)}


def test_after_a_user_had_a_hand_in_it_the_store_decides() -> None:
    knowledge = knowing(over("co2", 1000))
    feed(knowledge, 10, co2=1001)
    knowledge.rules[0].active = UNKNOWN

    assert feed(knowledge, 20, co2=1) == [Told("clear", 20)]
    assert feed(knowledge, 30, co2=1) == []


def test_readings_sent_again_after_a_restart_decide_nothing_twice() -> None:
    """Stored by then: raised at 10, cleared at 20, raised at 30."""
    knowledge = knowing(over("co2", 1000), decided={"co2": 30}, active=Severity.CRITICAL)

    assert feed(knowledge, 10, co2=1001) == []
    assert feed(knowledge, 20, co2=1) == []
    assert feed(knowledge, 30, co2=1001) == [Told("CRITICAL", 30)]
    assert feed(knowledge, 40, co2=1) == [Told("clear", 40)]


def test_a_reading_sent_again_does_not_raise_what_it_raised_and_another_cleared() -> None:
    """Stored by then: raised at 10 and, by a second reading of the same time, cleared."""
    knowledge = knowing(over("co2", 1000), decided={"co2": 10})

    assert feed(knowledge, 10, co2=1001) == []
    assert feed(knowledge, 10, co2=1) == []
    assert feed(knowledge, 11, co2=1001) == [Told("CRITICAL", 11)]


def test_an_attribute_decides_also_at_the_time_of_the_last_decision() -> None:
    knowledge = knowing(
        configuration(
            {"t": series("t"), "limit": attribute("limit")},
            {"MAJOR": rule(asking("t", predicate("NUMERIC", "GREATER", argument="limit")))},
        ),
        decided={"t": 10},
    )
    knowledge.values[None, "t"] = Held(10, 50)

    assert feed(knowledge, 99, Scope.SERVER, limit=40) == [Told("MAJOR", 99)]


@dataclass
class Scanned:
    """An alarm as the simple scan finds it."""

    start_ms: int
    clear_ms: int | None = None


def scan(readings: list[tuple[int, float]], high: float, low: float) -> list[Scanned]:
    """Find alarms the plain way: keep the newest value, look at it after each reading."""
    alarms: list[Scanned] = []
    newest = -1
    for ts_ms, value in readings:
        if ts_ms < newest:
            continue
        newest = ts_ms
        active = bool(alarms) and alarms[-1].clear_ms is None
        if value > high and not active:
            alarms.append(Scanned(ts_ms))
        elif value <= high and value < low and active:
            alarms[-1].clear_ms = ts_ms
    return alarms


READINGS = st.lists(
    st.tuples(st.integers(1, 60), st.sampled_from([0.0, 4.9, 5.0, 9.9, 10.0, 10.1, 99.0])),
    max_size=80,
)
THRESHOLDS = configuration(
    {"v": series("v")},
    {"MAJOR": numeric("v", "GREATER", 10)},
    numeric("v", "LESS", 5),
)


class Store:
    """Applies changes as the writer does, in a few lines of its own."""

    def __init__(self) -> None:
        self.alarms: list[Scanned] = []
        self.decided: dict[str, int] = {}

    @property
    def active(self) -> Severity | None:
        is_active = bool(self.alarms) and self.alarms[-1].clear_ms is None
        return Severity.MAJOR if is_active else None

    def take(self, knowledge: Knowledge, ts_ms: int, value: float) -> None:
        for _state, change in knowledge.apply(None, ts_ms, {"v": value}, NOW):
            if isinstance(change, Raise) and self.active is None:
                self.alarms.append(Scanned(change.ts_ms))
            elif isinstance(change, Clear) and self.active is not None:
                self.alarms[-1].clear_ms = change.ts_ms
            if isinstance(change, Raise | Clear):
                self.decided |= change.marks


@given(READINGS)
def test_decides_as_an_independent_scan_does(readings: list[tuple[int, float]]) -> None:
    knowledge, store = knowing(THRESHOLDS), Store()

    for ts_ms, value in readings:
        store.take(knowledge, ts_ms, value)

    assert store.alarms == scan(readings, 10, 5)


@given(
    st.lists(st.sampled_from([0.0, 4.9, 5.0, 9.9, 10.0, 10.1, 99.0]), max_size=80),
    st.data(),
)
def test_a_restart_anywhere_with_readings_sent_again_finds_the_same_alarms(
    values: list[float], data: st.DataObject
) -> None:
    """Decisions are stored up to one reading, readings up to an earlier one, then again."""
    readings = list(enumerate(values, start=1))
    decided = data.draw(st.integers(0, len(readings)))
    stored = data.draw(st.integers(0, decided))
    knowledge, store = knowing(THRESHOLDS), Store()
    for ts_ms, value in readings[:decided]:
        store.take(knowledge, ts_ms, value)

    state = RuleState(knowledge.rules[0].rule, store.active, dict(store.decided))
    latest: dict[Cell, Held] = {(None, "v"): Held(*readings[stored - 1])} if stored else {}
    again = Knowledge(knowledge.originator, [state], latest)
    for ts_ms, value in readings[stored:]:
        store.take(again, ts_ms, value)

    assert store.alarms == scan(readings, 10, 5)
