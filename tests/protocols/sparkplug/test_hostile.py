"""Payloads that are well-formed Protobuf and anything else: each is read or refused."""

import contextlib
from math import isfinite
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fieldline.kit.json import dumps
from fieldline.kit.values import INT64_MAX, INT64_MIN
from fieldline.protocols.sparkplug.errors import MalformedPayload
from fieldline.protocols.sparkplug.node import EdgeNode
from fieldline.protocols.sparkplug.topics import MessageType as M
from tests.protocols.sparkplug import wire
from tests.protocols.sparkplug.wire import blob, death, payload, uint

numbers = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 127, 128, 255, 2**31, 2**32, 2**63])
types = st.integers(0, 40)
doubles = st.floats().map(lambda number: wire.value(wire.DOUBLE, number))
texts = st.binary(max_size=12) | st.just(b"x" * 300) | st.sampled_from([b"a", b"b", b"<b>"])


def message(*parts: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Return some of the fields, in any order and number."""
    return st.lists(st.one_of(*parts), max_size=6).map(b"".join)


def field(number: int, what: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.builds(blob, st.just(number), what)


def whole(number: int, what: st.SearchStrategy[int] = numbers) -> st.SearchStrategy[bytes]:
    return st.builds(uint, st.just(number), what)


def metrics_of(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Return a metric; ``inner`` is what may be in its template."""
    elements = message(whole(1), whole(2), whole(5), field(6, texts))
    rows = message(field(1, elements))
    data_set = message(whole(1), field(2, texts), whole(3, types), field(4, rows))
    parameter = message(field(1, texts), whole(2, types), whole(3), whole(4), field(8, texts))
    template = message(
        field(1, texts), field(2, inner), field(3, parameter), field(4, texts), whole(5)
    )
    simple = st.one_of(whole(10), whole(11), field(12, texts), doubles, whole(14), field(15, texts))
    value = st.one_of(simple, field(16, texts), field(17, data_set), field(18, template))
    head = st.builds(
        wire.metric,
        st.sampled_from(["", "a", "b", "bdSeq", "<b>", "x" * 300]),
        types,
        alias=st.none() | st.integers(0, 2),
        ts=st.none() | numbers,
        historical=st.booleans(),
        null=st.booleans(),
    )
    return st.builds(lambda *parts: b"".join(parts), head, value | st.just(b""))


metrics = metrics_of(metrics_of(metrics_of(st.just(b""))))
said = st.tuples(
    st.sampled_from([M.NBIRTH, M.NDATA, M.DBIRTH, M.DDATA, M.DDEATH, M.NDEATH]),
    st.lists(metrics, max_size=4),
    st.none() | st.integers(0, 256),
)
written: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["columns", "types", "rows", "metrics", "parameters", "name", "type", "value"]
            ),
            inner,
        )
    ),
    max_leaves=8,
)


@given(st.lists(said, max_size=6))
def test_what_is_read_can_be_stored(messages: list[tuple[M, list[bytes], int | None]]) -> None:
    node = EdgeNode(death())
    for kind, parts, seq in messages:
        report = None
        with contextlib.suppress(MalformedPayload):
            report = node.receive(kind, "D" if kind[0] == "D" else "", payload(parts, seq=seq), 0)
        for name, ts_ms, value, _ in report.samples if report else ():
            assert 0 < len(name) <= 255
            assert ts_ms is None or 0 < ts_ms <= INT64_MAX
            assert not isinstance(value, int) or INT64_MIN <= value <= INT64_MAX
            assert not isinstance(value, float) or isfinite(value)
            dumps(value)


@given(types, written)
def test_any_value_is_written_or_refused(datatype: int, value: object) -> None:
    node = EdgeNode(death())
    with contextlib.suppress(MalformedPayload):
        node.receive(M.NBIRTH, "", payload([wire.metric("t", datatype, None)], seq=0), 0)

    data, refused = node.command("", {"t": value}, 1)

    assert bool(data) != bool(refused)
    if data and not refused:
        node.receive(M.NDATA, "", payload(wire.read(data)[2], seq=1), 0)
