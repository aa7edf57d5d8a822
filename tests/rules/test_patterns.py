"""Parts of a message in a text."""

from typing import Any

import pytest

from fieldline.rules.patterns import fill
from tests.rules.support import message_of

DATA: dict[str, Any] = {
    "a": 1,
    "b": {"c": "deep", "d": [1]},
    "yes": True,
    "none": None,
    "half": 0.5,
}


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("plain", "plain"),
        ("${name} is $[a]", "pump is 1"),
        ("$[b.c] $[yes] $[half]", "deep true 0.5"),
        ("${missing} $[missing] $[b.missing] $[a.b]", "${missing} $[missing] $[b.missing] $[a.b]"),
        ("$[b] $[b.d] $[none]", "$[b] $[b.d] $[none]"),
        ("${*}", '{"name":"pump","path":"$[a]"}'),
        ("${path}", "1"),
        ("$5", "$5"),
    ],
)
def test_fills_in_what_there_is(pattern: str, text: str) -> None:
    message, _ = message_of(DATA, metadata={"name": "pump", "path": "$[a]"})

    if pattern == "${*}":
        text = text.replace("$[a]", "1")
    assert fill(pattern, message) == text


def test_all_of_the_data() -> None:
    message, _ = message_of([1, 2])

    assert fill("$[*]", message) == "[1,2]"
    assert fill("$[a]", message) == "$[a]"
