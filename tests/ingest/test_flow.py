"""Back-pressure: full and room, for everybody at the same moment."""

import asyncio
from collections.abc import Callable

import pytest

from fieldline.ingest.flow import Flow, Share
from fieldline.messaging.receipt import Receipt, unattended


class Writer:
    """What is behind the door."""

    def __init__(self) -> None:
        self.is_full = False
        self.callbacks: list[Callable[[], None]] = []

    def when_room(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)

    def make_room(self) -> None:
        self.is_full = False
        callbacks, self.callbacks = self.callbacks, []
        for callback in callbacks:
            callback()


def fill(flow: Flow, count: int) -> list[Receipt]:
    packets = [unattended() for _ in range(count)]
    for packet in packets:
        Share(flow, 1_000).count(packet)
    return packets


def test_full_stays_full_until_three_quarters_are_left() -> None:
    flow = Flow(8, Writer())
    packets = fill(flow, 8)

    packets[0].release()
    at_seven = flow.is_full
    packets[1].release()

    assert at_seven
    assert not flow.is_full


async def test_who_waits_is_called_once_when_there_is_room() -> None:
    flow = Flow(4, Writer())
    packets = fill(flow, 4)
    calls: list[str] = []
    flow.when_room(lambda: calls.append("a"))
    flow.when_room(lambda: calls.append("b"))

    for packet in packets:
        packet.release()
    fill(flow, 4)

    assert calls == ["a", "b"]


async def test_a_full_writer_holds_everybody_back() -> None:
    writer = Writer()
    flow = Flow(4, writer)
    calls: list[str] = []
    writer.is_full = True

    flow.when_room(lambda: calls.append("a"))
    flow.when_room(lambda: calls.append("b"))
    before = list(calls)
    writer.make_room()

    assert before == []
    assert calls == ["a", "b"]


async def test_room_in_the_writer_is_no_room_while_packets_are_too_many() -> None:
    writer = Writer()
    flow = Flow(4, writer)
    calls: list[str] = []
    writer.is_full = True
    flow.when_room(lambda: calls.append("a"))
    packets = fill(flow, 4)

    writer.make_room()
    after_writer = list(calls)
    packets[0].release()

    assert after_writer == []
    assert calls == ["a"]


async def test_room_in_flight_is_no_room_while_the_writer_is_full() -> None:
    writer = Writer()
    flow = Flow(4, writer)
    calls: list[str] = []
    packets = fill(flow, 4)
    flow.when_room(lambda: calls.append("a"))
    writer.is_full = True

    packets[0].release()
    after_packet = list(calls)
    writer.make_room()

    assert after_packet == []
    assert calls == ["a"]


async def test_with_room_already_the_call_comes_soon_but_not_at_once() -> None:
    flow = Flow(4, Writer())
    calls: list[str] = []

    flow.when_room(lambda: calls.append("a"))
    at_once = list(calls)
    await asyncio.sleep(0)

    assert at_once == []
    assert calls == ["a"]


async def test_a_callback_may_wait_again() -> None:
    flow = Flow(4, Writer())
    packets = fill(flow, 4)
    calls: list[int] = []

    def fill_again() -> None:
        calls.append(flow.in_flight)
        packets.extend(fill(flow, 4 - flow.in_flight))
        if len(calls) < 3:
            flow.when_room(fill_again)

    flow.when_room(fill_again)
    for index in range(3):
        packets[index].release()

    assert calls == [3, 3, 3]


async def test_whatever_is_full_behind_the_door_holds_everybody_back() -> None:
    writer, rules = Writer(), Writer()
    flow = Flow(4, writer)
    flow.heed(rules)
    called: list[str] = []
    writer.is_full = rules.is_full = True
    flow.when_room(lambda: called.append("room"))

    writer.make_room()
    assert flow.is_full
    assert not called
    rules.make_room()

    assert not flow.is_full
    assert called == ["room"]


def test_a_share_counts_messages_and_the_flow_packets() -> None:
    flow = Flow(3, Writer())
    one, other = Share(flow, 8), Share(flow, 8)
    large, small = unattended(), unattended()

    one.count(large, 5)
    one.count(large, 3)  # of another device in the same packet
    other.count(small)
    before = (one.in_flight, one.is_used_up, other.is_used_up, flow.in_flight, flow.is_full)
    large.release()
    small.release()

    assert before == (8, True, False, 2, False)
    assert (one.in_flight, one.is_used_up, flow.in_flight) == (0, False, 0)


def test_a_share_counts_what_payloads_weigh() -> None:
    share = Share(Flow(100, Writer()), 70)
    packet = unattended()
    packet.weight = 64  # KiB

    share.count(packet, 5)
    share.count(packet)
    before = (share.in_flight, share.is_used_up)
    packet.release()

    assert before == (70, True)
    assert share.in_flight == 0


def test_a_share_is_used_up_until_three_quarters_are_left() -> None:
    share = Share(Flow(100, Writer()), 8)
    packets = [unattended() for _ in range(8)]
    used_up = []
    for packet in packets:
        share.count(packet)
    for packet in packets[:3]:
        used_up.append(share.is_used_up)
        packet.release()

    assert used_up == [True, True, False]


async def test_who_waits_for_a_share_is_called_once_when_it_has_room() -> None:
    flow = Flow(100, Writer())
    share = Share(flow, 1)
    share.count(packet := unattended())
    calls: list[str] = []

    def first() -> None:
        calls.append("first")

    def second() -> None:
        calls.append("second")

    for callback in (first, second, first):
        share.when_room(callback)
    share.forget(second)
    await asyncio.sleep(0)
    before = list(calls)
    packet.release()
    await asyncio.sleep(0)

    assert (before, calls) == ([], ["first"])


async def test_a_share_with_room_waits_for_the_flow() -> None:
    flow = Flow(2, Writer())
    one, other = Share(flow, 1), Share(flow, 1)
    packets = [unattended(), unattended()]
    one.count(packets[0])
    other.count(packets[1])
    calls: list[str] = []
    one.when_room(lambda: calls.append("one"))

    packets[0].release()
    packets[1].release()
    await asyncio.sleep(0)

    assert calls == ["one"]
    assert not one.is_full


async def test_who_waits_for_a_share_has_it_in_turn() -> None:
    share = Share(Flow(100, Writer()), 4)
    served = []
    packets: list[Receipt] = []

    def sender(name: str) -> Callable[[], None]:
        def send() -> None:
            """Use up all that there is, and wait for more."""
            served.append(name)
            while not share.is_full:
                packets.append(unattended())
                share.count(packets[-1])
            share.when_room(send)

        return send

    for name in "abc":
        sender(name)()
    served.clear()
    for _ in range(6):
        while packets:
            packets.pop().release()
        await asyncio.sleep(0)

    assert served == ["a", "b", "c", "a", "b", "c"]


async def test_one_that_fails_keeps_nobody_from_going_on(caplog: pytest.LogCaptureFixture) -> None:
    flow = Flow(100, Writer())
    share = Share(flow, 1)
    share.count(packet := unattended())
    calls: list[str] = []

    def fail() -> None:
        raise RuntimeError("broken")

    share.when_room(fail)
    share.when_room(lambda: calls.append("share"))
    packet.release()
    flow.when_room(fail)
    flow.when_room(lambda: calls.append("flow"))
    await asyncio.sleep(0)

    assert calls == ["share", "flow"]
    assert caplog.text.count("RuntimeError: broken") == 2
