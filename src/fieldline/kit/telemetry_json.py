"""Values that come as JSON: from a device's payload to typed telemetry and attributes.

A number written without a decimal point is a long, one with a point a double, a string that reads
as a number is that number, and what no 64-bit type holds exactly stays text. An ordinary payload
takes the fast way (orjson, one look at the digits, one loop: 1.6 us for a smart meter's three
values); one with an exponent, 17 decimal places or 19 digits takes the exact way, in which
every number is read from its text.

Inside the result JSON objects and arrays are dicts and lists; :func:`stored_values` turns them into
``JsonText`` for the store.
Source: the value tables that ThingsBoard's device APIs share (MQTT, HTTP, CoAP, gateway, REST).
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from fieldline.kit.errors import Invalid
from fieldline.kit.json import dumps_text
from fieldline.kit.number_text import NumberText, double_or_long, exact, nested_number, number
from fieldline.kit.values import INT64_MAX, INT64_MIN, JsonText, Value

MAX_DEPTH = 200
"""Levels of nesting in a JSON value; orjson writes at most 254."""

Typed = dict[str, Any]
"""Key to bool, int, float, str, dict or list."""


class InvalidTimestamp(Invalid):
    """The ``ts`` of a reading is no time in ms."""


@dataclass(frozen=True, slots=True)
class TypingRules:
    """What differs between those who send values.

    Attributes:
        skip_nulls: leave a key out whose value is null, instead of refusing it.
        cast_strings: read a string that looks like a number as one.
        max_string_length: of a string value, in characters; 0 is unlimited.
    """

    skip_nulls: bool = True
    cast_strings: bool = True
    max_string_length: int = 0


DEVICE_RULES = TypingRules()
"""A device's payload: nulls are skipped."""
REST_RULES = TypingRules(skip_nulls=False)
"""ThingsBoard's REST API: a null is an error."""


def parse_telemetry(
    payload: bytes, now_ms: int, rules: TypingRules = DEVICE_RULES
) -> list[tuple[int, Typed]]:
    """Read telemetry: ``{"k": v}``, ``{"ts": ms, "values": {..}}``, or an array of these.

    Args:
        payload: JSON text in UTF-8.
        now_ms: the time of readings that carry none.
        rules: how values are typed.

    Returns:
        (ts_ms, values) in the order of the payload; ``[]`` gives none, ``{}`` one without values.

    Raises:
        InvalidTimestamp: a ``ts`` is not a number of ms in 64 bits.
        Invalid: not JSON, or none of these forms.
    """
    document = decode(payload)
    if type(document) is dict:
        return [_group(document, now_ms, rules)]
    return _groups(document, now_ms, rules)


def parse_attributes(payload: bytes, rules: TypingRules = DEVICE_RULES) -> Typed:
    """Read attributes: one JSON object.

    Raises:
        Invalid: not JSON, or not an object.
    """
    document = decode(payload)
    if type(document) is not dict:
        msg = f"Attributes must be a JSON object, not {_kind(document)}"
        raise Invalid(msg)
    return _type_values(document, rules)


def telemetry_groups(
    document: Any,  # noqa: ANN401 - JSON is any of its types
    now_ms: int,
    rules: TypingRules = REST_RULES,
) -> list[tuple[int, Typed]]:
    """Do as :func:`parse_telemetry` with a decoded document (:func:`decode`), left as it is."""
    if isinstance(document, dict):
        return [_group(_own(document), now_ms, rules)]
    if isinstance(document, list):
        document = [_own(element) for element in document]
    return _groups(document, now_ms, rules)


def typed_values(values: Mapping[str, Any], rules: TypingRules = REST_RULES) -> Typed:
    """Type the values of an already decoded object, which is left as it is.

    Raises:
        Invalid: a value breaks the rules.
    """
    return _type_values(dict(values), rules)


def stored_values(values: Typed) -> dict[str, Value]:
    """Return the values as the store takes them: JSON as compact text."""
    if not any(type(value) is dict or type(value) is list for value in values.values()):
        return values
    return {
        key: JsonText(dumps_text(value)) if isinstance(value, dict | list) else value
        for key, value in values.items()
    }


