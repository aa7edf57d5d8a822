"""Values of device JSON: every row of the value tables, and what must hold for any payload."""

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldline.kit.errors import Invalid
from fieldline.kit.telemetry_json import (
    REST_RULES,
    InvalidTimestamp,
    TypingRules,
    parse_attributes,
    parse_telemetry,
    stored_values,
    telemetry_groups,
    typed_values,
)
from fieldline.kit.values import INT64_MAX, INT64_MIN, JsonText

NOW_MS = 1_700_000_000_000


def typed(text: str, rules: TypingRules | None = None) -> object:
    payload = f'{{"k":{text}}}'.encode()
    return parse_attributes(payload, rules or TypingRules())["k"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("false", False),
        ("5", 5),
        ("-3", -3),
        ("-0", 0),
        ("1e3", 1000),
        ("1.5e3", 1500),
        ("5E0", 5),
        ("15e-1", 1.5),
        ("1.5e-3", 0.0015),
        ("9223372036854775807", INT64_MAX),
        ("-9223372036854775808", INT64_MIN),
        ("9.223372036854775807e18", INT64_MAX),
        ("9223372036854775808", "9223372036854775808"),
        ("18446744073709551616", "18446744073709551616"),
        ("1e25", "1" + "0" * 25),
        ("10.0", 10.0),
        ("1.50", 1.5),
        ("-0.0", 0.0),
        ("9999999.0", 9999999.0),
        ("10000000.0", 10000000),
        ("12345678.0", 12345678),
        ("-12345678.0", -12345678),
        ("12345678.5", 12345678.5),
        ("12345678901234567890.0", "12345678901234567000"),
        ("0.1234567890123456", 0.1234567890123456),
        ("0.30000000000000004", "0.30000000000000004"),
        ("0.05500000000000001", "0.05500000000000001"),
        ("0.00476416302416414", 0.00476416302416414),
        ("1.00000000000000000", 1.0),
        ("1e-16", 1e-16),
        ("1e-17", 1e-17),
        ("1.234567890123456789e-3", "0.001234567890123456789"),
        ("0e5", 0),
        ('"5"', 5),
        ('"007"', 7),
        ('"1.50"', 1.5),
        ('"-3"', -3),
        ('".5"', 0.5),
        ('"-.5"', -0.5),
        ('"12345678.0"', 12345678),
        ('"٣"', 3),
        ('"0.30000000000000004"', "0.30000000000000004"),
        ('"99999999999999999999"', "99999999999999999999"),
        ('"1e5"', "1e5"),
        ('"+5"', "+5"),
        ('" 5"', " 5"),
        ('"5."', "5."),
        ('"."', "."),
        ('"-"', "-"),
        ('"1.2.3"', "1.2.3"),
        ('"0x1F"', "0x1F"),
        ('"--5"', "--5"),
        ('""', ""),
        ('"true"', "true"),
        ('"NaN"', "NaN"),
        ('"a\\u0000b"', "ab"),
        ('"a\\\\u0000b"', "a\\u0000b"),
        ('{"a":null,"b":[null]}', {"b": [None]}),
        ('{"a":{"b":null}}', {"a": {}}),
        ("[1,2.5,null]", [1, 2.5, None]),
        ('{"a":1e3,"b":123456789012345678901}', {"a": 1000.0, "b": "123456789012345678901"}),
        ('{"a":"5"}', {"a": "5"}),
    ],
)
def test_types_a_value_as_the_table_says(text: str, expected: object) -> None:
    value = typed(text)

    assert value == expected
    assert type(value) is type(expected)


def test_negative_zero_is_zero() -> None:
    assert math.copysign(1.0, float(str(typed("-0.0")))) == 1.0


