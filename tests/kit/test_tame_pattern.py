"""Regular expressions of users."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldline.kit.errors import Invalid
from fieldline.kit.tame_pattern import MAX_TEXT, tame_pattern


@pytest.mark.parametrize(
    ("text", "common_name", "name"),
    [
        ("(.*)", "meter 7", "meter 7"),
        (r"(.*)\.company\.com", "meter.company.com", "meter"),
        (r"^([A-Z]{2}\d{4,8})-(?:old|new)$", "AB12345-new", "AB12345"),
        (r"[a-z]+-(\d+)\.(.*)", "meter-7.plant", "7"),
        ("((?:[0-9a-f]{2}:){5}[0-9a-f]{2})", "mac 00:11:22:33:44:55", "00:11:22:33:44:55"),
    ],
)
def test_usual_patterns_are_taken(text: str, common_name: str, name: str) -> None:
    match = tame_pattern(text).search(common_name)

    assert match is not None
    assert match[1] == name


@pytest.mark.parametrize(
    "text",
    [
        "(a+)+$",
        "(a|aa)*b",
        "(.*)*",
        "(a?)" * 30 + "a" * 30,
        ".*.*.*.*(x)",
        "((a{0,60}){0,60}){0,60}",
        r"(a)\1",
        "(?=.*x)(a)",
        "(?<!a)(b)",
    ],
)
def test_what_could_take_long_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="could take too long"):
        tame_pattern(text)


@pytest.mark.parametrize("text", ["(", "*", "[a", "(?P<", "a{3,1}"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is not a regular expression"):
        tame_pattern(text)


def test_long_ones_are_refused() -> None:
    with pytest.raises(Invalid, match="255 characters"):
        tame_pattern("a" * 256)


PIECES = st.sampled_from(["a", "b?", "a*", ".+", "(a|b)", "(?:ab|a)", "[ab]{1,3}", "(a)?", "$"])


@given(st.lists(PIECES, max_size=12).map("".join), st.text("ab", max_size=MAX_TEXT))
def test_what_is_taken_is_quick(text: str, common_name: str) -> None:
    try:
        pattern = tame_pattern(f"({text})c")
    except Invalid:
        return
    began = time.process_time()

    pattern.search(common_name)

    assert time.process_time() - began < 2
