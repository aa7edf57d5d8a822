"""Values of every type, against a writer that knows the standard only."""

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldline.protocols.sparkplug import schema
from fieldline.protocols.sparkplug.arrays import MAX_BOOLEANS
from fieldline.protocols.sparkplug.datatypes import DataType
from fieldline.protocols.sparkplug.errors import MalformedPayload, NotWritable
from fieldline.protocols.sparkplug.values import SIMPLE_TYPES, read_value
from fieldline.protocols.sparkplug.writing import write_value
from tests.protocols.sparkplug import wire

T = DataType
floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
doubles = st.floats(allow_nan=False, allow_infinity=False)
# As the standard has it, a text ends before a zero byte in an array of strings.
texts = st.text(st.characters(blacklist_characters="\0", codec="utf-8"), max_size=20)


def whole(bits: int, *, signed: bool) -> st.SearchStrategy[int]:
    return (
        st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        if signed
        else st.integers(0, 2**bits - 1)
    )


WHOLE = {
    **{DataType[f"Int{bits}"]: whole(bits, signed=True) for bits in (8, 16, 32, 64)},
    **{DataType[f"UInt{bits}"]: whole(bits, signed=False) for bits in (8, 16, 32)},
    T.UInt64: st.integers(0, 2**63 - 1),
    T.DateTime: st.integers(0, 2**63 - 1),
}
SIMPLE: dict[DataType, st.SearchStrategy[Any]] = {
    **WHOLE,
    T.Float: floats,
    T.Double: doubles,
    T.Boolean: st.booleans(),
    T.String: texts,
    T.Text: texts,
    T.UUID: st.uuids().map(str),
}
BLOB = st.lists(st.integers(-128, 127), max_size=20)
ARRAYS: dict[DataType, st.SearchStrategy[Any]] = {
    DataType[f"{kind.name}Array"]: st.lists(values, max_size=9)
    for kind, values in SIMPLE.items()
    if kind not in {T.Text, T.UUID}
}
pairs = st.sampled_from(list(SIMPLE)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.none() | SIMPLE[kind])
)


@st.composite
def data_sets(draw: st.DrawFn) -> dict[str, Any]:
    kinds = draw(st.lists(st.sampled_from(list(SIMPLE)), max_size=4))
    rows = draw(st.lists(st.tuples(*(st.none() | SIMPLE[kind] for kind in kinds)), max_size=4))
    return {
        "columns": [draw(texts) for _ in kinds],
        "types": [kind.name for kind in kinds],
        "rows": [list(row) for row in rows],
    }


def _parts(
    more: st.SearchStrategy[tuple[DataType, Any]],
) -> st.SearchStrategy[list[dict[str, Any]]]:
    part = st.tuples(texts, more).map(
        lambda found: {"name": found[0], "type": found[1][0].name, "value": found[1][1]}
    )
    return st.lists(part, max_size=3)


def templates(metrics: st.SearchStrategy[tuple[DataType, Any]]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"isDefinition": st.booleans(), "parameters": _parts(pairs), "metrics": _parts(metrics)},
        optional={"templateRef": texts, "version": texts},
    )


structures = st.recursive(
    pairs | st.tuples(st.just(T.DataSet), data_sets()) | st.tuples(st.just(T.Bytes), BLOB),
    lambda inner: st.tuples(st.just(T.Template), templates(inner)),
    max_leaves=6,
)
anything = structures | st.sampled_from(list(ARRAYS)).flatmap(
    lambda kind: st.tuples(st.just(kind), ARRAYS[kind])
)


def parse(data: bytes) -> Any:
    return schema.Payload.FromString(wire.payload([data])).metrics[0]


@pytest.mark.parametrize("kind", SIMPLE, ids=lambda kind: kind.name)
def test_simple_values_are_read_as_the_standard_writes_them(kind: DataType) -> None:
    @given(SIMPLE[kind])
    def check(value: Any) -> None:
        found = read_value(parse(wire.metric("m", kind, value)), kind)
        assert found == value
        assert type(found) is type(value)

    check()