@pytest.mark.parametrize("text", ["1e999999999", "1e-999999999", "1e401", "[1e999999999]"])
def test_refuses_an_exponent_that_would_fill_the_memory(text: str) -> None:
    with pytest.raises(Invalid, match="exponent"):
        typed(text)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"5",
        b'"text"',
        b"true",
        b"not json",
        b"{'k': 1}",
        b'{"k": NaN}',
        b'{"k": Infinity}',
        b'{"k": NaN, "l": 1e3}',
        b'{"k": 01}',
        b'{"k": 1} x',
        b'{"k": 1,}',
        b'{"k": "\\ud800"}',
        b'{"k": "\\ud800", "l": 1e3}',
        b'{"k": 1',
        b"[" * 100_000,
        b'{"k":' * 100_000,
        b'{"k":1e3,"l":' + b"[" * 100_000,
        b'{"k":' + b"[" * 300 + b"]" * 300 + b"}",
        b'{"k":1e3,"l":' + b"[" * 300 + b"]" * 300 + b"}",
    ],
)
def test_refuses_what_is_not_a_reading(payload: bytes) -> None:
    with pytest.raises(Invalid):
        parse_telemetry(payload, NOW_MS)
    with pytest.raises(Invalid):
        parse_attributes(payload)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b'{"k":1}', [(NOW_MS, {"k": 1})]),
        (b'{"ts":5,"values":{"k":1}}', [(5, {"k": 1})]),
        (b'{"ts":5,"values":{"k":1},"other":2}', [(5, {"k": 1})]),
        (b'{"ts":5,"temperature":1}', [(NOW_MS, {"ts": 5, "temperature": 1})]),
        (b'{"values":{"k":1}}', [(NOW_MS, {"values": {"k": 1}})]),
        (b'[{"k":1},{"ts":5,"values":{"k":2}}]', [(NOW_MS, {"k": 1}), (5, {"k": 2})]),
        (b"[]", []),
        (b"{}", [(NOW_MS, {})]),
        (b"[{}]", [(NOW_MS, {})]),
        (b'{"k":1,"k":2}', [(NOW_MS, {"k": 2})]),
        (b'{"k":null,"l":1}', [(NOW_MS, {"l": 1})]),
        (b'{"k":"\xff"}', [(NOW_MS, {"k": "�"})]),
        (b'{"\xff":1e3}', [(NOW_MS, {"�": 1000})]),
    ],
)
def test_reads_every_form_of_telemetry(payload: bytes, expected: object) -> None:
    assert parse_telemetry(payload, NOW_MS) == expected


@pytest.mark.parametrize(
    "payload", [b"[1]", b"[[]]", b"[null]", b'[{"k":1}, "x"]', b'{"ts":5,"values":[]}']
)
def test_refuses_telemetry_of_another_structure(payload: bytes) -> None:
    with pytest.raises(Invalid):
        parse_telemetry(payload, NOW_MS)


@pytest.mark.parametrize(
    ("ts", "expected"),
    [
        ("1718000000000", 1718000000000),
        ("1718000000000.9", 1718000000000),
        ("-1.5", -1),
        ("1.718e12", 1718000000000),
        ('"1718000000000"', 1718000000000),
        ('"-5"', -5),
        ("0", 0),
        ("-1", -1),
        ("9223372036854775807", INT64_MAX),
    ],
)
def test_reads_a_time(ts: str, expected: int) -> None:
    payload = f'{{"ts":{ts},"values":{{"k":1}}}}'.encode()

    assert parse_telemetry(payload, NOW_MS) == [(expected, {"k": 1})]


@pytest.mark.parametrize(
    "ts",
    [
        '"1718000000000.5"',
        '"1e3"',
        '" 5"',
        '"5_0"',
        '"abc"',
        '""',
        "true",
        "null",
        "{}",
        "[5]",
        "[1,2]",
        "9223372036854775808",
        "18446744073709551615",
        "1e30",
        "1e18446744073709551615",
        '"99999999999999999999"',
    ],
)
def test_refuses_what_is_no_time(ts: str) -> None:
    payload = f'{{"ts":{ts},"values":{{"k":1}}}}'.encode()

    with pytest.raises(Invalid) as caught:
        parse_telemetry(payload, NOW_MS)

    assert isinstance(caught.value, InvalidTimestamp) or "exponent" in caught.value.message


