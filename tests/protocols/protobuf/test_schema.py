"""Schemas as text: what is one, and what is said of what is none."""

import string

import pytest
from google.protobuf import descriptor_pb2
from hypothesis import given
from hypothesis import strategies as st

from fieldline.protocols.protobuf.document import DocumentReader
from fieldline.protocols.protobuf.errors import SchemaError
from fieldline.protocols.protobuf.schema import (
    MAX_FIELDS_OF_MANY,
    MAX_LENGTH,
    MAX_TYPES,
    compile_schema,
    fields_of,
)

HEAD = 'syntax = "proto3";\n'

EVERYTHING = """
// a comment; /* in a comment
syntax = "proto3";
package a.b; /* one
over lines */
option java_package = "x" ;
enum Outer { OUT_0 = 0; OUT_1 = 0x1; option allow_alias = true; OUT_ONE = 1 [deprecated = true]; }
message First {
  message Inner {
    Kind kind = 1;
    enum Kind { NONE = 0; LESS = -5; reserved 3, 5 to 9; reserved "GONE"; }
    repeated string texts = 2;
  }
  optional Inner inner = 1;
  map<string, Inner> by_name = 2;
  oneof choice { string message = 3; bytes raw = 4; }
  repeated .a.b.First again = 5;
  b.First self = 6;
  option deprecated = true;
  string odd = 7 [deprecated = true, (x.y).z = {a: {b: 1}}, json_name = "renamed"];
  reserved 9, 20 to max; reserved "gone";
  fixed32 fixed = 010;
  Inner.Kind kind = 11;
}
message Last { Outer outer = 1; sint64 enum = 2; ; }
"""


def test_every_kind_of_declaration_is_read() -> None:
    schema = compile_schema(EVERYTHING)
    assert list(schema.messages) == ["First", "Last"]
    assert schema.last.DESCRIPTOR.full_name == "a.b.Last"
    found = descriptor_pb2.DescriptorProto()
    schema.messages["First"].DESCRIPTOR.CopyToProto(found)
    fields = {field.name: field for field in found.field}
    kinds = descriptor_pb2.FieldDescriptorProto
    assert {name: field.number for name, field in fields.items()} == {
        "inner": 1,
        "by_name": 2,
        "message": 3,
        "raw": 4,
        "again": 5,
        "self": 6,
        "odd": 7,
        "fixed": 8,
        "kind": 11,
    }
    assert fields["inner"].proto3_optional
    assert fields["inner"].type_name == ".a.b.First.Inner"
    assert fields["by_name"].type_name == ".a.b.First.ByNameEntry"
    assert fields["again"].label == kinds.LABEL_REPEATED
    assert fields["self"].type_name == ".a.b.First"
    assert fields["kind"].type == kinds.TYPE_ENUM
    assert [oneof.name for oneof in found.oneof_decl] == ["choice", "_inner"]
    assert [fields[name].oneof_index for name in ("message", "raw", "inner")] == [0, 0, 1]
    assert schema.messages["First"].DESCRIPTOR.fields_by_name["odd"].json_name == "renamed"


