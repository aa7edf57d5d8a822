import asyncio

import pytest

from fieldline.kit.background import Background
from fieldline.kit.errors import Unavailable


async def test_work_is_done_in_its_order_and_only_so_much_at_once() -> None:
    background = Background(max_running=2)
    gate, done, running = asyncio.Event(), [], []

    def piece(number: int) -> None:
        async def work() -> None:
            running.append(number)
            await gate.wait()
            done.append(number)

        background.submit(work)

    for number in range(5):
        piece(number)
    await asyncio.sleep(0)
    assert running == [0, 1]
    gate.set()
    await background.idle()

    assert running == [0, 1, 2, 3, 4]
    assert sorted(done) == [0, 1, 2, 3, 4]


async def test_too_much_work_is_refused_and_there_is_room_again() -> None:
    background = Background(max_running=1, max_waiting=2)
    gate = asyncio.Event()

    async def work() -> None:
        await gate.wait()

    background.submit(work)
    await asyncio.sleep(0)
    background.submit(work)
    background.submit(work)
    with pytest.raises(Unavailable, match="try again"):
        background.submit(work)
    gate.set()
    await background.idle()

    background.submit(work)
    await background.idle()


async def test_a_failure_is_logged_and_the_next_piece_is_done(
    caplog: pytest.LogCaptureFixture,
) -> None:
    background = Background(max_running=1)
    done = asyncio.Event()

    async def broken() -> None:
        raise ValueError("broken piece")

    async def work() -> None:
        done.set()

    background.submit(broken)
    background.submit(work)
    await background.idle()

    assert done.is_set()
    assert "broken piece" in caplog.text


async def test_a_stop_finishes_what_runs_and_drops_what_waits() -> None:
    background = Background(max_running=1)
    gate, done = asyncio.Event(), []

    async def first() -> None:
        await gate.wait()
        done.append("first")

    async def second() -> None:
        done.append("second")

    background.submit(first)
    await asyncio.sleep(0)
    background.submit(second)
    stopping = asyncio.create_task(background.stop())
    await asyncio.sleep(0)
    gate.set()
    await stopping

    assert done == ["first"]


async def test_a_stop_ends_what_takes_too_long() -> None:
    background = Background()
    ended = asyncio.Event()

    async def stuck() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    background.submit(stuck)
    await asyncio.sleep(0)
    await background.stop(timeout_s=0.01)

    assert ended.is_set()


async def test_finishing_does_what_waits() -> None:
    background = Background(max_running=1)
    done = []

    async def work() -> None:
        await asyncio.sleep(0)
        done.append("work")

    background.submit(work)
    background.submit(work)
    await background.finish()

    assert done == ["work", "work"]


async def test_finishing_ends_what_takes_too_long_and_drops_the_rest() -> None:
    background = Background(max_running=1)
    done = []

    async def stuck() -> None:
        await asyncio.Event().wait()

    async def work() -> None:
        done.append("work")

    background.submit(stuck)
    background.submit(work)
    await background.finish(timeout_s=0.01)

    assert done == []
