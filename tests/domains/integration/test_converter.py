"""Converters: what messages become, and what is said of those that become nothing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldline.domains.integration.configuration import ConverterConfiguration
from fieldline.domains.integration.converter import (
    MAX_PAYLOAD_BYTES,
    Converter,
    Uplink,
    timestamp_ms,
)
from fieldline.domains.integration.errors import ConversionFailed, InvalidIntegration
from fieldline.domains.integration.json_path import MAX_STEPS, Path
from fieldline.kit.errors import FieldlineError

NOW_MS = 1_700_000_000_000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def converter(**fields: Any) -> Converter:
    body = {"device_name": {"constant": "d"}} | fields
    return Converter(ConverterConfiguration.model_validate(body))


def convert(payload: object, topic: str = "a/b/c", **fields: Any) -> list[Uplink]:
    return converter(**fields).convert(topic, _data(payload), NOW_MS)


def _data(message: object) -> bytes:
    return message if isinstance(message, bytes) else json.dumps(message).encode()


def telemetry(message: object, **fields: Any) -> dict[str, Any]:
    (uplink,) = converter(**fields).convert("a/b/c", _data(message), NOW_MS)
    return uplink.telemetry


def test_name_and_type_come_from_payload_topic_or_constant() -> None:
    by_payload = convert(
        {"id": 7, "kind": "x", "t": 1}, device_name="$.id", device_type="$.kind", telemetry="$"
    )
    by_topic = convert(
        {"t": 1}, device_name={"topic_level": 1}, device_type={"topic_level": -1}, telemetry="$"
    )
    by_constant = convert({"t": 1}, device_type={"constant": "meter"}, telemetry="$")

    assert by_payload[0][:2] == ("7", "x")
    assert by_topic[0][:2] == ("b", "c")
    assert by_constant[0][:2] == ("d", "meter")


def test_values_are_listed_taken_from_an_object_or_keyed_by_the_message() -> None:
    listed = telemetry({"a": {"t": 1}, "u": 2}, telemetry={"x": "$.a.t", "y": "$.u", "z": "$.no"})
    whole = telemetry({"v": {"t": 1, "u": None, "w": [1]}}, telemetry="$.v")
    keyed = telemetry(21.5, telemetry=[{"key": {"topic_level": 2}, "value": "$"}])

    assert listed == {"x": 1, "y": 2}
    assert whole == {"t": 1, "w": [1]}
    assert keyed == {"c": 21.5}


def test_an_expression_that_may_find_several_gives_an_array() -> None:
    found = telemetry(
        {"a": [{"t": 1}, {"t": 2}]}, telemetry={"all": "$.a[*].t", "one": "$.a[-1].t"}
    )

    assert found == {"all": [1, 2], "one": 2}


def test_attributes_and_telemetry_of_a_message_are_one_uplink() -> None:
    (uplink,) = convert({"t": 1, "m": "x"}, telemetry={"t": "$.t"}, attributes={"model": "$.m"})

    assert uplink == Uplink("d", "default", NOW_MS, {"t": 1}, {"model": "x"})


def test_an_array_at_the_root_is_split_by_itself() -> None:
    found = convert([{"n": "a", "t": 1}, {"n": "b", "t": 2}], device_name="$.n", telemetry="$")

    assert [(each.device_name, each.telemetry["t"]) for each in found] == [("a", 1), ("b", 2)]


def test_items_may_look_at_the_message_around_them() -> None:
    found = convert(
        {"gw": "g", "rows": [{"t": 1}, {"x": 0}, {"t": 2}]},
        items="$.rows[?@.t]",
        device_name={"json_path": "$.gw", "of": "message"},
        telemetry="$",
    )

    assert [(each.device_name, each.telemetry) for each in found] == [
        ("g", {"t": 1}),
        ("g", {"t": 2}),
    ]


def test_an_item_without_values_is_left_out() -> None:
    found = convert([{"t": 1}, {"u": 2}], telemetry={"t": "$.t"})

    assert len(found) == 1


def test_text_is_a_payload_too() -> None:
    assert telemetry(b"ON\0", payload="text", telemetry={"state": "$"}) == {"state": "ON"}
    assert telemetry(b"21.5", telemetry={"t": "$"}) == {"t": 21.5}


def test_long_numbers_stay_exact_and_short_ones_can_be_compared() -> None:
    body = b'{"big": 123456789012345678901, "long": 9007199254740993, "rows": [{"v": 3}, {"v": 1}]}'

    found = telemetry(body, telemetry={"b": "$.big", "l": "$.long", "r": "$.rows[?@.v > 2].v"})

    assert found == {"b": "123456789012345678901", "l": 9007199254740993, "r": [3]}


@pytest.mark.parametrize(
    ("value", "form", "ms"),
    [
        (1_700_000_000, "auto", 1_700_000_000_000),
        (1_700_000_000.25, "auto", 1_700_000_000_250),
        (1_700_000_000_123, "auto", 1_700_000_000_123),
        (1_700_000_000_123_456, "auto", 1_700_000_000_123),
        (1_700_000_000_123_456_789, "auto", 1_700_000_000_123),
        ("1700000000", "auto", 1_700_000_000_000),
        ("2023-11-14T22:13:20Z", "auto", 1_700_000_000_000),
        ("2023-11-15T00:13:20.5+02:00", "iso8601", 1_700_000_000_500),
        ("2023-11-14 22:13:20", "iso8601", 1_700_000_000_000),
        (1_700, "ms", 1_700),
        (1.7, "s", 1_700),
        (1_700_999, "us", 1_700),
        (0, "s", 0),
    ],
)
def test_reads_times(value: object, form: str, ms: int) -> None:
    assert timestamp_ms(value, form) == ms


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("yesterday", "auto"),
        (-1, "auto"),
        (True, "auto"),
        ([1], "s"),
        ("2023-11-14T22:13:20Z", "ms"),
        (1_700_000_000, "iso8601"),
        (10**30, "ns"),
        ("1950-01-01T00:00:00Z", "iso8601"),
        ("nan", "s"),
        ("1_000", "s"),
    ],
)
def test_refuses_what_is_no_time(value: object, form: str) -> None:
    with pytest.raises(ConversionFailed, match="The timestamp is not"):
        timestamp_ms(value, form)


def test_a_message_without_a_time_has_that_of_its_arrival() -> None:
    for payload in ({"t": 1}, {"t": 1, "at": None}):
        (uplink,) = convert(payload, timestamp="$.at", telemetry={"t": "$.t"})
        assert uplink.ts_ms == NOW_MS


@pytest.mark.parametrize(
    ("payload", "fields", "message"),
    [
        (b"{", {"telemetry": "$"}, "The payload is not JSON"),
        (b"", {"telemetry": "$"}, "The payload is not JSON"),
        ({"t": 1}, {"telemetry": "$.v"}, "find no value"),
        ({"t": 1}, {}, "find no value"),
        ({"t": 1}, {"telemetry": "$.t"}, "must find an object"),
        ({"t": 1}, {"device_name": "$.id", "telemetry": "$"}, "has no device name"),
        ({"t": 1, "id": " "}, {"device_name": "$.id", "telemetry": "$"}, "has no device name"),
        ({"t": 1, "id": {}}, {"device_name": "$.id", "telemetry": "$"}, "must be a text"),
        ({"t": [1, 2]}, {"device_name": "$.t[*]", "telemetry": "$"}, "finds 2 values"),
        ({"t": 1}, {"device_name": {"topic_level": 9}, "telemetry": "$"}, "has 3 levels"),
        ({"t": 1, "at": "x"}, {"timestamp": "$.at", "telemetry": "$"}, "timestamp is not"),
        (b"1" * (MAX_PAYLOAD_BYTES + 1), {"telemetry": {"t": "$"}}, "bytes; at most"),
        # What could not be stored: nobody would be told where the rules find that out.
        ({"<b>": 1, "t": 1}, {"telemetry": "$"}, "'<b>' cannot be used: .*Key is malformed"),
        ({"": 1, "t": 1}, {"attributes": "$"}, "'' cannot be used: Key should be specified"),
        ({"k" * 256: 1}, {"telemetry": "$"}, "Key length must be equal or less than 255"),
        (
            {"t": 1, "k": "{{x}}"},
            {"telemetry": [{"key": "$.k", "value": "$.t"}]},
            "Key is malformed",
        ),
        ({"t": 1}, {"device_name": {"constant": "<b>"}, "telemetry": "$"}, "Device name is mal"),
        ({"t": 1}, {"device_name": {"constant": "d" * 256}, "telemetry": "$"}, "Device name len"),
        ({"t": 1}, {"device_type": {"constant": "t" * 256}, "telemetry": "$"}, "Device type len"),
    ],
)
def test_says_why_a_message_is_no_reading(
    payload: object, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(FieldlineError, match=message):
        convert(payload, **fields)


def test_an_expression_may_not_cost_too_much() -> None:
    wide = [[1] * 100] * (MAX_STEPS // 100 + 1)

    with pytest.raises(ConversionFailed, match="visit more than"):
        convert({"w": wide}, telemetry={"x": "$..[*]"})
    with pytest.raises(ConversionFailed, match="visit more than"):
        convert({"w": wide}, telemetry={"x": "$.w[?@[0] == 1]", "y": "$..[?@ > 0]"})


@pytest.mark.parametrize("path", ["$[?@[*]]", "$[?count(@.*) > 1]", "$[?$..a]", "$[?@[?@.a]]"])
def test_a_query_within_a_filter_names_one_place(path: str) -> None:
    with pytest.raises(InvalidIntegration, match="must name one place"):
        Path(path)


@pytest.mark.parametrize("path", ["$[?@.a < 1e400]", "$[?@.a == -1e400]"])
def test_a_number_beyond_a_double_is_no_expression(path: str) -> None:
    with pytest.raises(InvalidIntegration, match="no JSONPath expression"):
        Path(path)


def test_a_function_that_cannot_take_what_it_finds_is_an_error_of_the_message() -> None:
    with pytest.raises(ConversionFailed, match="cannot be applied"):
        convert([5], items="$", telemetry={"t": "$[?count(@) > 1]"})


def test_deep_nesting_is_an_error_and_no_crash() -> None:
    deep = b"[" * 5_000 + b"]" * 5_000

    with pytest.raises(FieldlineError):
        convert(deep, telemetry={"x": "$..a"})
    with pytest.raises(InvalidIntegration):
        Path("$" + "[?@[?" * 90 + "@" + "]]" * 90 + "]")


@given(JSON, st.sampled_from(["$", "$.a", "$[*]", "$..*", "$[0]", "$[?@.a > 1]", "$[-1:]"]))
def test_whatever_comes_it_is_converted_or_refused(document: Any, path: str) -> None:
    tried = converter(items=path, device_name="$..*", timestamp="$.a", telemetry={"x": path})

    try:
        found = tried.convert("a", json.dumps(document).encode(), NOW_MS)
    except FieldlineError:
        return
    assert found
    assert all(each.device_name and each.telemetry for each in found)


@given(st.binary(max_size=200))
def test_no_bytes_break_a_converter(payload: bytes) -> None:
    for form in ("json", "text"):
        try:
            found = converter(payload=form, telemetry={"x": "$"}).convert("a", payload, NOW_MS)
        except FieldlineError:
            continue
        assert all("\0" not in str(each.telemetry["x"]) for each in found)


# An expression has at most 500 characters, and json.dumps makes up to 12 of one.
_NAMES = st.text(
    st.characters(min_codepoint=0x20, exclude_categories=["Cs"]), min_size=1, max_size=40
)


@given(st.dictionaries(_NAMES, st.integers() | st.text(), min_size=1, max_size=5))
def test_a_singular_expression_finds_what_the_library_finds(document: dict[str, Any]) -> None:
    for name in document:
        path = Path(f"$[{json.dumps(name)}]")
        assert path.is_singular
        assert path.find(document) == [each.obj for each in path._compiled.finditer(document)]
        assert path.find([document]) == []


@given(st.lists(st.integers(), max_size=5), st.integers(-7, 7))
def test_indexes_count_from_both_ends(document: list[int], index: int) -> None:
    path = Path(f"$[{index}]")

    assert path.find(document) == [each.obj for each in path._compiled.finditer(document)]
