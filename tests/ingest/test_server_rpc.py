"""Commands to devices: who gets them, when, and who is told what became of them."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from fieldline.domains.rpc.command import Answer, Command, RpcError, RpcStatus
from fieldline.domains.rpc.events import RpcDeleted
from fieldline.ingest.parts import IngestOptions
from fieldline.ingest.server_rpc import DELIVERY_MS
from fieldline.ingest.session import CloseReason, DeviceRecord, DeviceSession
from fieldline.kit.ids import new_id
from fieldline.messaging.events import Change, EntityChanged
from fieldline.timeseries.backends.memory import MemoryStore
from tests.ingest.world import Listener, World
from tests.waiting import until

S = RpcStatus


@dataclass
class Site:
    """A door with one device, and the answers that senders of commands got."""

    world: World
    device: DeviceRecord
    answers: list[Answer]

    def command(self, **fields: Any) -> Command:
        given = {
            "id": new_id(),
            "tenant_id": self.world.tenant_id,
            "device_id": self.device.id,
            "method": "setValve",
            "params": {"open": True},
            "expires_ms": self.world.clock.now_ms() + 60_000,
        }
        return Command(**{**given, **fields})

    def send(self, **fields: Any) -> UUID:
        command = self.command(**fields)
        self.world.door.send_rpc(command, self.answers.append)
        return command.id

    async def connect(self) -> tuple[DeviceSession, Listener]:
        """Connect the device and have it want commands."""
        listener = Listener()
        session = self.world.door.open(self.device, listener)
        self.world.door.subscribe_rpc(session)
        await asyncio.sleep(0)
        return session, listener

    def sweep(self, after_ms: int) -> None:
        self.world.clock.advance(after_ms)
        self.world.door._server_rpc.sweep()

    def moves(self, rpc_id: UUID) -> list[RpcStatus]:
        return self.world.kept.moves[rpc_id]


@pytest.fixture
def site(world: World) -> Site:
    return Site(world, world.device(), [])


async def test_a_command_is_sent_and_its_answer_comes_back(site: Site) -> None:
    session, listener = await site.connect()

    site.send()
    [request] = listener.requests
    site.world.door.rpc_sent(session, request.number)
    site.world.door.rpc_delivered(session, request.number)
    answers_before = list(site.answers)
    site.world.door.rpc_answered(session, request.number, b'{"ok":true}')

    assert (request.number, request.method, request.params) == (0, "setValve", {"open": True})
    assert answers_before == []
    assert site.answers == [Answer('{"ok":true}')]
    assert len(site.world.door._server_rpc) == 0


async def test_the_numbers_of_a_device_go_up(site: Site) -> None:
    session, listener = await site.connect()
    site.send()
    site.world.door.rpc_answered(session, 0, b"1")
    site.send()

    assert [request.number for request in listener.requests] == [0, 1]


async def test_a_one_way_command_is_done_when_it_is_sent(site: Site) -> None:
    session, _listener = await site.connect()
    site.send(is_oneway=True)

    site.world.door.rpc_sent(session, 0)
    site.world.door.rpc_answered(session, 0, b"too much")

    assert site.answers == [Answer()]


async def test_a_command_waits_for_its_device(site: Site) -> None:
    site.send()

    _session, listener = await site.connect()

    assert [request.method for request in listener.requests] == ["setValve"]


async def test_what_is_not_answered_is_sent_again_to_who_comes(site: Site) -> None:
    session, _ = await site.connect()
    site.send()
    site.world.door.rpc_delivered(session, 0)
    site.world.door.close(session)

    again, listener = await site.connect()
    site.world.door.rpc_answered(again, listener.requests[0].number, b"2")

    assert [request.number for request in listener.requests] == [0]
    assert site.answers == [Answer("2")]


async def test_the_first_answer_counts(site: Site) -> None:
    session, _ = await site.connect()
    site.send()

    for payload in (b"1", b"2"):
        site.world.door.rpc_answered(session, 0, payload)

    assert site.answers == [Answer("1")]


async def test_another_devices_answer_is_nothing(site: Site) -> None:
    session, _ = await site.connect()
    stranger = site.world.door.open(site.world.device("other"), Listener())
    site.send()

    site.world.door.rpc_answered(stranger, 0, b"1")
    answers_before = list(site.answers)
    site.world.door.rpc_answered(session, 0, b"2")

    assert answers_before == []
    assert site.answers == [Answer("2")]


async def test_time_runs_out_for_who_is_there_and_who_is_not(site: Site) -> None:
    site.send()
    site.sweep(60_000)
    session, _ = await site.connect()
    site.send()
    site.world.door.rpc_sent(session, 0)
    site.world.door.rpc_sent(session, 1)
    site.sweep(59_999)
    answers_before = list(site.answers)
    site.sweep(1)

    no_connection, too_late = RpcError.NO_ACTIVE_CONNECTION, RpcError.TIMEOUT
    assert answers_before == [Answer(error=no_connection)]
    assert site.answers == [Answer(error=no_connection), Answer(error=too_late)]


async def test_a_command_whose_time_is_over_is_not_sent(site: Site) -> None:
    _session, listener = await site.connect()

    site.send(expires_ms=site.world.clock.now_ms())

    assert listener.requests == []
    assert site.answers == [Answer(error=RpcError.TIMEOUT)]


async def test_who_unsubscribed_or_was_thrown_out_gets_none(site: Site) -> None:
    session, listener = await site.connect()
    site.world.door.unsubscribe_rpc(session)
    site.send()
    _newer, newer_listener = await site.connect()

    assert listener.requests == []
    assert listener.closed == [CloseReason.TAKEN_OVER]
    assert len(newer_listener.requests) == 1


async def test_there_are_only_so_many(world: World) -> None:
    world = World(MemoryStore(), options=IngestOptions(server_rpcs=2))
    await world.start()
    site = Site(world, world.device(), [])
    for _ in range(3):
        site.send()

    assert site.answers == [Answer(error=RpcError.OVERLOADED)]
    await world.stop()


async def test_one_tenant_does_not_take_all_of_them() -> None:
    world = World(MemoryStore(), options=IngestOptions(server_rpcs=3, tenant_server_rpcs=2))
    await world.start()
    await world.door.start()
    site = Site(world, world.device(), [])
    other = Site(world, world.device("other", tenant_id=new_id()), [])
    session, listener = await site.connect()
    ids = [site.send() for _ in range(3)]
    kept = site.send(is_persistent=True)
    for _ in range(2):
        other.send(tenant_id=other.device.tenant_id)
    overloaded = list(site.answers), list(other.answers)
    sent = len(listener.requests)

    for request in listener.requests[:2]:
        world.door.rpc_answered(session, request.number, b"{}")
    site.sweep(1_000)
    await until(lambda: len(listener.requests) == 3)

    assert overloaded == (
        [Answer(error=RpcError.OVERLOADED), Answer(f'{{"rpcId":"{kept}"}}')],
        [Answer(error=RpcError.OVERLOADED)],
    )
    assert (len(ids), sent) == (3, 2)
    assert site.answers[2:] == [Answer("{}"), Answer("{}")]
    assert world.door._server_rpc._of_tenant == {world.tenant_id: 1, other.device.tenant_id: 1}
    await world.door.stop()
    assert world.door._server_rpc._of_tenant == {}
    await world.stop()


async def test_stopping_answers_who_waits(site: Site) -> None:
    site.send()

    site.world.door.end_waiting()

    assert site.answers == [Answer(error=RpcError.NO_ACTIVE_CONNECTION)]


async def test_the_commands_of_a_deleted_device_end(site: Site) -> None:
    await site.connect()
    site.send()
    rpc_id = site.send(is_persistent=True)

    site.world.bus.emit(EntityChanged(site.world.tenant_id, site.device.ref, Change.DELETED))

    assert site.answers[0] == Answer(f'{{"rpcId":"{rpc_id}"}}')
    assert site.answers[1] == Answer(error=RpcError.NOT_FOUND)
    assert len(site.world.door._server_rpc) == 0


# Kept commands


async def test_a_kept_command_is_answered_for_when_it_is_kept(site: Site) -> None:
    rpc_id = site.send(is_persistent=True)

    assert site.answers == [Answer(f'{{"rpcId":"{rpc_id}"}}')]
    assert site.moves(rpc_id) == [S.QUEUED]


async def test_a_kept_command_of_a_device_that_is_gone(site: Site) -> None:
    site.world.kept.refuses = True

    site.send(is_persistent=True)

    assert site.answers == [Answer(error=RpcError.NOT_FOUND)]


async def test_a_kept_command_moves_on(site: Site) -> None:
    session, listener = await site.connect()
    rpc_id = site.send(is_persistent=True)
    number = listener.requests[0].number

    site.world.door.rpc_sent(session, number)
    site.world.door.rpc_delivered(session, number)
    site.world.door.rpc_answered(session, number, b'{"ok":1}')

    assert site.moves(rpc_id) == [S.QUEUED, S.SENT, S.DELIVERED, S.SUCCESSFUL]
    assert site.world.kept.responses[rpc_id] == '{"ok":1}'
    assert len(site.answers) == 1


async def test_a_kept_one_way_command_ends_delivered(site: Site) -> None:
    session, listener = await site.connect()
    rpc_id = site.send(is_persistent=True, is_oneway=True)
    number = listener.requests[0].number

    site.world.door.rpc_sent(session, number)
    site.world.door.rpc_delivered(session, number)
    site.world.door.rpc_answered(session, number, b"late")

    assert site.moves(rpc_id) == [S.QUEUED, S.SENT, S.DELIVERED]
    assert len(site.world.door._server_rpc) == 0


async def test_kept_commands_of_who_is_away_take_no_memory_and_come_in_order(site: Site) -> None:
    await site.world.door.start()
    ids = [site.send(is_persistent=True, method=f"m{n}") for n in range(3)]
    in_memory = len(site.world.door._server_rpc)

    _session, listener = await site.connect()
    await until(lambda: len(listener.requests) == 3)

    assert in_memory == 0
    assert [request.method for request in listener.requests] == ["m0", "m1", "m2"]
    assert all(site.moves(rpc_id) == [S.QUEUED] for rpc_id in ids)
    await site.world.door.stop()


async def test_what_was_kept_before_a_restart_is_sent(site: Site) -> None:
    command = site.command(is_persistent=True)
    site.world.kept.keep(command, lambda _is_kept: None)
    await site.world.door.start()

    _session, listener = await site.connect()
    await until(lambda: listener.requests)

    assert listener.requests[0].method == "setValve"
    await site.world.door.stop()


async def test_an_answer_from_before_a_restart_fits_no_other_command(site: Site) -> None:
    first, second = (site.command(is_persistent=True, method=f"m{n}") for n in range(2))
    for command in (first, second):
        site.world.kept.keep(command, lambda _is_kept: None)
    site.world.kept.move(second.id, S.SENT)
    await site.world.door.start()

    session, listener = await site.connect()
    await until(lambda: len(listener.requests) == 2)
    site.world.door.rpc_answered(session, 0, b'"of the second, which had the number 0"')
    site.world.door.rpc_answered(session, listener.requests[0].number, b"1")

    assert site.world.kept.responses == {first.id: "1"}
    await site.world.door.stop()


async def test_a_kept_command_that_is_not_acknowledged_is_sent_when_the_device_comes(
    site: Site,
) -> None:
    await site.world.door.start()
    rpc_id = site.send(is_persistent=True, retries=1, expires_ms=2**50)
    for _ in range(2):
        session, listener = await site.connect()
        await until(partial(len, listener.requests))
        site.world.door.rpc_sent(session, listener.requests[0].number)
        site.sweep(DELIVERY_MS)

    assert site.moves(rpc_id) == [S.QUEUED, S.SENT, S.TIMEOUT, S.SENT, S.FAILED]
    assert "sent again 1 times" in site.world.kept.responses[rpc_id]
    await site.world.door.stop()


async def test_what_was_delivered_before_is_sent_after_what_is_new_and_stays_delivered(
    site: Site,
) -> None:
    await site.world.door.start()
    session, _ = await site.connect()
    first = site.send(is_persistent=True)
    site.world.door.rpc_sent(session, 0)
    site.world.door.rpc_delivered(session, 0)
    site.world.door.close(session)
    site.send(is_persistent=True)

    session, listener = await site.connect()
    await until(lambda: len(listener.requests) == 2)
    site.world.door.rpc_sent(session, 0)

    assert [request.number for request in listener.requests] == [1, 0]
    assert site.moves(first) == [S.QUEUED, S.SENT, S.DELIVERED]
    await site.world.door.stop()


async def test_what_is_in_memory_is_sent_again_while_the_store_is_away(site: Site) -> None:
    await site.world.door.start()
    session, _ = await site.connect()
    site.send(is_persistent=True)
    site.send(method="notKept")
    for number in range(2):
        site.world.door.rpc_sent(session, number)
        site.world.door.rpc_delivered(session, number)
    site.world.door.close(session)
    site.world.kept.is_away = True

    _session, listener = await site.connect()
    await until(lambda: listener.requests)

    assert [request.method for request in listener.requests] == ["notKept"]
    await site.world.door.stop()


async def test_a_kept_command_expires(site: Site) -> None:
    session, listener = await site.connect()
    rpc_id = site.send(is_persistent=True)
    site.world.door.rpc_delivered(session, listener.requests[0].number)

    site.sweep(60_000)

    assert site.moves(rpc_id) == [S.QUEUED, S.DELIVERED, S.EXPIRED]
    assert len(site.answers) == 1


async def test_a_deleted_command_is_not_sent_again(site: Site) -> None:
    session, listener = await site.connect()
    rpc_id = site.send(is_persistent=True)

    site.world.bus.emit(RpcDeleted(site.device.id, rpc_id))
    site.world.door.rpc_answered(session, listener.requests[0].number, b"1")

    assert site.moves(rpc_id) == [S.QUEUED]


async def test_what_there_was_no_room_for_is_sent_when_there_is(world: World) -> None:
    site = Site(world, world.device(), [])
    world.door._server_rpc._limit = 1
    await world.door.start()
    session, listener = await site.connect()
    rpc_ids = [site.send(is_persistent=True, expires_ms=2**50) for _ in range(2)]
    world.door.rpc_answered(session, listener.requests[0].number, b"1")

    site.sweep(1_000)
    await until(lambda: len(listener.requests) == 2)
    world.door.rpc_answered(session, listener.requests[1].number, b"2")

    assert [site.moves(rpc_id)[-1] for rpc_id in rpc_ids] == [S.SUCCESSFUL] * 2
    await world.door.stop()
