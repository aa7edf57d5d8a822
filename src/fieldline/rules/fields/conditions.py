"""SIMPLE conditions of alarm rules, compiled to plain calls.

A compiled condition takes the values of all arguments, in the order of their names given to the
compiler, and tells whether it holds. A value that cannot be read as what a predicate compares (text
that is no number) makes that predicate false, NOT_EQUAL too.

Source: rules/device_profile_alarms.md sections 1 (coercion, operations) and 2 (shape).
"""

import csv
import operator
from collections.abc import Callable, Sequence
from math import isfinite

from fieldline.domains.calculated_field.configuration import (
    BooleanPredicate,
    ComplexPredicate,
    ConditionValue,
    Filter,
    Joined,
    NumericPredicate,
    Operation,
    Predicate,
    SimpleExpression,
    StringPredicate,
)
from fieldline.kit.errors import Invalid
from fieldline.kit.java_text import value_text
from fieldline.kit.values import Value

Values = Sequence[Value]
Holds = Callable[[Values], bool]

_NUMERIC: dict[Operation, Callable[[float, float], bool]] = {
    Operation.EQUAL: operator.eq,
    Operation.NOT_EQUAL: operator.ne,
    Operation.GREATER: operator.gt,
    Operation.LESS: operator.lt,
    Operation.GREATER_OR_EQUAL: operator.ge,
    Operation.LESS_OR_EQUAL: operator.le,
}
_STRING: dict[Operation, Callable[[str, str], bool]] = {
    Operation.EQUAL: operator.eq,
    Operation.NOT_EQUAL: operator.ne,
    Operation.STARTS_WITH: str.startswith,
    Operation.ENDS_WITH: str.endswith,
    Operation.CONTAINS: operator.contains,
    Operation.NOT_CONTAINS: lambda text, part: part not in text,
    Operation.IN: lambda text, listed: text in listed_values(listed),
    Operation.NOT_IN: lambda text, listed: text not in listed_values(listed),
}


def compile_expression(expression: SimpleExpression, names: Sequence[str]) -> Holds:
    """Compile an expression over arguments in the order of ``names``."""
    positions = {name: position for position, name in enumerate(names)}
    return _join(
        [_compile_filter(item, positions) for item in expression.filters], expression.operation
    )


def as_number(value: Value) -> float | None:
    """Read a value as a number: booleans are 1 and 0, text is parsed; None when it is none."""
    if not isinstance(value, str):
        return value
    try:
        number = float(value)
    except ValueError:
        return None
    # Python also reads "nan" and "1_000", which are no numbers to anybody else.
    return number if isfinite(number) and "_" not in value else None


def as_bool(value: Value) -> bool:
    """Read a value as a boolean: a number is true above 0, text when it is ``true``."""
    if isinstance(value, str):
        return value.strip().lower() == "true"
    return value > 0


def listed_values(text: str) -> list[str]:
    """Split a comma separated list; quotes, single or double, keep commas together."""
    quote = "'" if text.lstrip().startswith("'") else '"'
    rows = list(csv.reader([text], quotechar=quote, skipinitialspace=True))
    return [item.strip() for item in rows[0]] if rows else []


def _join(parts: list[Holds], joined: Joined | None) -> Holds:
    if len(parts) == 1:
        return parts[0]
    if joined is Joined.OR:
        return lambda values: any(part(values) for part in parts)
    return lambda values: all(part(values) for part in parts)


def _compile_filter(item: Filter, positions: dict[str, int]) -> Holds:
    position = positions[item.argument]
    parts = [_compile_predicate(p, position, positions) for p in item.predicates]
    return _join(parts, item.operation)


def _compile_predicate(predicate: Predicate, position: int, positions: dict[str, int]) -> Holds:
    if isinstance(predicate, NumericPredicate):
        return _compile_numeric(predicate, position, positions)
    if isinstance(predicate, StringPredicate):
        return _compile_string(predicate, position, positions)
    if isinstance(predicate, BooleanPredicate):
        return _compile_boolean(predicate, position, positions)
    if isinstance(predicate, ComplexPredicate):
        parts = [_compile_predicate(p, position, positions) for p in predicate.predicates]
        return _join(parts, predicate.operation)
    msg = f"Predicates of type {predicate.type} cannot be evaluated"
    raise Invalid(msg)


def _compile_numeric(
    predicate: NumericPredicate, position: int, positions: dict[str, int]
) -> Holds:
    compare = _NUMERIC[predicate.operation]
    other = _position(predicate.value, positions)
    fixed = predicate.value.static_value
    if other is None and fixed is not None:
        limit = fixed

        def holds_against_fixed(values: Values) -> bool:
            number = as_number(values[position])
            return number is not None and compare(number, limit)

        return holds_against_fixed

    def holds(values: Values) -> bool:
        number, against = as_number(values[position]), as_number(values[other or 0])
        return number is not None and against is not None and compare(number, against)

    return holds


def _compile_string(predicate: StringPredicate, position: int, positions: dict[str, int]) -> Holds:
    compare = _STRING[predicate.operation]
    other = _position(predicate.value, positions)
    fixed = predicate.value.static_value or ""
    ignore_case = predicate.ignore_case

    def holds(values: Values) -> bool:
        text = value_text(values[position])
        against = fixed if other is None else value_text(values[other])
        if ignore_case:
            return compare(text.lower(), against.lower())
        return compare(text, against)

    return holds


def _compile_boolean(
    predicate: BooleanPredicate, position: int, positions: dict[str, int]
) -> Holds:
    wants_equal = predicate.operation is Operation.EQUAL
    other = _position(predicate.value, positions)
    fixed = bool(predicate.value.static_value)

    def holds(values: Values) -> bool:
        against = fixed if other is None else as_bool(values[other])
        return (as_bool(values[position]) == against) == wants_equal

    return holds


def _position(
    value: ConditionValue[str] | ConditionValue[float] | ConditionValue[bool],
    positions: dict[str, int],
) -> int | None:
    name = value.dynamic_value_argument
    return None if name is None else positions[name]