@pytest.mark.parametrize("payload", [b"[]", b'[{"k":1}]', b"5"])
def test_attributes_must_be_an_object(payload: bytes) -> None:
    with pytest.raises(Invalid, match="object"):
        parse_attributes(payload)


def test_a_string_over_the_limit_is_refused_before_it_is_cast() -> None:
    rules = TypingRules(max_string_length=3)

    assert typed('"123"', rules) == 123
    with pytest.raises(Invalid, match="at most 3"):
        typed('"1234"', rules)


def test_without_casting_strings_stay_and_too_many_digits_are_refused() -> None:
    rules = TypingRules(cast_strings=False)

    assert typed('"5"', rules) == "5"
    with pytest.raises(Invalid, match="64 bits"):
        typed("9223372036854775808", rules)


def test_rest_refuses_null() -> None:
    with pytest.raises(Invalid, match="null"):
        parse_attributes(b'{"k":null}', REST_RULES)


def test_decoded_documents_are_typed_alike_and_left_alone() -> None:
    document = {"ts": "5", "values": {"k": "7", "l": 2**70, "n": None}}

    groups = telemetry_groups([document], NOW_MS, TypingRules())

    assert groups == [(5, {"k": 7, "l": str(2**70)})]
    assert document["values"] == {"k": "7", "l": 2**70, "n": None}
    assert typed_values({"k": "1.5"}) == {"k": 1.5}


def test_json_is_stored_as_compact_text() -> None:
    stored = stored_values({"a": {"b": [1, None]}, "c": 1})

    assert stored == {"a": '{"b":[1,null]}', "c": 1}
    assert type(stored["a"]) is JsonText


def test_thousands_of_nulls_are_dropped() -> None:
    payload = json.dumps({str(i): None for i in range(10_000)}).encode()

    assert parse_attributes(payload) == {}


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.binary(max_size=200))
def test_never_raises_anything_but_invalid(payload: bytes) -> None:
    with contextlib.suppress(Invalid):
        parse_telemetry(payload, NOW_MS)


@given(documents)
def test_any_json_is_read_or_refused(document: object) -> None:
    payload = json.dumps(document).encode("utf-8", "replace")

    try:
        groups = parse_telemetry(payload, NOW_MS)
    except Invalid:
        return

    for ts_ms, values in groups:
        assert INT64_MIN <= ts_ms <= INT64_MAX
        for value in stored_values(values).values():
            assert type(value) in {bool, int, float, str, JsonText}
            assert type(value) is not int or INT64_MIN <= value <= INT64_MAX
            assert type(value) is not float or math.isfinite(value)


@given(st.integers(INT64_MIN, INT64_MAX))
def test_every_long_comes_back(value: int) -> None:
    assert typed(str(value)) == value
    assert typed(f'"{value}"') == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_stays_the_number_that_it_is(value: float) -> None:
    result = typed(repr(value))

    assert isinstance(result, int | float | str)
    assert float(result) == value


@given(documents)
def test_typing_again_changes_nothing(document: object) -> None:
    payload = json.dumps({"k": document}).encode("utf-8", "replace")
    try:
        once = parse_attributes(payload)
    except Invalid:
        return

    assert typed_values(once) == once


@given(
    st.from_regex(r"-?(0|[1-9][0-9]{0,22})(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
)
def test_the_fast_way_and_the_exact_way_agree(text: str) -> None:
    with_exact = f'{{"k":{text},"other":1e0}}'.encode()
    try:
        exact = parse_attributes(with_exact)["k"]
    except Invalid:
        return

    assert typed(text) == exact
    assert type(typed(text)) is type(exact)