def test_the_last_message_is_the_payload_also_when_an_enum_follows() -> None:
    schema = compile_schema(
        HEAD + "message A { int32 a = 1; } message B { int32 b = 1; } enum E { X = 0; }"
    )
    assert fields_of(schema.last) == {"b"}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, 'begins with syntax = "proto3"'),
        ('syntax = "proto2";', 1, "not 'proto2'"),
        (HEAD, 0, "no message"),
        (HEAD + 'import "other.proto";\nmessage M {}', 2, "imports are not possible"),
        (HEAD + "message M {}\nservice S {}", 3, "services"),
        (HEAD + "extend M {}", 2, "extensions"),
        (HEAD + "message M {\n required int32 a = 1; }", 3, "proto2"),
        (HEAD + "message M {\n string a 1;\n}", 3, "expected '=' and a number after field a"),
        (HEAD + "message M {\n string a = 1\n}", 4, "expected ';' after field a, found '}'"),
        (HEAD + "message M {\n string a = b; }", 3, "the whole number of field a"),
        (HEAD + "message M {\n string a = 099; }", 3, "the whole number of field a"),
        (HEAD + "message M {\n string a = 99999999999999; }", 3, "too large"),
        (HEAD + "message M { string a = 1;", 2, "'}' at the end of message M, found the end"),
        (HEAD + "message M {\n Foo a = 1; }", 3, "no type 'Foo'"),
        (HEAD + "message M {\n google.protobuf.Any a = 1; }", 3, "imports are not possible"),
        (
            HEAD + "message M { map<string, int32> foo = 1;\n FooEntry a = 2; }",
            3,
            "no type 'FooEntry'",
        ),
        (HEAD + "message M { string a = 1;\n int32 b = 1; }", 3, "a and b have one number, 1"),
        (HEAD + "message M { string a = 1;\n int32 a = 2; }", 3, "'M.a' is there twice"),
        (HEAD + "message M { string a_b = 1;\n int32 aB = 2; }", 3, "one name in JSON, 'aB'"),
        (HEAD + "message M {}\nmessage M {}", 3, "'M' is there twice"),
        (HEAD + "message M {\n string a = 0; }", 3, "possible are 1 to 536870911"),
        (HEAD + "message M {\n string a = 19500; }", 3, "without 19000 to 19999"),
        (
            HEAD + "message M { reserved 1 to 3;\n string a = 2; }",
            3,
            "the number 2 of a is reserved",
        ),
        (HEAD + 'message M { reserved "a";\n string a = 2; }', 3, "the name 'a' is reserved"),
        (HEAD + "message M {\n string HasField = 1; }", 3, "rename it"),
        (HEAD + "message M {\n string a = 1 [default = 'x']; }", 3, "proto2"),
        (HEAD + "message M {\n map<double, string> a = 1; }", 3, "type of a map's keys"),
        (HEAD + "message M {\n repeated map<int32, string> a = 1; }", 3, "name of a field"),
        (HEAD + "message M {\n oneof o { repeated int32 a = 1; } }", 3, "has no 'repeated'"),
        (HEAD + "message M {\n oneof o { } }", 3, "oneof o has no field"),
        (HEAD + "message M {}\nenum E { A = 1; }", 3, "must be 0"),
        (HEAD + "message M {}\nenum E { }", 3, "must be 0"),
        (HEAD + "message M {}\nenum E { A = 0;\n B = 0; }", 4, "A and B have one number"),
        (HEAD + "message M {}\nenum E { A = 0;\n B = 4294967296; }", 4, "does not fit 32 bits"),
        (HEAD + "message M {}\nenum E { A = 0; } enum F {\n A = 0; }", 4, "'A' is there twice"),
        (HEAD + "package google.protobuf; message Any {}", 0, "runtime's own"),
        (HEAD + "message M { string a = 1; }\n/* no end", 3, "has no */"),
        (HEAD + 'message M {\n string a = 1 [json_name = "x\n"]; }', 3, "no end in its line"),
        (HEAD + "message M {\n string ä = 1; }", 3, "is not part of a schema"),
        (HEAD + "message A { " * 33 + "}" * 33, 2, "more than 32 levels"),
        (HEAD + "x" * MAX_LENGTH, 0, f"at most {MAX_LENGTH} are possible"),
        (
            HEAD + "".join(f"message M{i} {{}}\n" for i in range(MAX_TYPES + 1)),
            202,
            "more than 200",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(SchemaError) as caught:
        compile_schema(text)
    assert said in caught.value.message
    assert caught.value.line == line


def test_what_is_optional_needs_no_name_of_its_own() -> None:
    text = HEAD + "message M { int32 _c = 1; optional int32 c = 2; oneof X_c { int32 d = 3; } }"
    message = compile_schema(text).last
    assert fields_of(message) == {"_c", "c", "d"}
    assert message.DESCRIPTOR.fields_by_name["c"].has_presence


def test_names_of_the_runtime_harm_nothing_within_a_message() -> None:
    text = HEAD + (
        "message M { enum E { FromString = 0; HasField = 1; } message Clear { int32 a = 1; }"
        " oneof DESCRIPTOR { E e = 1; } Clear c = 2; }"
    )
    reader = DocumentReader(compile_schema(text).last)
    assert reader.read(b"\x08\x01\x12\x00") == {"e": "HasField", "c": {"a": 0}}


def test_a_message_of_many_may_not_be_large() -> None:
    fields = "".join(f"string f{number} = {number};" for number in range(1, MAX_FIELDS_OF_MANY + 2))
    large = HEAD + f"message Large {{ {fields} }}\n"
    compile_schema(large + "message M { Large one = 1; }")
    for many in (
        "message M { repeated Large all = 1; }",
        "message M { map<string, Large> all = 1; }",
        "message Between { Large one = 1; } message M { repeated Between all = 1; }",
    ):
        with pytest.raises(SchemaError, match="message Large has 129 fields") as caught:
            compile_schema(large + many)
        assert caught.value.line == 2


_PIECES = st.sampled_from(
    [*EVERYTHING.split(), *string.punctuation, "message", "{", "}", ";", "\n", "9" * 40, "\0"]
)


@given(st.lists(_PIECES, max_size=60), st.integers(0, 80))
def test_no_text_is_answered_by_anything_but_an_error_with_a_line(
    pieces: list[str], at: int
) -> None:
    words = EVERYTHING.split(" ")
    for text in (HEAD + " ".join(pieces), " ".join([*words[:at], *pieces, *words[at:]])):
        try:
            schema = compile_schema(text)
        except SchemaError as error:
            assert error.line <= text.count("\n") + 1  # noqa: PT017 - one of two outcomes
        else:
            assert schema.messages
