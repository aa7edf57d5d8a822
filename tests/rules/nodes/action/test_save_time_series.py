"""Readings on their way to the store."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.kit.values import JsonText
from fieldline.messaging.receipt import Receipt
from tests.rules.support import TAP, TAPS, World, graph, message_of

SAVE = "org.thingsboard.rule.engine.telemetry.TbMsgTimeseriesNode"
TS = 1_700_000_000_000


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.stop()


async def _prepare(world: World, **configuration: object) -> None:
    links = [("save", name, name) for name in ("Success", "Failure")]
    nodes = {"save": (SAVE, {**configuration}), "Success": TAP, "Failure": TAP}
    world.graphs = [graph(nodes, links)]
    await world.ready()


def _send(world: World, data: object, **fields: Any) -> Receipt:
    message, receipt = message_of(data, **fields)
    world.publish(message)
    return receipt


def _counts() -> tuple[int, int]:
    return len(TAPS["Success"].seen), len(TAPS["Failure"].seen)


class TestSaving:
    async def test_success_and_the_acknowledgement_follow_the_commit(self, world: World) -> None:
        await _prepare(world)

        receipt = _send(world, {"a": 1})

        assert (_counts(), receipt.is_done) == ((0, 0), False)
        world.writer.commit()
        assert (_counts(), receipt.is_done) == ((1, 0), True)

    async def test_a_refused_row_follows_failure(self, world: World) -> None:
        await _prepare(world)
        receipt = _send(world, {"a": 1})

        world.writer.commit(Invalid("no"))

        assert (_counts(), receipt.is_done) == ((0, 1), True)

    async def test_values_keep_their_types(self, world: World) -> None:
        await _prepare(world)
        data = {"i": 1, "f": 1.0, "b": True, "s": "text", "o": {"x": [1]}, "l": []}

        _send(world, data)

        values = world.writer.readings[0].values
        assert values == {"i": 1, "f": 1.0, "b": True, "s": "text", "o": '{"x":[1]}', "l": "[]"}
        assert [type(values[key]) for key in data] == [int, float, bool, str, JsonText, JsonText]

    @pytest.mark.parametrize(
        ("metadata", "ts_ms"), [({}, TS), ({"ts": "5"}, 5), ({"ts": "soon"}, TS)]
    )
    async def test_the_time_is_the_metadatas_else_the_messages(
        self, world: World, metadata: dict[str, str], ts_ms: int
    ) -> None:
        await _prepare(world)

        _send(world, {"a": 1}, metadata=metadata)

        assert world.writer.readings[0].ts_ms == ts_ms

    async def test_the_servers_time_when_that_is_wanted(self, world: World) -> None:
        await _prepare(world, useServerTs=True)
        world.clock.advance(7)

        _send(world, {"a": 1}, metadata={"ts": "5"})

        assert world.writer.readings[0].ts_ms == world.clock.now_ms()

    async def test_a_list_of_readings_goes_on_once(self, world: World) -> None:
        await _prepare(world)

        receipt = _send(world, [{"ts": 1, "values": {"a": 1}}, {"b": 2}])

        assert [(r.ts_ms, r.values) for r in world.writer.readings] == [
            (1, {"a": 1}),
            (TS, {"b": 2}),
        ]
        world.writer.commit()
        assert (_counts(), receipt.is_done) == ((1, 0), True)

    @pytest.mark.parametrize(
        "data", [{}, [], "text", 5, None, {"a": None}, [{"ts": "x", "values": {"a": 1}}]]
    )
    async def test_what_holds_no_readings_follows_failure(self, world: World, data: object) -> None:
        await _prepare(world)

        receipt = _send(world, data)

        assert (_counts(), receipt.is_done) == ((0, 1), True)
        assert world.writer.readings == []

    async def test_another_type_follows_failure(self, world: World) -> None:
        await _prepare(world)

        _send(world, {"a": 1}, type="POST_ATTRIBUTES_REQUEST")

        assert _counts() == (0, 1)

    async def test_values_are_given_to_the_alarm_rules_before_the_store(self, world: World) -> None:
        await _prepare(world)

        _send(world, {"a": 1})

        saved = world.evaluator.submitted[0]
        assert (saved.scope, saved.ts_ms, saved.values) == (None, TS, {"a": 1})

    async def test_a_writer_that_refuses_at_once_follows_failure(self, world: World) -> None:
        await _prepare(world)

        def refuse(*_args: object, **_kwargs: object) -> None:
            raise Invalid("key too long")

        world.writer.save_readings = refuse

        receipt = _send(world, {"a": 1})

        assert (_counts(), receipt.is_done) == ((0, 1), True)


class TestProcessing:
    async def test_websockets_only_stores_nothing(self, world: World) -> None:
        await _prepare(world, processingSettings={"type": "WEBSOCKETS_ONLY"})

        _send(world, {"a": 1})

        reading = world.writer.readings[0]
        assert (reading.to_history, reading.to_latest, reading.notify) == (False, False, True)
        assert world.evaluator.submitted == []

    async def test_each_part_has_its_own_strategy(self, world: World) -> None:
        always, skip = {"type": "ON_EVERY_MESSAGE"}, {"type": "SKIP"}
        settings = {
            "type": "ADVANCED",
            "timeseries": {"type": "DEDUPLICATE", "deduplicationIntervalSecs": 10},
            "latest": always,
            "webSockets": skip,
            "calculatedFields": always,
        }
        await _prepare(world, processingSettings=settings)
        originator = EntityRef(EntityType.DEVICE, new_id())

        for ts_ms in (0, 5_000, 10_000):
            _send(world, {"a": 1}, originator=originator, ts_ms=ts_ms)

        done = [(r.to_history, r.to_latest, r.notify) for r in world.writer.readings]
        assert done == [(True, True, False), (False, True, False), (True, True, False)]
        assert len(world.evaluator.submitted) == 3

    async def test_what_is_to_be_left_out_altogether_goes_on(self, world: World) -> None:
        settings = {"type": "DEDUPLICATE", "deduplicationIntervalSecs": 60}
        await _prepare(world, processingSettings=settings)
        originator = EntityRef(EntityType.DEVICE, new_id())

        receipts = [_send(world, {"a": n}, originator=originator, ts_ms=n) for n in range(3)]
        world.writer.commit()

        assert len(world.writer.readings) == 1
        assert _counts() == (3, 0)
        assert all(receipt.is_done for receipt in receipts)
