import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.packets import Connect, Packet
from fieldline.protocols.mqtt.reader import PacketReader
from tests.protocols.mqtt.strategies import VERSIONS, Mutation, connects, mutate, mutations, packets


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


@given(st.data())
def test_damaged_packets_raise_nothing_and_read_the_same_however_cut(data: st.DataObject) -> None:
    version = data.draw(VERSIONS)
    sent = data.draw(st.lists(packets(version), min_size=1, max_size=3))
    good = b"".join(encode(packet, version) for packet in sent)
    stream = mutate(good, data.draw(mutations()))
    whole, bytewise = PacketReader(version), PacketReader(version)

    at_once = whole.feed(stream)
    one_by_one = [p for i in range(len(stream)) for p in bytewise.feed(stream[i : i + 1])]

    if not any(type(packet) is Connect for packet in at_once):
        assert one_by_one == at_once
        assert (bytewise.error is None) == (whole.error is None)


@given(VERSIONS.flatmap(connects), mutations())
def test_damaged_connects_raise_nothing(packet: Connect, changes: list[Mutation]) -> None:
    reader = PacketReader()

    reader.feed(mutate(encode(packet, packet.version), changes))


@given(st.binary(max_size=200), st.sampled_from([0, 3, 4, 5]))
def test_random_bytes_raise_nothing(data: bytes, version: int) -> None:
    reader = PacketReader(version)

    reader.feed(data)


@pytest.mark.parametrize("version", [3, 4, 5])
def test_a_bad_packet_does_not_take_the_ones_before_it_along(version: int) -> None:
    good = bytes.fromhex("30 03 00 01 61") if version < 5 else bytes.fromhex("30 04 00 01 61 00")
    reader = PacketReader(version)

    packets_before = reader.feed(good * 3 + b"\x36\x00")

    assert len(packets_before) == 3
    assert reader.error is not None
    assert reader.feed(good) == []