@pytest.mark.parametrize("kind", SIMPLE, ids=lambda kind: kind.name)
def test_simple_values_are_written_as_the_standard_reads_them(kind: DataType) -> None:
    @given(SIMPLE[kind])
    def check(value: Any) -> None:
        metric = schema.Metric()
        write_value(metric, kind, value)
        assert wire.read(metric.SerializeToString()) == wire.read(wire.value(kind, value))

    check()


@given(anything)
def test_what_is_written_is_read_back(pair: tuple[DataType, Any]) -> None:
    kind, value = pair
    metric = schema.Metric()

    write_value(metric, kind, value)

    assert read_value(schema.Metric.FromString(metric.SerializeToString()), kind) == value


# In the order of the standard, section 6.4.16
VECTORS = [
    (T.Int8Array, "e97b", [-23, 123]),
    (T.Int16Array, "d08adc30", [-30000, 12508]),
    (T.Int32Array, "3397efccb1", None),
    (T.Int32Array, "3397efcb15cd5b07", [-873490637, 123456789]),
    (T.UInt8Array, "17fa", [23, 250]),
    (T.UInt16Array, "3075dce0", [30000, 57564]),
    (T.BooleanArray, "0c00000034d0", [c == "1" for c in "001101001101"]),
    (T.StringArray, "4142430068656c6c6f00", ["ABC", "hello"]),
    (T.StringArray, "", []),
    (T.DateTimeArray, "c7d0907524010000b8bab89781010000", [1256102875335, 1656107875000]),
]


@pytest.mark.parametrize(("kind", "data", "value"), VECTORS)
def test_arrays(kind: DataType, data: str, value: list[Any] | None) -> None:
    metric = parse(wire.metric("m", kind, bytes.fromhex(data)))
    if value is None:
        with pytest.raises(MalformedPayload, match="cut off"):
            read_value(metric, kind)
        return

    assert read_value(metric, kind) == value
    written = schema.Metric()
    write_value(written, kind, value)
    assert written.bytes_value == bytes.fromhex(data)


def test_a_floating_value_that_is_not_finite_is_none() -> None:
    for value in (math.nan, math.inf, -math.inf):
        assert read_value(parse(wire.metric("m", T.Double, value)), T.Double) is None
    packed = struct.pack("<2f", 1.5, math.nan)
    assert read_value(parse(wire.metric("m", T.FloatArray, packed)), T.FloatArray) == [1.5, None]