# What the fast way cannot read exactly: an exponent, 17 digits in a row (19 digits of a long, 17
# decimal places), an escaped NUL. Strings that look so come along, which costs time only. Finding
# it by a translation takes 0.35 us of a smart meter's payload, by a regular expression 0.9 us.
_DIGITS_ALIKE = bytes.maketrans(b"123456789E", b"000000000e")
_EXPONENT = b"0e"
_LONG_RUN = b"0" * 17
_NUL = b"\\u0000"
_ESCAPE = re.compile(r"\\u0000|\\.")
_SURE_DIGITS = 17
"""Characters of a number below which a long or a double surely holds it."""
_NUMBER_LIKE = re.compile(r"-?(?:\d+|\d*\.\d+)")
_INTEGER = re.compile(r"[+-]?\d{1,19}")
_FIRST_OF_NUMBER = frozenset("-.0123456789")


def decode(payload: bytes) -> Any:  # noqa: ANN401 - JSON is any of its types
    """Decode JSON as the functions above do, for :func:`telemetry_groups` to read.

    Raises:
        Invalid: not JSON.
    """
    shape = payload.translate(_DIGITS_ALIKE)
    if _EXPONENT in shape or _LONG_RUN in shape or _NUL in payload:
        return _decode_exactly(payload, NumberText, NumberText)
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        return _repaired(payload, error)


def decode_to_query(payload: bytes) -> Any:  # noqa: ANN401 - JSON is any of its types
    """Do as :func:`decode`, with each number that a plain one holds as that: filters compare them.

    Raises:
        Invalid: not JSON.
    """
    if _LONG_RUN in payload.translate(_DIGITS_ALIKE) or _NUL in payload:
        return _decode_exactly(payload, _plain_integer, _plain_float)
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        return _repaired(payload, error)


def _plain_integer(text: str) -> int | NumberText:
    return int(text) if len(text) < _SURE_DIGITS else NumberText(text)


def _plain_float(text: str) -> float | NumberText:
    return float(text) if len(text) < _SURE_DIGITS and "e" not in text.lower() else NumberText(text)


def _repaired(payload: bytes, error: orjson.JSONDecodeError) -> Any:  # noqa: ANN401
    """Decode what the fast way refused, if all that was wrong are bytes that are no UTF-8."""
    repaired = payload.decode("utf-8", "replace").encode()
    if repaired != payload:
        try:
            return orjson.loads(repaired)
        except orjson.JSONDecodeError as still:
            error = still
    msg = f"The payload is not JSON: {error}"
    raise Invalid(msg) from None


def _decode_exactly(
    payload: bytes, parse_int: Callable[[str], Any], parse_float: Callable[[str], Any]
) -> Any:  # noqa: ANN401 - JSON is any of its types
    """Decode with numbers made of their text."""
    text = payload.decode("utf-8", "replace")
    if "\\u0000" in text:
        text = _ESCAPE.sub(_drop_nul, text)
    try:
        document = json.loads(
            text, parse_int=parse_int, parse_float=parse_float, parse_constant=_refuse_constant
        )
        if "\\u" in text:
            orjson.dumps(document)  # refuses half a surrogate pair, which no UTF-8 can carry
    except RecursionError:
        msg = f"The payload is nested too deeply; {MAX_DEPTH} levels are possible"
        raise Invalid(msg) from None
    except (ValueError, TypeError) as error:
        msg = f"The payload is not JSON: {error}"
        raise Invalid(msg) from None
    return document


def _drop_nul(escape: re.Match[str]) -> str:
    return "" if escape[0] == "\\u0000" else escape[0]


def _refuse_constant(name: str) -> None:
    msg = f"{name} is not a JSON number"
    raise ValueError(msg)


def _groups(document: Any, now_ms: int, rules: TypingRules) -> list[tuple[int, Typed]]:  # noqa: ANN401
    if not isinstance(document, list):
        msg = f"Telemetry must be a JSON object or an array of objects, not {_kind(document)}"
        raise Invalid(msg)
    groups = []
    for element in document:
        if not isinstance(element, dict):
            msg = f"An element of a telemetry array must be an object, not {_kind(element)}"
            raise Invalid(msg)
        groups.append(_group(element, now_ms, rules))
    return groups


