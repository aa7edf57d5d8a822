"""Alarms raised by a rule chain."""

from typing import Any

import pytest

from fieldline.kit.errors import Invalid
from fieldline.rules.registry import discover
from tests.rules.nodes.action.alarm_world import AlarmWorld, seen
from tests.rules.support import TAPS

CREATE = "org.thingsboard.rule.engine.action.TbCreateAlarmNode"
RELATIONS = ("Created", "Updated", "False", "Failure", "Success")


async def _prepare(world: AlarmWorld, **configuration: object) -> None:
    await world.prepare(CREATE, configuration, RELATIONS)


async def test_the_first_message_creates_and_the_next_one_updates(
    alarm_world: AlarmWorld,
) -> None:
    await _prepare(alarm_world)

    await alarm_world.send({"t": 50}, metadata={"ts": "1000", "deviceName": "meter"})
    await alarm_world.send({"t": 51}, metadata={"ts": "2000"})

    created, updated = TAPS["Created"].seen[0], TAPS["Updated"].seen[0]
    assert created.type == "ALARM"
    assert created.metadata == {"ts": "1000", "deviceName": "meter", "isNewAlarm": "true"}
    assert updated.metadata == {"ts": "2000", "isExistingAlarm": "true"}
    assert created.data["type"] == "General Alarm"
    assert created.data["status"] == "ACTIVE_UNACK"
    assert updated.data["id"] == created.data["id"]
    alarms = await alarm_world.alarms()
    assert [(a.severity, a.start_ts, a.end_ts) for a in alarms] == [("CRITICAL", 1000, 2000)]


async def test_the_rules_are_told_too(alarm_world: AlarmWorld) -> None:
    await _prepare(alarm_world)

    await alarm_world.send({})
    await alarm_world.send({})

    assert [data["type"] for data in seen("Entity Created")] == ["General Alarm"]
    assert [data["type"] for data in seen("Entity Updated")] == ["General Alarm"]


async def test_messages_of_one_device_stay_in_order(alarm_world: AlarmWorld) -> None:
    await _prepare(alarm_world, alarmType="$[n]")

    receipts = [alarm_world.publish({"n": str(number)}) for number in range(20)]
    await alarm_world.send({"n": "last"})

    assert all(receipt.is_done for receipt in receipts)
    assert [data["type"] for data in seen("Created")] == [*map(str, range(20)), "last"]


async def test_type_and_severity_may_be_patterns(alarm_world: AlarmWorld) -> None:
    await _prepare(
        alarm_world,
        alarmType="${deviceType}: $[what]",
        severity="$[level]",
        dynamicSeverity=True,
    )

    await alarm_world.send({"what": "heat", "level": "MINOR"}, metadata={"deviceType": "pump"})
    await alarm_world.send({"what": "heat", "level": "AWFUL"}, metadata={"deviceType": "pump"})

    alarms = await alarm_world.alarms()
    assert [(a.type, a.severity) for a in alarms] == [("pump: heat", "MINOR")]
    assert len(TAPS["Failure"].seen) == 1


async def test_an_update_may_lower_the_severity(alarm_world: AlarmWorld) -> None:
    await _prepare(alarm_world, severity="$[level]", dynamicSeverity=True)

    await alarm_world.send({"level": "CRITICAL"})
    await alarm_world.send({"level": "WARNING"})

    assert [alarm.severity for alarm in await alarm_world.alarms()] == ["WARNING"]


async def test_a_script_makes_the_details_from_the_ones_before(alarm_world: AlarmWorld) -> None:
    script = """
        var details = metadata.prevAlarmDetails ? JSON.parse(metadata.prevAlarmDetails) : {n: 0};
        details.n += 1;
        details.last = msg.t;
        return details;"""
    await _prepare(alarm_world, scriptLang="JS", alarmDetailsBuildJs=script)

    for temperature in (1, 2, 3):
        await alarm_world.send({"t": temperature})

    assert [alarm.details for alarm in await alarm_world.alarms()] == [{"n": 3, "last": 3}]
    assert "prevAlarmDetails" not in TAPS["Updated"].seen[0].metadata


@pytest.mark.parametrize("body", ["return 5;", "return;", "throw 'odd';"])
async def test_a_script_without_an_object_follows_failure(
    alarm_world: AlarmWorld, body: str
) -> None:
    await _prepare(alarm_world, scriptLang="JS", alarmDetailsBuildJs=body)

    await alarm_world.send({"a": 1})

    assert seen("Failure") == [{"a": 1}]
    assert await alarm_world.alarms() == []


async def test_the_alarm_may_come_with_the_message(alarm_world: AlarmWorld) -> None:
    await _prepare(alarm_world, useMessageAlarmData=True, overwriteAlarmDetails=False)
    alarm: dict[str, Any] = {
        "type": "Leak",
        "severity": "MAJOR",
        "startTs": 77,
        "details": {"where": "cellar"},
        "propagate": True,
        "propagateRelationTypes": ["Contains"],
    }

    await alarm_world.send(alarm)
    await alarm_world.send({"severity": "MAJOR"})
    await alarm_world.send({"type": "Leak"})
    await alarm_world.send(5)

    stored = (await alarm_world.alarms())[0]
    assert (stored.type, stored.severity, stored.start_ts) == ("Leak", "MAJOR", 77)
    assert (stored.details, stored.propagate) == ({"where": "cellar"}, True)
    assert len(TAPS["Failure"].seen) == 3


async def test_a_blank_type_follows_failure(alarm_world: AlarmWorld) -> None:
    await _prepare(alarm_world, alarmType="$[what]")

    await alarm_world.send({"what": "  "})

    assert len(TAPS["Failure"].seen) == 1


def test_a_severity_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid, match="'HIGH' is no severity"):
        discover().prepare(CREATE, "alarm", {"scriptLang": "TBEL", "severity": "HIGH"}, 0)


def test_old_chains_overwrite_the_details() -> None:
    node = discover().make(CREATE, {"scriptLang": "TBEL", "useMessageAlarmData": True})

    assert node.config.overwrite_alarm_details is True
    assert discover().make(CREATE, {}).config.overwrite_alarm_details is False