def test_what_64_signed_bits_do_not_hold_is_its_digits() -> None:
    big = 2**64 - 1
    assert read_value(parse(wire.metric("m", T.UInt64, big)), T.UInt64) == str(big)
    metric = schema.Metric()
    write_value(metric, T.UInt64, str(big))
    assert metric.long_value == big


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (T.Int8, wire.uint(10, 0xFF), -1),  # the type's own two's complement
        (T.Int16, wire.uint(10, 0xFFFE), -2),
        (T.Int32, wire.uint(10, -5), -5),  # the ten bytes of a sign-extended varint
        (T.Int32, wire.uint(11, -5), -5),  # in the field of 64 bits
        (T.UInt32, wire.uint(11, 7), 7),
        (T.Double, wire.varint(12 << 3 | 5) + struct.pack("<f", 1.5), 1.5),
    ],
)
def test_other_ways_to_write_the_same(kind: DataType, raw: bytes, value: Any) -> None:
    assert read_value(parse(wire.metric("m", kind, raw=raw)), kind) == value


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (T.Int8, wire.uint(10, 300)),
        (T.Int8, wire.uint(10, -300 & 0xFFFFFFFF)),
        (T.UInt8, wire.uint(10, 256)),
        (T.Int32, wire.blob(15, b"5")),
        (T.UInt16, wire.uint(14, 1)),
        (T.Boolean, wire.uint(10, 1)),
        (T.String, wire.uint(10, 1)),
        (T.Double, wire.uint(10, 1)),
        (T.Bytes, wire.blob(15, b"5")),
        (T.Int16Array, wire.blob(15, b"5")),
        (T.DataSet, wire.blob(16, b"5")),
        (T.Template, wire.blob(16, b"5")),
        (T.StringArray, wire.blob(16, b"no end")),
        (T.BooleanArray, wire.blob(16, b"\x01")),
        (T.BooleanArray, wire.blob(16, struct.pack("<I", 9) + b"\xff")),
        (T.BooleanArray, wire.blob(16, struct.pack("<I", MAX_BOOLEANS + 1) + bytes(9000))),
        (T.DataSet, wire.blob(17, wire.blob(2, b"a"))),  # a column without a type
        (T.DataSet, wire.blob(17, wire.blob(2, b"a") + wire.uint(3, T.Template))),
        (T.DataSet, wire.blob(17, wire.blob(2, b"a") + wire.uint(3, 3) + wire.blob(4, b""))),
    ],
)
def test_values_that_are_not_of_their_type(kind: DataType, raw: bytes) -> None:
    with pytest.raises(MalformedPayload):
        read_value(parse(wire.metric("m", kind, raw=raw)), kind)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (T.Int8, 128),
        (T.Int8, True),
        (T.Int8, "x"),
        (T.Int32, 1.5),
        (T.UInt64, -1),
        (T.UInt64, 2**64),
        (T.Float, "1"),
        (T.Float, 1e39),
        (T.Double, True),
        (T.Boolean, 1),
        (T.String, [1]),
        (T.Bytes, [200]),
        (T.Bytes, "text"),
        (T.Bytes, 5),
        (T.Int8Array, [200]),
        (T.Int8Array, [True]),
        (T.Int8Array, 5),
        (T.FloatArray, ["x"]),
        (T.BooleanArray, [1]),
        (T.StringArray, ["a\0b"]),
        (T.DataSet, 5),
        (T.DataSet, {"columns": ["a"], "types": []}),
        (T.DataSet, {"columns": ["a"], "types": ["Template"]}),
        (T.DataSet, {"columns": [1], "types": ["Int32"]}),
        (T.DataSet, {"columns": ["a"], "types": ["Int32"], "rows": [[]]}),
        (T.DataSet, {"columns": ["a"], "types": ["Int32"], "rows": [["x"]]}),
        (T.Template, []),
        (T.Template, {"metrics": [5]}),
        (T.Template, {"metrics": [{"name": "a", "type": ["Int32"], "value": 1}]}),
        (T.Template, {"metrics": [{"name": "a", "type": "Int33", "value": 1}]}),
        (T.Template, {"parameters": [{"name": "a", "type": "Bytes", "value": []}]}),
        (T.Template, {"version": 5}),
        (35, 1),
    ],
)
def test_values_that_cannot_be_written(kind: int, value: Any) -> None:
    with pytest.raises(NotWritable):
        write_value(schema.Metric(), kind, value)


def test_templates_cannot_be_nested_without_end() -> None:
    value: dict[str, Any] = {}
    for _ in range(30):
        value = {"metrics": [{"name": "t", "type": "Template", "value": value}]}
    with pytest.raises(NotWritable, match="20 levels"):
        write_value(schema.Metric(), T.Template, value)


def test_numbers_and_booleans_are_written_as_texts_too() -> None:
    metric = schema.Metric()
    write_value(metric, T.String, 21)
    assert metric.string_value == "21"
    write_value(metric, T.Int32, 21.0)
    assert metric.int_value == 21


def test_every_type_has_a_reader_and_a_writer() -> None:
    assert {*SIMPLE} == SIMPLE_TYPES
    assert {*SIMPLE, *ARRAYS, T.Bytes, T.File, T.DataSet, T.Template} == {*DataType}