def _group(element: Typed, now_ms: int, rules: TypingRules) -> tuple[int, Typed]:
    if "values" in element and "ts" in element:
        values = element["values"]
        ts = element["ts"]
        if type(ts) is not int or not INT64_MIN <= ts <= INT64_MAX:
            ts = _timestamp(ts)
        if not isinstance(values, dict):
            msg = f"'values' must be an object of key and value, not {_kind(values)}"
            raise Invalid(msg)
        return ts, _type_values(values, rules)
    return now_ms, _type_values(element, rules)


def _timestamp(value: Any) -> int:  # noqa: ANN401 - whatever the device sent
    """Read a time that is not simply an int: a fraction is dropped, a string must be whole."""
    ts: int | None = None
    if isinstance(value, NumberText):
        decimal = exact(value)
        ts = int(decimal) if decimal.adjusted() < 19 else None
    elif isinstance(value, float):
        ts = int(value) if abs(value) < 2.0**63 else None
    elif isinstance(value, str) and _INTEGER.fullmatch(value):
        ts = int(value)
    if ts is None or not INT64_MIN <= ts <= INT64_MAX:
        msg = "'ts' must be a whole number of milliseconds since 1970 that fits 64 bits"
        raise InvalidTimestamp(msg)
    return ts


def _type_values(values: Typed, rules: TypingRules) -> Typed:
    """Type the values in place."""
    nulls: list[str] = []
    for key, value in values.items():
        kind = type(value)
        if kind is int:
            if not INT64_MIN <= value <= INT64_MAX:
                values[key] = number(str(value), may_be_text=rules.cast_strings)
        elif kind is bool:
            pass
        elif kind is float:
            values[key] = double_or_long(value)
        elif kind is str:
            values[key] = _string(key, value, rules)
        elif value is None:
            nulls.append(key)
        elif kind is NumberText:
            values[key] = number(value, may_be_text=rules.cast_strings)
        else:
            values[key] = _structure(value, 1)
    if nulls:
        _drop_nulls(values, nulls, rules)
    return values


def _string(key: str, text: str, rules: TypingRules) -> Value:
    """Keep a string, or read it as the number that it looks like."""
    if 0 < rules.max_string_length < len(text):
        msg = (
            f"The value of '{key[:255]}' has {len(text)} characters; "
            f"at most {rules.max_string_length} are possible"
        )
        raise Invalid(msg)
    if not rules.cast_strings or not text:
        return text
    first = text[0]
    if first not in _FIRST_OF_NUMBER and first.isascii():
        return text
    if _NUMBER_LIKE.fullmatch(text) is None:
        return text
    if not text.isascii():
        text = "".join(c if c in "-." else str(unicodedata.decimal(c)) for c in text)
    return number(text, may_be_text=rules.cast_strings)


def _structure(value: Any, depth: int) -> Any:  # noqa: ANN401 - JSON is any of its types
    """Return a nested JSON value: members that are null dropped, numbers as they are written."""
    if depth > MAX_DEPTH:
        msg = f"A JSON value is nested too deeply; {MAX_DEPTH} levels are possible"
        raise Invalid(msg)
    if isinstance(value, dict):
        return {k: _structure(v, depth + 1) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_structure(element, depth + 1) for element in value]
    if isinstance(value, NumberText):
        return nested_number(value)
    return value


def _drop_nulls(values: Typed, nulls: list[str], rules: TypingRules) -> None:
    if not rules.skip_nulls:
        msg = f"The value of '{nulls[0][:255]}' is null; leave the key out, or delete it"
        raise Invalid(msg)
    for key in nulls:
        del values[key]


def _own(document: Any) -> Any:  # noqa: ANN401 - JSON is any of its types
    """Return a copy of as much of a reading's document as typing changes in place."""
    if not isinstance(document, dict):
        return document
    return {k: dict(v) if k == "values" and isinstance(v, dict) else v for k, v in document.items()}


def _kind(value: Any) -> str:  # noqa: ANN401 - JSON is any of its types
    """Name a JSON type for a message."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float | NumberText):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"
