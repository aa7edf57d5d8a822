"""Messages in the log."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.rules.support import TAP, TAPS, World, graph, message_of
from tests.waiting import until

LOG = "org.thingsboard.rule.engine.action.TbLogNode"
LOGGER = "fieldline.rules.nodes.action.log"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.stop()


def _texts(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == LOGGER]


async def _run(world: World, configuration: dict[str, Any]) -> None:
    links = [("log", name, name) for name in ("Success", "Failure")]
    world.graphs = [graph({"log": (LOG, configuration), "Success": TAP, "Failure": TAP}, links)]
    await world.ready()
    message, receipt = message_of({"a": "é"}, metadata={"m": "1"})
    world.publish(message)
    await until(lambda: receipt.is_done)


@pytest.mark.parametrize("language", ["JS", "TBEL"])
async def test_the_default_script_is_written_without_running_it(
    world: World, caplog: pytest.LogCaptureFixture, language: str
) -> None:
    caplog.set_level(logging.INFO, LOGGER)

    await _run(world, {"scriptLang": language})

    assert _texts(caplog) == ['\nIncoming message:\n{"a":"é"}\nIncoming metadata:\n{"m":"1"}']
    assert len(TAPS["Success"].seen) == 1


async def test_another_script_makes_the_text(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)

    await _run(world, {"scriptLang": "JS", "jsScript": "return 'a is %s ' + msg.a;"})

    assert _texts(caplog) == ["a is %s é"]
    assert len(TAPS["Success"].seen) == 1


@pytest.mark.parametrize("body", ["return 5;", "return;", "throw new Error('x');"])
async def test_no_text_follows_failure(
    world: World, caplog: pytest.LogCaptureFixture, body: str
) -> None:
    caplog.set_level(logging.INFO, LOGGER)

    await _run(world, {"scriptLang": "JS", "jsScript": body})

    assert len(TAPS["Failure"].seen) == 1


async def test_nothing_is_made_where_nothing_is_logged(world: World) -> None:
    logging.getLogger(LOGGER).setLevel(logging.WARNING)
    try:
        await _run(world, {"scriptLang": "JS", "jsScript": "throw new Error('x');"})
    finally:
        logging.getLogger(LOGGER).setLevel(logging.NOTSET)

    assert len(TAPS["Success"].seen) == 1
