from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldline.kit.errors import Invalid
from fieldline.kit.storable import check_storable

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None))
)
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10
)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@given(ANYTHING)
def test_what_passes_comes_back_as_it_was(value: Any) -> None:
    try:
        check_storable("field", value)
    except Invalid:
        return

    assert orjson.loads(orjson.dumps(value)) == value
    assert b"\\u0000" not in orjson.dumps(value).replace(b"\\\\", b"")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"a": ["x\0"]}, "U.0000"),
        ({"\0": 1}, "U.0000"),
        ("\ud800", "Unicode"),
        ([float("nan")], "finite"),
        ([float("-inf")], "finite"),
        ({"a": 2**63}, "64 bits"),
        ({"a": -(2**63) - 1}, "64 bits"),
        (nested(200), "nested"),
    ],
)
def test_says_what_is_wrong(value: object, problem: str) -> None:
    with pytest.raises(Invalid, match=problem):
        check_storable("field", value)


@pytest.mark.parametrize("value", [None, {}, nested(90), 2**63 - 1, -(2**63), True, "ü\n"])
def test_lets_ordinary_json_pass(value: object) -> None:
    check_storable("field", value)
