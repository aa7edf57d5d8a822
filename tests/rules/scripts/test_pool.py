"""Scripts in threads: in order, in batches, and never holding up others for long."""

from collections.abc import AsyncIterator

import pytest

from fieldline.domains.api_usage.counters import Usage
from fieldline.kit.clock import ManualClock
from fieldline.rules.backlog import Backlog
from fieldline.rules.scripts.pool import ScriptPool
from fieldline.rules.scripts.sandbox import ScriptError, ScriptLimits
from fieldline.rules.scripts.script import BLOCKED_MS, STRIKES, Script
from tests.rules.support import message_of
from tests.waiting import until


@pytest.fixture
async def pool(clock: ManualClock) -> AsyncIterator[ScriptPool]:
    usage, limits = Usage(clock.now_ms()), ScriptLimits(timeout_s=0.02)
    pool = ScriptPool(clock, Backlog(100_000), usage, limits, threads=2)
    yield pool
    await pool.stop()


def _call(script: Script, data: object, answers: list[object]) -> None:
    message, _ = message_of(data)
    script.call(message, lambda result, error: answers.append(error or result))


async def test_answers_in_order(pool: ScriptPool) -> None:
    script = await pool.load("return msg;")
    answers: list[object] = []

    for number in range(1_000):
        _call(script, number, answers)
    await until(lambda: len(answers) == 1_000)

    assert answers == [str(number) for number in range(1_000)]
    assert pool.backlog.count == 0


async def test_a_failing_call_fails_alone(pool: ScriptPool) -> None:
    script = await pool.load("return msg.a.b;")
    answers: list[object] = []

    for data in ({"a": {"b": 1}}, {}, {"a": {"b": 2}}):
        _call(script, data, answers)
    await until(lambda: len(answers) == 3)

    assert (answers[0], answers[2]) == ("1", "2")
    assert isinstance(answers[1], ScriptError)


async def test_what_an_answer_causes_does_not_stop_the_others(
    pool: ScriptPool, caplog: pytest.LogCaptureFixture
) -> None:
    script = await pool.load("return msg;")
    answers: list[object] = []
    message, _ = message_of(1)

    def fail(_result: str | None, _error: Exception | None) -> None:
        raise RuntimeError("after the script")

    script.call(message, fail)
    _call(script, 2, answers)
    await until(lambda: answers == ["2"])

    assert "after the script" in caplog.text


async def test_a_script_over_its_limits_is_left_alone_for_a_minute(
    pool: ScriptPool, clock: ManualClock
) -> None:
    script = await pool.load("while (msg) {} return 1;")
    answers: list[object] = []
    for _ in range(STRIKES):
        _call(script, True, answers)
    await until(lambda: len(answers) == STRIKES)

    _call(script, False, answers)
    await until(lambda: len(answers) == STRIKES + 1)
    clock.advance(BLOCKED_MS)
    _call(script, False, answers)
    await until(lambda: len(answers) == STRIKES + 2)

    assert "not run for a minute" in str(answers[STRIKES])
    assert answers[-1] == "1"


async def test_waits_for_one_answer(pool: ScriptPool) -> None:
    script = await pool.load("if (msg === 1) throw new Error('odd'); return {n: msg};")

    assert await script.ask(message_of(2)[0]) == {"n": 2}
    with pytest.raises(ScriptError, match="odd"):
        await script.ask(message_of(1)[0])


async def test_nothing_is_none(pool: ScriptPool) -> None:
    script = await pool.load("return;")

    assert await script.ask(message_of(2)[0]) is None


async def test_what_does_not_compile_is_not_loaded(pool: ScriptPool) -> None:
    with pytest.raises(ScriptError, match="does not compile"):
        await pool.load("return (")


async def test_an_unloaded_script_answers_what_it_was_given(pool: ScriptPool) -> None:
    script = await pool.load("return msg;")
    answers: list[object] = []
    _call(script, 1, answers)

    await pool.unload(script)
    await until(lambda: len(answers) == 1)

    assert answers == ["1"]


async def test_a_script_that_cannot_be_stopped_is_left_behind(
    pool: ScriptPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldline.rules.scripts.pool.LOST_AFTER_S", 0.0)
    monkeypatch.setattr("fieldline.rules.scripts.pool._WATCH_S", 0.02)
    # 400 million elements: some seconds in which QuickJS does not look at the clock.
    endless = await pool.load("if (msg) { return new Array(4e8).join(''); } return 1;")
    beside = await pool.load("return msg;")
    same_thread = await pool.load("return msg + 1;")
    answers: list[object] = []
    others: list[object] = []

    for data in (False, True, False):
        _call(endless, data, answers)
    await until(lambda: pool._workers[0].busy_s > 0 or bool(answers))
    _call(beside, 1, others)
    _call(same_thread, 1, others)
    await until(lambda: len(answers) == 3 and len(others) == 2)
    _call(endless, False, answers)
    _call(same_thread, 2, others)
    await until(lambda: len(answers) == 4 and len(others) == 3)

    assert answers[0] == "1"
    assert all("could not be stopped" in str(answer) for answer in answers[1:])
    assert others == ["1", "2", "3"]
    assert pool.backlog.count == 0
