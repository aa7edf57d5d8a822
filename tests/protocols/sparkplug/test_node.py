"""An edge node's births, order and commands."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldline.protocols.sparkplug.births import Sample
from fieldline.protocols.sparkplug.errors import MalformedPayload
from fieldline.protocols.sparkplug.node import (
    MAX_METRICS,
    REBIRTH_EVERY_MS,
    EdgeNode,
    Report,
    rebirth,
)
from fieldline.protocols.sparkplug.topics import MessageType as M
from tests.protocols.sparkplug import wire
from tests.protocols.sparkplug.wire import (
    BOOLEAN,
    DOUBLE,
    INT32,
    INT64,
    STRING,
    death,
    metric,
    payload,
)


class Node:
    """An edge node under test, at a time."""

    def __init__(self) -> None:
        self.node = EdgeNode(death(7))
        self.now_ms = 1_000_000

    def says(self, kind: M, *metrics: bytes, device: str = "", **head: Any) -> Report:
        report = self.node.receive(kind, device, payload(metrics, **head), self.now_ms)
        assert report is not None
        return report

    def is_born(self, *metrics: bytes) -> Report:
        return self.says(M.NBIRTH, metric("bdSeq", INT64, 7), *metrics, seq=0)


def values(report: Report) -> dict[str, Any]:
    return {sample.name: sample.value for sample in report.samples}


def test_a_birth_tells_names_that_data_leaves_out() -> None:
    node = Node()

    born = node.is_born(metric("t", DOUBLE, 1.5, alias=5, ts=10), metric("s", STRING, "x"))
    data = node.says(M.NDATA, metric(alias=5, datatype=-DOUBLE, given=2.5), seq=1, ts=20)

    assert born.samples == [Sample("t", 10, 1.5, False), Sample("s", None, "x", False)]
    assert born.numbers == {"NBIRTH seq": 0, "NBIRTH bdSeq": 7}
    assert data == Report([Sample("t", 20, 2.5, False)], {"NDATA seq": 1}, True, False)


def test_nulls_have_no_value_and_history_is_marked() -> None:
    node = Node()
    node.is_born(metric("t", INT32, null=True))

    data = node.says(
        M.NDATA, metric("t", null=True), metric("t", -INT32, 5, ts=3, historical=True), seq=1
    )

    assert data.samples == [Sample("t", 3, 5, True)]
    assert data.is_whole


def test_devices_have_aliases_of_their_own() -> None:
    node = Node()
    node.is_born(metric("t", INT32, 1, alias=1))
    node.says(M.DBIRTH, metric("h", INT32, 2, alias=1), device="D", seq=1)

    found = node.says(M.DDATA, metric(alias=1, datatype=-INT32, given=3), device="D", seq=2)

    assert values(found) == {"h": 3}


def test_before_a_birth_only_what_explains_itself_is_understood() -> None:
    node = Node()

    first = node.says(
        M.NDATA, metric("t", INT32, 1), metric(alias=4, datatype=INT32, given=2), seq=5
    )
    again = node.says(M.NDATA, metric("t", INT32, 1), seq=6)
    node.now_ms += 10_000
    later = node.says(M.DDATA, device="D", seq=7)

    assert (values(first), first.is_whole, first.wants_rebirth) == ({"t": 1}, False, True)
    assert (again.is_whole, again.wants_rebirth) == (False, False)
    assert (later.is_whole, later.wants_rebirth) == (False, True)


def test_an_alias_that_was_not_born() -> None:
    node = Node()
    node.is_born(metric("t", INT32, 1, alias=1))

    found = node.says(
        M.NDATA,
        metric(alias=1, datatype=-INT32, given=2),
        metric(alias=2, datatype=INT32, given=3),
        seq=1,
    )

    assert (values(found), found.is_whole, found.wants_rebirth) == ({"t": 2}, False, True)


def test_aliases_mean_what_the_last_birth_says() -> None:
    node = Node()
    node.is_born(metric("a", INT32, 1, alias=1), metric("b", STRING, "x", alias=2))
    node.is_born(metric("b", STRING, "y", alias=1), metric("c", DOUBLE, 0.5, alias=3))

    data = node.says(
        M.NDATA,
        metric(alias=1, datatype=-STRING, given="z"),
        metric(alias=2, datatype=-STRING, given="old"),
        metric(alias=3, datatype=-DOUBLE, given=1.5),
        seq=1,
    )

    assert (values(data), data.is_whole) == ({"b": "z", "c": 1.5}, False)


def test_an_alias_of_several_metrics_is_none() -> None:
    node = Node()
    node.is_born(*(metric(name, INT32, 1, alias=0) for name in "abc"), metric("d", INT32, alias=1))

    named = node.says(M.NDATA, metric("b", -INT32, 2, alias=0), seq=1)
    unnamed = node.says(M.NDATA, metric(alias=0, datatype=INT32, given=3), seq=2)
    written, refused = node.node.command("", {"a": 4, "d": 5}, 9)

    assert (values(named), named.is_whole) == ({"b": 2}, True)
    assert (values(unnamed), unnamed.is_whole) == ({}, False)
    assert [wire.read(each) for each in wire.read(written)[2]] == [
        wire.read(metric("a", INT32, 4, ts=9)),
        wire.read(metric("d", INT32, 5, alias=1, ts=9)),
    ]
    assert refused == {}


@pytest.mark.parametrize("name", ["x" * 256, "x" * 60_000, " ", "<b>", "a {{ b }}"])
def test_names_that_are_no_keys_leave_the_others(name: str) -> None:
    node = Node()

    born = node.is_born(metric(name, INT32, 1, alias=1), metric("t", INT32, 1, alias=2))
    data = node.says(
        M.NDATA,
        metric(alias=1, datatype=-INT32, given=2),
        metric(name, -INT32, 3),
        metric("t", -INT32, 4),
        seq=1,
    )

    assert (values(born), born.left_out) == ({"t": 1}, 1)
    assert (values(data), data.left_out, data.is_whole) == ({"t": 4}, 2, True)


def test_a_will_and_a_birth_that_do_not_fit_each_other() -> None:
    node = Node()
    node.says(M.NBIRTH, metric("bdSeq", INT64, 8), metric("t", INT32, 1), seq=0)

    assert node.says(M.NDATA, metric("t", -INT32, 2), seq=1).is_whole
    assert node.node.receive(M.NDEATH, "", death(6), 0) is None
    assert node.says(M.NDEATH, metric("bdSeq", INT64, 8)).numbers == {"NDEATH bdSeq": 8}


def test_a_gap_in_the_sequence_asks_for_rebirth_once() -> None:
    node = Node()
    node.is_born(metric("t", INT32, 1))

    gap = node.says(M.NDATA, metric("t", -INT32, 2), seq=2)
    after = node.says(M.NDATA, metric("t", -INT32, 3), seq=3)

    assert (values(gap), gap.is_whole, gap.wants_rebirth) == ({"t": 2}, False, True)
    assert (after.is_whole, after.wants_rebirth) == (True, False)


def test_who_always_counts_wrong_is_not_born_for_each_message() -> None:
    node = Node()
    asked = 0

    for _ in range(50):  # 5 s
        node.now_ms += 100
        node.is_born(metric("t", INT32, 1))
        asked += node.says(M.NDATA, metric("t", -INT32, 2), seq=0).wants_rebirth

    assert asked == 1


def test_a_gap_within_the_pause_is_asked_for_after_it() -> None:
    node = Node()
    node.is_born(metric("t", INT32, 1))
    node.says(M.NDATA, metric("t", -INT32, 2), seq=2)
    node.is_born(metric("t", INT32, 3))

    gap = node.says(M.NDATA, metric("t", -INT32, 4), seq=2)
    node.now_ms += REBIRTH_EVERY_MS
    after = node.says(M.NDATA, metric("t", -INT32, 5), seq=3)
    later = node.says(M.NDATA, metric("t", -INT32, 6), seq=4)

    assert (gap.is_whole, gap.wants_rebirth) == (False, False)
    assert (after.is_whole, after.wants_rebirth) == (True, True)
    assert not later.wants_rebirth


def test_a_birth_mends_what_went_amiss_in_the_pause() -> None:
    node = Node()
    node.says(M.NDATA, metric("t", INT32, 1), seq=5)
    node.says(M.NDATA, metric("t", INT32, 2), seq=9)
    node.is_born(metric("t", INT32, 3))
    node.now_ms += REBIRTH_EVERY_MS

    assert not node.says(M.NDATA, metric("t", -INT32, 4), seq=1).wants_rebirth


def test_the_sequence_goes_round_over_node_and_devices() -> None:
    node = Node()
    node.is_born(metric("t", INT32, 1))
    node.says(M.DBIRTH, metric("t", INT32, 1), device="D", seq=1)

    reports = [
        node.says(
            M.DDATA if seq % 2 else M.NDATA,
            metric("t", -INT32, seq),
            device="D" if seq % 2 else "",
            seq=seq % 256,
        )
        for seq in range(2, 600)
    ]

    assert all(report.is_whole for report in reports)


def test_messages_without_a_number_are_not_counted() -> None:
    node = Node()
    node.says(M.NBIRTH, metric("t", INT32, 1))

    assert node.says(M.NDATA, metric("t", -INT32, 2)).is_whole
    assert node.says(M.NDATA, metric("t", -INT32, 2), seq=9).is_whole


def test_a_new_birth_is_waited_for_by_the_devices_too() -> None:
    node = Node()
    node.is_born()
    node.says(M.DBIRTH, metric("t", INT32, 1), device="D", seq=1)

    node.is_born()

    assert node.says(M.DDATA, metric("t", -INT32, 1), device="D", seq=1).wants_rebirth


def test_a_device_that_died_is_to_be_born_again() -> None:
    node = Node()
    node.is_born()
    node.says(M.DBIRTH, metric("t", INT32, 1), device="D", seq=1)

    dead = node.says(M.DDEATH, device="D", seq=2)

    assert (dead.numbers, dead.is_whole) == ({"DDEATH seq": 2}, True)
    assert node.says(M.DDATA, metric("t", -INT32, 1), device="D", seq=3).wants_rebirth


def test_only_the_death_of_this_life_counts() -> None:
    node = Node()
    node.is_born(metric("t", INT32, 1))

    assert node.node.receive(M.NDEATH, "", death(6), 0) is None
    assert node.node.receive(M.NDEATH, "", payload(), 0) is None
    assert node.says(M.NDATA, metric("t", -INT32, 1), seq=1).is_whole
    assert node.says(M.NDEATH, metric("bdSeq", INT64, 7)).numbers == {"NDEATH bdSeq": 7}
    assert not node.says(M.NDATA, metric("t", -INT32, 1), seq=2).is_whole


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (M.NDATA, b"\xff"),
        (M.NDATA, b"\x12\x50"),
        (M.NDATA, payload(seq=256)),
        (M.NDATA, payload([metric("t", INT32, 1, ts=2**63)], seq=1)),
        (M.NDATA, payload([metric("t", INT32, raw=wire.blob(15, b"x"))], seq=1)),
        (M.NBIRTH, payload([metric("t")], seq=0)),
        (M.NBIRTH, payload([metric(alias=1, datatype=INT32)], seq=0)),
        (M.DBIRTH, payload([metric(datatype=INT32)], seq=1)),
        (M.NBIRTH, payload(seq=0) + wire.blob(4, b"SPBV1.0_COMPRESSED") + wire.blob(5, b"x")),
    ],
)
def test_malformed_payloads_change_nothing(kind: M, data: bytes) -> None:
    node = Node()
    node.is_born(metric("t", INT32, 1))

    with pytest.raises(MalformedPayload):
        node.node.receive(kind, "D" if kind is M.DBIRTH else "", data, 0)

    assert node.says(M.NDATA, metric("t", -INT32, 2), seq=1).is_whole


def test_a_device_with_an_endless_id() -> None:
    node = Node()
    node.is_born()

    with pytest.raises(MalformedPayload, match="at most 255 characters, not 256"):
        node.says(M.DBIRTH, device="x" * 256, seq=1)

    assert node.says(M.DBIRTH, device="x" * 255, seq=1).is_whole


@pytest.mark.parametrize("data", [b"", b"\xff", payload([metric("x", INT64, 1)])])
def test_a_will_must_be_a_death(data: bytes) -> None:
    with pytest.raises(MalformedPayload):
        EdgeNode(data)


def test_metrics_of_a_node_are_bounded() -> None:
    node = Node()
    many = [metric(f"{number}", INT32, null=True) for number in range(MAX_METRICS // 2)]
    node.is_born(*many)

    with pytest.raises(MalformedPayload, match="20000 metrics"):
        node.says(M.DBIRTH, *many, device="D", seq=1)

    assert node.says(M.DBIRTH, *many[:-9], device="D", seq=1).is_whole
    assert node.says(M.DBIRTH, *many[:-9], device="D", seq=2).is_whole, "it replaces the former"
    node.says(M.DDEATH, device="D", seq=3)
    assert node.says(M.DBIRTH, *many[:-9], device="E", seq=4).is_whole


def test_texts_that_are_not_utf_8_or_hold_zeros() -> None:
    node = Node()
    odd = wire.blob(1, b"n\0\xff") + wire.uint(4, STRING) + wire.blob(15, b"a\0\xffb")

    assert values(node.is_born(odd)) == {
        "n\N{REPLACEMENT CHARACTER}": "a\N{REPLACEMENT CHARACTER}b"
    }


def test_types_that_nobody_knows_have_no_value() -> None:
    node = Node()

    assert node.is_born(metric("t", 99, b"x"), metric("u", INT32, 1)).samples == [
        Sample("u", None, 1, False)
    ]


# Commands


def test_commands_have_the_type_and_the_alias_of_the_birth() -> None:
    node = Node()
    node.is_born(metric("t", DOUBLE, 1.0, alias=5), metric("on", BOOLEAN, False))

    data, refused = node.node.command("", {"t": 20, "on": True, "x": 1, "t2": 2}, 99)

    fields = wire.read(data)
    assert (fields[1], 3 in fields) == ([99], False)
    assert [wire.read(each) for each in fields[2]] == [
        wire.read(metric("t", DOUBLE, 20.0, alias=5, ts=99)),
        wire.read(metric("on", BOOLEAN, True, ts=99)),
    ]
    assert refused == {
        "x": "The edge node was born without a metric 'x'",
        "t2": "The edge node was born without a metric 't2'",
    }


def test_commands_that_cannot_be() -> None:
    node = Node()
    node.is_born(metric("on", BOOLEAN, False))

    assert node.node.command("", {"on": 5}, 0) == (b"", {"on": "A Boolean takes true or false"})
    assert node.node.command("D", {"on": True}, 0)[1] == {
        "on": "The device 'D' was born without a metric 'on'"
    }


def test_null_can_be_written() -> None:
    node = Node()
    node.is_born(metric("t", INT32, 1))

    data, _ = node.node.command("", {"t": None}, 9)

    [written] = wire.read(data)[2]
    assert wire.read(written) == wire.read(metric("t", INT32, ts=9, null=True))


def test_the_request_for_rebirth() -> None:
    [written] = wire.read(rebirth(9))[2]

    expected = metric("Node Control/Rebirth", BOOLEAN, True, ts=9)
    assert wire.read(written) == wire.read(expected)


# Anything at all

messages = st.lists(
    st.tuples(
        st.sampled_from([M.NBIRTH, M.NDATA, M.DBIRTH, M.DDATA, M.DDEATH, M.NDEATH]),
        st.sampled_from("AB"),
        st.lists(
            st.builds(
                metric,
                st.sampled_from(["", "a", "b", "bdSeq"]),
                st.sampled_from([INT32, -INT32, INT64]),
                st.integers(0, 9),
                alias=st.none() | st.integers(0, 3),
            ),
            max_size=4,
        ),
        st.none() | st.integers(0, 257),
    ),
    max_size=12,
)


@given(messages)
def test_any_order_of_messages_leaves_the_books_right(said: list[Any]) -> None:
    node = EdgeNode(death(0))
    for kind, device, metrics, seq in said:
        with contextlib.suppress(MalformedPayload):
            node.receive(kind, device if kind[0] == "D" else "", payload(metrics, seq=seq), 0)
        assert node._known == sum(birth.cost for birth in node._births.values())


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    node = EdgeNode(death(0))
    for kind in (M.NBIRTH, M.NDATA):
        with contextlib.suppress(MalformedPayload):
            node.receive(kind, "", data, 0)
