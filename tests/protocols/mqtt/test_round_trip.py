import tracemalloc
from typing import TypeVar, get_args

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fieldline.protocols.mqtt import properties as table
from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.packets import (
    MQTT_5,
    Connack,
    Connect,
    Packet,
    Pingresp,
    Publish,
    Suback,
    Subscribe,
    Subscription,
    Unsubscribe,
)
from fieldline.protocols.mqtt.properties import Properties
from fieldline.protocols.mqtt.reader import PacketReader
from fieldline.protocols.mqtt.wire import variable_integer
from tests.protocols.mqtt.invariants import check
from tests.protocols.mqtt.strategies import (
    VERSIONS,
    connects,
    mutate,
    mutations,
    packets,
    properties,
)

T = TypeVar("T")
PACKETS = get_args(Packet)
PROPERTY_PACKETS = sorted({packet for row in table._TABLE for packet in row.packets})


@given(VERSIONS.flatmap(connects))
def test_a_connect_survives_the_wire(packet: Connect) -> None:
    reader = PacketReader()

    assert reader.feed(encode(packet, packet.version)) == [packet]
    assert reader.version == packet.version


@given(VERSIONS.flatmap(lambda v: st.tuples(st.just(v), st.lists(packets(v), max_size=5))))
def test_packets_survive_the_wire(made: tuple[int, list[Packet]]) -> None:
    version, sent = made
    reader = PacketReader(version)

    assert reader.feed(b"".join(encode(packet, version) for packet in sent)) == sent
    assert reader.error is None


@given(st.data())
def test_how_a_stream_was_cut_makes_no_difference(data: st.DataObject) -> None:
    version = data.draw(VERSIONS)
    sent = data.draw(st.lists(packets(version), min_size=1, max_size=5))
    stream = b"".join(encode(packet, version) for packet in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    reader = PacketReader(version)

    received: list[Packet] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        received += reader.feed(stream[start:end])

    assert received == sent
    assert reader.held_bytes == 0


def cuts(stream: bytes) -> st.SearchStrategy[list[int]]:
    """Where a stream is cut: here and there, or behind every byte."""
    anywhere = st.lists(st.integers(0, len(stream)), max_size=10)
    return anywhere | st.just(list(range(len(stream))))


@given(st.data())
def test_damaged_packets_are_read_the_same_however_cut_and_can_be_sent_on(
    data: st.DataObject,
) -> None:
    version = data.draw(VERSIONS)
    sent = data.draw(st.lists(packets(version), min_size=1, max_size=3))
    good = b"".join(encode(packet, version) for packet in sent)
    stream = mutate(good, data.draw(mutations()))

    check(stream, version, data.draw(cuts(stream)))


@given(st.data())
def test_a_damaged_connection_is_read_the_same_however_cut(data: st.DataObject) -> None:
    connect = data.draw(VERSIONS.flatmap(connects))
    sent = data.draw(st.lists(packets(connect.version), max_size=2))
    good = b"".join(encode(packet, connect.version) for packet in [connect, *sent])
    stream = mutate(good, data.draw(mutations()))

    check(stream, 0, data.draw(cuts(stream)))


@given(st.binary(max_size=200), st.sampled_from([0, 3, 4, 5]), st.data())
def test_random_bytes_are_read_the_same_however_cut(
    stream: bytes, version: int, data: st.DataObject
) -> None:
    check(stream, version, data.draw(cuts(stream)))


@given(VERSIONS.flatmap(lambda v: st.tuples(st.just(v), packets(v))), st.data())
def test_no_shorter_packet_is_taken_for_a_whole_one(
    made: tuple[int, Packet], data: st.DataObject
) -> None:
    version, packet = made
    stream = encode(packet, version)
    reader = PacketReader(version)

    assert reader.feed(stream[: data.draw(st.integers(0, len(stream) - 1))]) == []
    assert reader.error is None


def test_every_kind_of_packet_and_every_property_is_tried() -> None:
    """The strategies know all that the codec knows; nothing new stays untested."""
    kinds = {type(packet) for packet in _examples(packets(MQTT_5), 200)}
    names = {
        (name, row)
        for row in PROPERTY_PACKETS
        for made in _examples(properties(row, MQTT_5), 60)
        for name in made
    }

    assert kinds | {Connect} == set(PACKETS)
    assert names == {(row.name, packet) for row in table._TABLE for packet in row.packets}


def _examples(strategy: st.SearchStrategy[T], count: int) -> list[T]:
    found: list[T] = []

    @settings(max_examples=count, database=None, derandomize=True, phases=[Phase.generate])
    @given(strategy)
    def collect(made: T) -> None:
        found.append(made)

    collect()
    return found


AMPLIFIED: dict[str, tuple[int, bytes]] = {
    "user properties": (
        5,
        encode(Connack(properties=Properties(user_properties=[("", "")] * 13_000)), 5),
    ),
    "subscriptions": (4, encode(Subscribe(1, [Subscription("\u0100")] * 13_000), 4)),
    "topic filters": (4, encode(Unsubscribe(1, ["\u0100"] * 16_000), 4)),
    "reason codes": (5, encode(Suback(1, [0] * 65_000), 5)),
    "subscription identifiers": (
        5,
        encode(Publish("t", properties=Properties(subscription_identifiers=[300] * 21_000)), 5),
    ),
    "packets": (5, encode(Pingresp(), 5) * 32_000),
    "messages": (5, encode(Publish("t"), 5) * 10_000),
    "topics": (5, b"".join(encode(Publish(f"{n:04}"), 5) for n in range(7_000))),
    "a length": (5, bytes.fromhex("30FFFFFF7F") + b"x" * 60_000),
}
"""Streams that make the most of their bytes, each with the version that it is read as."""


@pytest.mark.parametrize(("version", "stream"), AMPLIFIED.values(), ids=AMPLIFIED.keys())
def test_memory_stays_in_proportion_to_what_came(version: int, stream: bytes) -> None:
    reader = PacketReader(version)
    tracemalloc.start()
    try:
        found = reader.feed(stream)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert reader.error is None
    assert found or reader.held_bytes == len(stream)
    assert peak < 64 * len(stream)


def test_a_long_packet_is_not_looked_through_again_with_every_piece() -> None:
    body = b"\x00\x01t\x00" + b"x" * 400_000
    stream = b"\x30" + variable_integer(len(body)) + body
    reader = PacketReader(5)

    for start in range(0, len(stream) - 1, 1_000):
        assert reader.feed(stream[start : min(start + 1_000, len(stream) - 1)]) == []
        assert reader.held_bytes == min(start + 1_000, len(stream) - 1)

    assert reader.feed(stream[-1:]) == [Publish("t", b"x" * 400_000)]


@pytest.mark.parametrize("version", [3, 4, 5])
def test_a_bad_packet_does_not_take_the_ones_before_it_along(version: int) -> None:
    good = bytes.fromhex("30 03 00 01 61") if version < 5 else bytes.fromhex("30 04 00 01 61 00")
    reader = PacketReader(version)

    packets_before = reader.feed(good * 3 + b"\x36\x00")

    assert len(packets_before) == 3
    assert reader.error is not None
    assert reader.feed(good) == []
