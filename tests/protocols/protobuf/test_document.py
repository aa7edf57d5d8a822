"""Messages to documents and back, against the runtime's own classes and JSON."""

import math
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from hypothesis import given
from hypothesis import strategies as st

from fieldline.protocols.protobuf.document import MAX_VALUES, DocumentReader, encode
from fieldline.protocols.protobuf.errors import NotDecodable, NotEncodable
from fieldline.protocols.protobuf.schema import compile_schema

SCHEMA = """syntax = "proto3";
package test;
message Phase { uint64 count = 1; optional string name = 2; Phase inner = 3; State state = 4;
  enum State { OFF = 0; ON = 1; } }
message Meter {
  double power = 1; float volts = 2; int32 a = 3; sint64 b = 4; uint64 c = 5; fixed32 d = 6;
  bool is_on = 7; string serial_number = 8; bytes raw = 9; State state = 10;
  enum State { UNKNOWN = 0; RUNNING = 1; }
  optional int64 maybe = 11; oneof either { string text = 12; int32 number = 13; }
  repeated int32 samples = 14; repeated Phase phases = 15;
  map<string, Phase> by_name = 16; map<int32, string> by_number = 17; map<bool, float> flags = 18;
  Phase phase = 19;
}
"""


def independent() -> Any:
    """Make the class of Meter by hand, as protoc would describe it."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="meter.proto", package="test", syntax="proto3")
    phase = file.message_type.add(name="Phase")
    phase.enum_type.add(name="State").value.add(name="OFF", number=0)
    phase.enum_type[0].value.add(name="ON", number=1)
    phase.field.add(name="count", number=1, type=kinds.TYPE_UINT64, label=1)
    phase.field.add(
        name="name", number=2, type=kinds.TYPE_STRING, label=1, proto3_optional=True, oneof_index=0
    )
    phase.oneof_decl.add(name="_name")
    phase.field.add(
        name="inner", number=3, type=kinds.TYPE_MESSAGE, type_name=".test.Phase", label=1
    )
    phase.field.add(
        name="state", number=4, type=kinds.TYPE_ENUM, type_name=".test.Phase.State", label=1
    )
    meter = file.message_type.add(name="Meter")
    meter.enum_type.add(name="State").value.add(name="UNKNOWN", number=0)
    meter.enum_type[0].value.add(name="RUNNING", number=1)
    for number, (name, kind) in enumerate(
        [
            ("power", kinds.TYPE_DOUBLE),
            ("volts", kinds.TYPE_FLOAT),
            ("a", kinds.TYPE_INT32),
            ("b", kinds.TYPE_SINT64),
            ("c", kinds.TYPE_UINT64),
            ("d", kinds.TYPE_FIXED32),
            ("is_on", kinds.TYPE_BOOL),
            ("serial_number", kinds.TYPE_STRING),
            ("raw", kinds.TYPE_BYTES),
        ],
        1,
    ):
        meter.field.add(name=name, number=number, type=kind, label=1)
    meter.field.add(
        name="state", number=10, type=kinds.TYPE_ENUM, type_name=".test.Meter.State", label=1
    )
    meter.field.add(
        name="maybe", number=11, type=kinds.TYPE_INT64, label=1, proto3_optional=True, oneof_index=1
    )
    meter.field.add(name="text", number=12, type=kinds.TYPE_STRING, label=1, oneof_index=0)
    meter.field.add(name="number", number=13, type=kinds.TYPE_INT32, label=1, oneof_index=0)
    meter.oneof_decl.add(name="either")
    meter.oneof_decl.add(name="_maybe")
    meter.field.add(name="samples", number=14, type=kinds.TYPE_INT32, label=3)
    meter.field.add(
        name="phases", number=15, type=kinds.TYPE_MESSAGE, type_name=".test.Phase", label=3
    )
    for name, number, key, value in (
        ("by_name", 16, kinds.TYPE_STRING, kinds.TYPE_MESSAGE),
        ("by_number", 17, kinds.TYPE_INT32, kinds.TYPE_STRING),
        ("flags", 18, kinds.TYPE_BOOL, kinds.TYPE_FLOAT),
    ):
        entry = meter.nested_type.add(name="".join(w.title() for w in name.split("_")) + "Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=key, label=1)
        entry.field.add(name="value", number=2, type=value, label=1)
        if value == kinds.TYPE_MESSAGE:
            entry.field[1].type_name = ".test.Phase"
        meter.field.add(
            name=name,
            number=number,
            type=kinds.TYPE_MESSAGE,
            type_name=f".test.Meter.{entry.name}",
            label=3,
        )
    meter.field.add(
        name="phase", number=19, type=kinds.TYPE_MESSAGE, type_name=".test.Phase", label=1
    )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("test.Meter"))


Meter = independent()
_OURS = compile_schema(SCHEMA).messages["Meter"]
_READER = DocumentReader(_OURS)

int32, int64 = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
uint64 = st.integers(0, 2**64 - 1)
# The runtime itself does not read back what it prints for the largest one.
floats32 = st.floats(width=32).filter(lambda value: not 3.4e38 < abs(value) < math.inf)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
phases = st.recursive(
    st.fixed_dictionaries(
        {}, optional={"count": uint64, "name": texts, "state": st.integers(0, 3)}
    ),
    lambda inner: st.fixed_dictionaries({"inner": inner}),
    max_leaves=3,
)
meters = st.fixed_dictionaries(
    {},
    optional={
        "power": st.floats(),
        "volts": floats32,
        "a": int32,
        "b": int64,
        "c": uint64,
        "d": st.integers(0, 2**32 - 1),
        "is_on": st.booleans(),
        "serial_number": texts,
        "raw": st.binary(max_size=8),
        "state": st.integers(0, 3),
        "maybe": int64,
        "samples": st.lists(int32, max_size=4),
        "phases": st.lists(phases, max_size=3),
        "by_number": st.dictionaries(int32, texts, max_size=3),
        "flags": st.dictionaries(st.booleans(), floats32, max_size=2),
        "phase": phases,
    },
)


@given(
    meters, st.one_of(st.just({}), st.fixed_dictionaries({"text": texts}), st.just({"number": 0}))
)
def test_a_document_is_what_the_runtime_prints(
    fields: dict[str, Any], either: dict[str, Any]
) -> None:
    message = Meter(**fields, **either)
    message.by_name["x"].SetInParent()
    payload = message.SerializeToString()
    document = _READER.read(payload)
    assert document == json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    assert _READER.read(encode(_OURS, document)) == document


def test_what_is_absent_stays_absent_and_defaults_are_there() -> None:
    assert _READER.read(b"") == {
        "power": 0.0,
        "volts": 0.0,
        "a": 0,
        "b": "0",
        "c": "0",
        "d": 0,
        "isOn": False,
        "serialNumber": "",
        "raw": "",
        "state": "UNKNOWN",
        "samples": [],
        "phases": [],
        "byName": {},
        "byNumber": {},
        "flags": {},
    }
    assert _READER.read(Meter(maybe=0, text="").SerializeToString())["maybe"] == "0"


@pytest.mark.parametrize("volts", [21.1, -0.0, 1e-45, 3.4028234663852886e38, 16777216.0, 1e10])
def test_a_float_is_its_shortest_decimal(volts: float) -> None:
    message = Meter(volts=volts)
    printed = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    assert _READER.read(message.SerializeToString())["volts"] == printed["volts"]


def test_text_loses_what_cannot_be_stored() -> None:
    payload = Meter(serial_number="a\0b", by_number={1: "\0"}).SerializeToString()
    document = _READER.read(payload)
    assert (document["serialNumber"], document["byNumber"]) == ("ab", {"1": ""})


@given(st.binary(max_size=200))
def test_bytes_are_a_message_or_an_error(payload: bytes) -> None:
    try:
        document = _READER.read(payload)
    except NotDecodable as error:
        assert error.message.startswith("The payload is not a Protobuf message Meter")  # noqa: PT017
    else:
        assert "power" in document


@pytest.mark.parametrize("payload", [b"\xff", b"\x0a\x05abc", b"\x42\x02\xff\xff", b'{"power": 1}'])
def test_what_is_no_message_is_named(payload: bytes) -> None:
    with pytest.raises(NotDecodable, match="not a Protobuf message Meter"):
        _READER.read(payload)


def test_a_small_payload_does_not_become_a_large_document() -> None:
    fields = "".join(f"int32 f{number} = {number};" for number in range(1, 101))
    text = f'syntax = "proto3"; message N {{ {fields} }} message M {{ repeated N n = 1; }}'
    reader = DocumentReader(compile_schema(text).last)
    assert len(reader.read(b"\x0a\0" * 500)["n"]) == 500
    with pytest.raises(NotDecodable, match=f"more than {MAX_VALUES} values"):
        reader.read(b"\x0a\0" * 32_000)


def test_messages_within_messages_have_an_end() -> None:
    payload = b""
    for _ in range(150):
        size = len(payload)
        payload = b"\x1a" + bytes([size & 127 | 128, size >> 7]) + payload
    size = len(payload)
    with pytest.raises(NotDecodable, match="MaxDepth"):
        _READER.read(b"\x9a\x01" + bytes([size & 127 | 128, size >> 7]) + payload)


@pytest.mark.parametrize(
    "document", [{"power": "much"}, {"unknown": 1}, {"phases": {}}, {"a": 2**40}, {"a": [1]}]
)
def test_a_document_that_does_not_fit_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(NotEncodable, match="does not fit the Protobuf message Meter"):
        encode(_OURS, document)
