import pytest

from fieldline.domains.calculated_field.configuration import SimpleExpression
from fieldline.kit.values import JsonText, Value
from fieldline.rules.fields.conditions import compile_expression, listed_values
from tests.rules.fields.rules import Json, asking, predicate


def holds(filters: list[Json], *values: Value, operation: str | None = None) -> bool:
    expression = SimpleExpression.model_validate(
        {"type": "SIMPLE", "filters": filters, "operation": operation}
    )
    return compile_expression(expression, ["a", "b"])(values)


@pytest.mark.parametrize(
    ("value", "operation", "against", "expected"),
    [
        (5, "GREATER", 4.5, True),
        (5, "EQUAL", 5.0, True),
        ("5.5", "GREATER_OR_EQUAL", 5.5, True),
        (True, "EQUAL", 1, True),
        ("warm", "LESS", 5, False),
        ("warm", "NOT_EQUAL", 5, False),
        ("nan", "NOT_EQUAL", 5, False),
        ("1_000", "GREATER", 5, False),
        (JsonText('{"a":1}'), "GREATER", 0, False),
    ],
)
def test_compares_numbers_of_any_type(
    value: Value, operation: str, against: float, expected: bool
) -> None:
    assert holds([asking("a", predicate("NUMERIC", operation, against))], value) is expected


@pytest.mark.parametrize(
    ("value", "operation", "against", "expected"),
    [
        ("open", "EQUAL", "open", True),
        (21.0, "EQUAL", "21.0", True),
        (21, "EQUAL", "21", True),
        (True, "EQUAL", "true", True),
        ("door open", "STARTS_WITH", "door", True),
        ("door open", "ENDS_WITH", "door", False),
        ("door open", "CONTAINS", "r o", True),
        ("door open", "NOT_CONTAINS", "window", True),
        ("b", "IN", "a, b,c", True),
        ("b,c", "IN", "a,'b,c'", False),
        ("b,c", "IN", 'a,"b,c"', True),
        ("d", "NOT_IN", "a,b,c", True),
    ],
)
def test_compares_texts(value: Value, operation: str, against: str, expected: bool) -> None:
    assert holds([asking("a", predicate("STRING", operation, against))], value) is expected


def test_ignores_case_when_asked() -> None:
    said = predicate("STRING", "EQUAL", "OPEN", ignoreCase=True)

    assert holds([asking("a", said)], "open")


@pytest.mark.parametrize(
    ("value", "expected"), [(3, True), (0, False), ("TRUE", True), ("x", False)]
)
def test_reads_booleans_from_anything(value: Value, expected: bool) -> None:
    assert holds([asking("a", predicate("BOOLEAN", "EQUAL", value=True))], value) is expected


def test_compares_with_the_value_of_another_argument() -> None:
    said = [asking("a", predicate("NUMERIC", "GREATER", argument="b"))]

    assert holds(said, 10, 9.5)
    assert not holds(said, 10, "10.5")
    assert not holds(said, 10, "unset")


def test_joins_predicates_and_filters() -> None:
    outside = asking(
        "a", predicate("NUMERIC", "LESS", 0), predicate("NUMERIC", "GREATER", 100), operation="OR"
    )
    is_on = asking("b", predicate("BOOLEAN", "EQUAL", value=True))

    assert holds([outside, is_on], 101, True)
    assert not holds([outside, is_on], 101, False)
    assert holds([outside, is_on], 101, False, operation="OR")
    assert not holds([outside, is_on], 50, True)


def test_complex_predicates_nest() -> None:
    inner = {
        "type": "COMPLEX",
        "operation": "AND",
        "predicates": [predicate("NUMERIC", "GREATER", 5), predicate("NUMERIC", "LESS", 10)],
    }
    said = [asking("a", inner, predicate("NUMERIC", "EQUAL", 50), operation="OR")]

    assert [holds(said, n) for n in (5, 7, 10, 50)] == [False, True, False, True]


def test_lists_may_be_quoted_either_way() -> None:
    assert listed_values("'a,b', c") == ["a,b", "c"]
    assert listed_values("") == []
