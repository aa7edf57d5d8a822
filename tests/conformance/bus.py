"""The contract of every bus: what a backend inherits and must pass."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from fieldline.kit.ids import EntityRef, EntityType
from fieldline.messaging.bus import Bus
from fieldline.messaging.events import Change, EntityChanged
from fieldline.messaging.message import Message, MessageType
from fieldline.messaging.receipt import Receipt


def a_message(number: int = 0, receipt: Receipt | None = None) -> Message:
    originator = EntityRef(EntityType.DEVICE, uuid4())
    return Message(
        MessageType.POST_TELEMETRY_REQUEST, originator, uuid4(), {"n": number}, {}, ts_ms=1,
        receipt=receipt,
    )  # fmt: skip


def an_event() -> EntityChanged:
    return EntityChanged(uuid4(), EntityRef(EntityType.DEVICE, uuid4()), Change.CREATED)


class BusContract:
    """A subclass gives the fixture ``make_bus``."""

    @pytest.fixture
    async def bus(self, make_bus: Bus) -> AsyncIterator[Bus]:
        await make_bus.start()
        yield make_bus
        await make_bus.stop()

    async def test_messages_arrive_in_the_order_they_were_published(self, bus: Bus) -> None:
        arrived: list[int] = []
        bus.consume(lambda message: arrived.append(message.data["n"]))

        for number in range(100):
            bus.publish(a_message(number))
        await bus.stop()

        assert arrived == list(range(100))

    async def test_a_receipt_is_done_when_every_message_of_it_is(self, bus: Bus) -> None:
        done: list[Receipt] = []
        taken: list[Message] = []
        bus.consume(taken.append)
        receipt = Receipt(done.append)

        for number in range(2):
            receipt.hold()
            bus.publish(a_message(number, receipt))
        receipt.release()
        assert done == []
        for message in taken:
            message.receipt.release()

        assert done == [receipt]

    async def test_events_reach_every_listener_of_their_type(self, bus: Bus) -> None:
        first: list[EntityChanged] = []
        second: list[EntityChanged] = []
        texts: list[str] = []
        bus.listen(EntityChanged, first.append)
        bus.listen(EntityChanged, second.append)
        bus.listen(str, texts.append)
        event = an_event()

        bus.emit(event)
        await bus.stop()

        assert (first, second, texts) == ([event], [event], [])

    async def test_a_subscription_that_was_ended_hears_nothing(self, bus: Bus) -> None:
        heard: list[EntityChanged] = []
        end = bus.listen(EntityChanged, heard.append)

        end()
        end()
        bus.emit(an_event())
        await bus.stop()

        assert heard == []

    async def test_a_listener_that_fails_does_not_silence_the_others(
        self, bus: Bus, caplog: pytest.LogCaptureFixture
    ) -> None:
        heard: list[EntityChanged] = []

        def fail(_event: EntityChanged) -> None:
            raise ValueError("broken listener")

        bus.listen(EntityChanged, fail)
        bus.listen(EntityChanged, heard.append)

        bus.emit(an_event())
        await bus.stop()

        assert len(heard) == 1
        assert "broken listener" in caplog.text
