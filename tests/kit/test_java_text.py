"""Doubles as Java writes them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldline.kit.java_text import double_text, value_text
from fieldline.kit.values import JsonText, Value


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (21.0, "21.0"),
        (21.5, "21.5"),
        (-0.5, "-0.5"),
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1e10, "1.0E10"),
        (1.234e-5, "1.234E-5"),
        (0.001, "0.001"),
        (0.00099, "9.9E-4"),
        (9_999_999.0, "9999999.0"),
        (10_000_000.0, "1.0E7"),
        (12_345_678.9, "1.23456789E7"),
        (100.0, "100.0"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (5e-324, "5.0E-324"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (math.nan, "NaN"),
    ],
)
def test_writes_doubles_as_java_does(number: float, text: str) -> None:
    assert double_text(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_survives_its_text(number: float) -> None:
    assert float(double_text(number)) == number


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (21, "21"), ("on", "on"), (JsonText('{"a":1}'), '{"a":1}')],
)
def test_writes_every_type_as_text(value: Value, text: str) -> None:
    assert value_text(value) == text
