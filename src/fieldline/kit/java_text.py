"""Values as text the way ThingsBoard's wire shows them, which is Java's.

Source: ``java.lang.Double.toString`` (JDK 19 and later: the shortest digits that give the same
double, as Python's ``repr`` finds them; decimal form from 0.001 up to 10,000,000, else scientific).
"""

from fieldline.kit.values import Value

_DECIMAL_EXPONENTS = range(-3, 7)


def double_text(number: float) -> str:
    """Return a double as ``Double.toString`` writes it: ``21.0``, ``1.0E10``, ``1.234E-5``."""
    if number != number:  # noqa: PLR0124 - only NaN differs from itself
        return "NaN"
    if number in {float("inf"), float("-inf")}:
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return repr(number)
    mantissa, _, exponent_text = f"{number!r}".partition("e")
    sign = "-" if mantissa[0] == "-" else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    leading_zeros = len(whole + fraction) - len(digits)
    exponent = int(exponent_text or 0) + len(whole) - leading_zeros - 1
    digits = digits.rstrip("0") or "0"
    if exponent not in _DECIMAL_EXPONENTS:
        return f"{sign}{digits[0]}.{digits[1:] or '0'}E{exponent}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    digits = digits.ljust(exponent + 2, "0")
    return f"{sign}{digits[: exponent + 1]}.{digits[exponent + 1 :]}"


def value_text(value: Value) -> str:
    """Return any value as text: ``true``, ``21``, ``21.0``, the string, or the JSON's text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return double_text(value)
    return str(value)
