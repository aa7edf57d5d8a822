"""Messages of a transaction reach the rules once it is committed, whatever happens after that."""

from uuid import uuid4

import pytest
from sqlalchemy import func, select

from fieldline.database.engine import Database, emit_after_commit
from fieldline.domains.outbox.delivery import Outbox
from fieldline.domains.outbox.models import OutboxMessage
from fieldline.domains.outbox.packing import pack, unpack
from fieldline.domains.outbox.repository import OutboxRepository
from fieldline.domains.outbox.service import post
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.messaging.backends.memory import MemoryBus
from fieldline.messaging.message import Message
from fieldline.messaging.receipt import Receipt
from tests.domains.outbox.telling import running
from tests.waiting import until

TENANT, DEVICE = uuid4(), EntityRef(EntityType.DEVICE, uuid4())


class Rules:
    """Whoever takes the messages, and finishes with them at once or when told to."""

    def __init__(self, bus: MemoryBus) -> None:
        self.told: list[Message] = []
        self.receipts: list[Receipt] = []
        self.keeps = False
        bus.consume(self._take)

    @property
    def numbers(self) -> list[int]:
        return [message.data["n"] for message in self.told]

    def finish(self) -> None:
        receipts, self.receipts = self.receipts, []
        for receipt in receipts:
            receipt.release()

    def _take(self, message: Message) -> None:
        self.told.append(message)
        if self.keeps:
            self.receipts.append(message.receipt)
        else:
            message.receipt.release()


@pytest.fixture
def bus(database: Database) -> MemoryBus:
    bus = MemoryBus()
    database._emit = bus.emit
    return bus


@pytest.fixture
def rules(bus: MemoryBus) -> Rules:
    return Rules(bus)


def message(number: int) -> Message:
    return Message("ENTITY_CREATED", DEVICE, TENANT, {"n": number}, {"a": "b"}, ts_ms=number)


async def send(database: Database, *numbers: int) -> None:
    for number in numbers:
        async with database.write() as session:
            await post(session, message(number))


async def send_in_vain(database: Database) -> None:
    async with database.write() as session:
        await post(session, message(1))
        raise RuntimeError


async def rows(database: Database) -> int:
    async with database.read() as session:
        return await session.scalar(select(func.count()).select_from(OutboxMessage)) or 0


async def emptied(database: Database, outbox: Outbox) -> None:
    await until(lambda: not outbox.open and not outbox.is_behind)
    assert await rows(database) == 0


async def test_it_is_told_after_the_commit_and_what_else_was_told(
    database: Database, bus: MemoryBus, rules: Rules
) -> None:
    seen: list[int] = []
    bus.listen(str, lambda _event: seen.append(len(rules.told)))
    async with running(Outbox(database, bus)) as outbox:
        await until(lambda: not outbox.is_behind)

        async with database.write() as session:
            await post(session, message(1))
            emit_after_commit(session, "an event of the same transaction")
            assert rules.told == []

        assert rules.numbers == [1]
        assert seen == [0]
        await emptied(database, outbox)


async def test_what_is_rolled_back_is_never_told(
    database: Database, bus: MemoryBus, rules: Rules
) -> None:
    async with running(Outbox(database, bus)) as outbox:
        with pytest.raises(RuntimeError):
            await send_in_vain(database)

        await send(database, 2)
        await emptied(database, outbox)

    assert rules.numbers == [2]


async def test_what_was_not_finished_is_told_again_by_the_next_run(
    database: Database, bus: MemoryBus, rules: Rules
) -> None:
    rules.keeps = True
    async with running(Outbox(database, bus)):
        await send(database, 1, 2, 3)
        await until(lambda: len(rules.told) == 3)
        rules.receipts.pop(1).release()

    rules.told.clear()
    rules.keeps = False
    await send(database, 4)
    async with running(Outbox(database, bus)) as again:
        await emptied(database, again)

    assert rules.numbers == [1, 3, 4]
    assert pack(rules.told[0]) == pack(message(1))


async def test_the_rules_have_a_limited_number_at_a_time(
    database: Database, bus: MemoryBus, rules: Rules
) -> None:
    rules.keeps = True
    async with running(Outbox(database, bus, max_open=3)) as outbox:
        await send(database, *range(10))
        await until(lambda: len(rules.told) == 3)

        while len(rules.told) < 10:
            before = len(rules.told)
            assert outbox.open <= 3
            rules.finish()
            await until(lambda before=before: len(rules.told) > before)  # type: ignore[misc]
        rules.finish()
        await emptied(database, outbox)

    assert rules.numbers == list(range(10))


async def test_the_number_of_a_message_is_never_used_again(database: Database) -> None:
    await send(database, 1)
    async with database.write() as session:
        first = (await OutboxRepository(session).oldest(1))[0].id
        await OutboxRepository(session).remove([first])

    await send(database, 2)

    async with database.read() as session:
        assert (await OutboxRepository(session).oldest(1))[0].id > first


def test_a_message_comes_back_as_it_was() -> None:
    whole = Message(
        "ALARM",
        DEVICE,
        TENANT,
        {"a": [1, None, "x"]},
        {"k": "v"},
        ts_ms=7,
        customer_id=uuid4(),
        profile_id=uuid4(),
        rule_chain_id=uuid4(),
    )

    assert pack(unpack(pack(whole))) == pack(whole)
