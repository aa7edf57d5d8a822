"""Alarms cleared by a rule chain."""

from fieldline.domains.alarm.changes import Raise
from fieldline.domains.alarm.status import Severity
from tests.rules.nodes.action.alarm_world import AlarmWorld, seen
from tests.rules.support import TAPS

CLEAR = "org.thingsboard.rule.engine.action.TbClearAlarmNode"


async def _prepare(world: AlarmWorld, **configuration: object) -> None:
    await world.prepare(CLEAR, configuration, ("Cleared", "False", "Failure"))


async def _raise(world: AlarmWorld, alarm_type: str = "General Alarm") -> None:
    change = Raise(
        tenant_id=world.stored.tenant_id,
        originator=world.device,
        customer_id=None,
        type=alarm_type,
        severity=Severity.MAJOR,
        ts_ms=1_000,
        details={"n": 1},
    )
    await world.rules.alarms.apply(change)


async def test_clears_the_active_alarm_and_tells_the_rules(alarm_world: AlarmWorld) -> None:
    await _prepare(alarm_world)
    await _raise(alarm_world)

    await alarm_world.send({"t": 1}, metadata={"ts": "5000"})

    message = TAPS["Cleared"].seen[0]
    assert message.type == "ALARM"
    assert message.metadata == {"ts": "5000", "isClearedAlarm": "true"}
    assert message.data["status"] == "CLEARED_UNACK"
    assert message.data["details"] == {"n": 1}
    assert [data["id"] for data in seen("Alarm Cleared")] == [message.data["id"]]
    assert [(a.cleared, a.clear_ts) for a in await alarm_world.alarms()] == [(True, 5000)]


async def test_without_an_active_alarm_the_message_follows_false(alarm_world: AlarmWorld) -> None:
    await _prepare(alarm_world)
    await _raise(alarm_world, "Another")

    await alarm_world.send({"t": 1})

    assert seen("False") == [{"t": 1}]


async def test_the_type_may_be_a_pattern(alarm_world: AlarmWorld) -> None:
    await _prepare(alarm_world, alarmType="$[what]")
    await _raise(alarm_world, "Leak")

    await alarm_world.send({"what": "Leak"})

    assert len(TAPS["Cleared"].seen) == 1


async def test_a_script_makes_the_details(alarm_world: AlarmWorld) -> None:
    script = "return {was: JSON.parse(metadata.prevAlarmDetails).n, by: msg.who};"
    await _prepare(alarm_world, scriptLang="JS", alarmDetailsBuildJs=script)
    await _raise(alarm_world)

    await alarm_world.send({"who": "valve"})
    await alarm_world.send({"who": "nobody"})

    assert [a.details for a in await alarm_world.alarms()] == [{"was": 1, "by": "valve"}]
    assert seen("False") == [{"who": "nobody"}]
