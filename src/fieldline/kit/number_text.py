"""Numbers by their text: which of long, double and plain text holds one exactly.

Source: the value tables that ThingsBoard's device APIs share, with one difference: of more than 16
decimal places up to 15 significant digits are a double too, since a double holds them exactly.
"""

from decimal import Decimal

from fieldline.kit.errors import Invalid
from fieldline.kit.values import INT64_MAX, INT64_MIN

MAX_EXPONENT = 400
"""Largest exponent of a number, either sign; 1e999999999 written out would be a gigabyte."""

MAX_PLACES = 16
"""Decimal places up to which a number is always a double."""

_ORDINARY_LENGTH = 40
"""Characters of a number that is read without ``Decimal``; more are rare, or too small a double."""

_LONG_LENGTH = 18
"""Digits, or a sign and digits, that surely fit 64 bits."""

EXACT_DIGITS = 15
"""Significant digits that a double holds exactly whatever its magnitude (DBL_DIG)."""

LONG_FROM = 1e7
"""From here on a double without a fraction is stored as a long."""

_INFINITIES = frozenset({float("inf"), float("-inf")})


class NumberText(str):
    """The text of a number, as JSON writes it."""

    __slots__ = ()


def number(text: str, *, may_be_text: bool = True) -> int | float | str:
    """Type a number by its text: long, double, or the plain text of what neither holds.

    Raises:
        Invalid: the exponent is out of bounds, or a number that only text can hold meets
            ``may_be_text`` off.
    """
    if len(text) <= _ORDINARY_LENGTH and "e" not in text and "E" not in text:
        whole, point, places = text.partition(".")
        if len(whole) <= _LONG_LENGTH and (
            len(places) <= MAX_PLACES or len((whole + places).strip("-0")) <= EXACT_DIGITS
        ):
            return double_or_long(float(text)) if point else int(text)
    return _unusual_number(text, may_be_text=may_be_text)


def _unusual_number(text: str, *, may_be_text: bool) -> int | float | str:
    """Type a number of many digits or with an exponent."""
    decimal = exact(text)
    _, digits, exponent = decimal.as_tuple()
    significant = "".join(map(str, digits)).lstrip("0")
    zeros = len(significant) - len(significant.rstrip("0"))
    is_whole = not significant or int(exponent) + zeros >= 0
    is_simple = "." in text and "e" not in text and "E" not in text
    if is_whole and not is_simple:
        return _whole(decimal, may_be_text=may_be_text)
    double = float(decimal)
    is_lost = (double == 0.0 and significant) or double in _INFINITIES
    if is_lost or (-int(exponent) > MAX_PLACES and len(significant) - zeros > EXACT_DIGITS):
        return _plain(decimal, may_be_text=may_be_text)
    if is_whole and abs(double) >= LONG_FROM:
        return _whole(Decimal(repr(double)), may_be_text=may_be_text)
    return double or 0.0


def exact(text: str) -> Decimal:
    """Read a number's text exactly, its exponent bounded."""
    _, mark, exponent = text.lower().partition("e")
    if mark and (len(exponent) > 5 or abs(int(exponent)) > MAX_EXPONENT):
        msg = f"A number's exponent must be within -{MAX_EXPONENT} and {MAX_EXPONENT}"
        raise Invalid(msg)
    return Decimal(text)


def _whole(decimal: Decimal, *, may_be_text: bool) -> int | str:
    if decimal.adjusted() < 19:
        whole = int(decimal)
        if INT64_MIN <= whole <= INT64_MAX:
            return whole
    return _plain(decimal, may_be_text=may_be_text)


def _plain(decimal: Decimal, *, may_be_text: bool) -> str:
    """Return the digits without an exponent, of a number that is stored as text."""
    if not may_be_text:
        msg = "A number has more digits than 64 bits hold; send it as a string"
        raise Invalid(msg)
    return format(decimal, "f")


def double_or_long(value: float) -> float | int:
    """Keep a double; one of 1e7 or more without a fraction is a long, and -0.0 is 0.0."""
    if value.is_integer():
        if -LONG_FROM < value < LONG_FROM:
            return value or 0.0
        if -(2.0**63) <= value < 2.0**63:
            return int(value)
    return value


def nested_number(text: str) -> int | float | str:
    """Return a number inside a JSON value; what no 64-bit type holds becomes its plain text."""
    decimal = exact(text)
    if text.lstrip("-").isdigit():
        return _whole(decimal, may_be_text=True)
    double = float(decimal)
    return format(decimal, "f") if double in _INFINITIES else double
