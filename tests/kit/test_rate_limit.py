"""Rate limits: what they look like, and how much they let through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldline.kit.errors import Invalid
from fieldline.kit.rate_limit import Part, RateLimit, parse_rate_limit


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (None, ()),
        ("", ()),
        ("100:1", (Part(100, 1),)),
        ("100:1,2000:60", (Part(100, 1), Part(2000, 60))),
    ],
)
def test_what_is_read(text: str | None, parts: tuple[Part, ...]) -> None:
    assert parse_rate_limit(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        "100",
        "100:",
        ":1",
        "100:1,",
        "a:b",
        "0:1",
        "1:0",
        "-1:1",
        "1.5:1",
        "1:1;2:2",
        "1:1," * 11,
        "\u0661:1",
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(Invalid, match=r"is like '100:1,2000:60'"):
        parse_rate_limit(text)


parts = st.builds(Part, st.integers(1, 50), st.integers(1, 60))
asks = st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 60)), max_size=60)


@given(st.lists(parts, min_size=1, max_size=3), asks)
def test_no_more_passes_than_each_part_allows(
    given: list[Part], asks: list[tuple[int, int]]
) -> None:
    limit, now_ms, passed = RateLimit(tuple(given), 0), 0, 0
    for pause_ms, count in asks:
        now_ms += pause_ms
        wait_ms = limit.wait_ms(count, now_ms)
        assert wait_ms >= 0
        if wait_ms == 0:
            limit.take(count)
            passed += count
        for part in given:
            assert passed <= part.capacity + now_ms * part.capacity / (part.seconds * 1000) + 1e-6


@given(st.lists(parts, min_size=1, max_size=3), asks)
def test_who_waits_as_told_passes(given: list[Part], asks: list[tuple[int, int]]) -> None:
    limit, now_ms = RateLimit(tuple(given), 0), 0
    for pause_ms, count in asks:
        now_ms += pause_ms
        wait_ms = limit.wait_ms(count, now_ms)
        if wait_ms and count <= min(part.capacity for part in given):
            now_ms += int(wait_ms) + 1
            wait_ms = limit.wait_ms(count, now_ms)
            assert wait_ms == 0
        if wait_ms == 0:
            limit.take(count)


def test_more_than_a_part_ever_holds_never_passes() -> None:
    limit = RateLimit((Part(5, 1),), 0)

    assert limit.wait_ms(6, 1_000_000) > 0


def test_without_parts_everything_passes() -> None:
    limit = RateLimit((), 0)
    limit.take(10**9)

    assert limit.wait_ms(10**9, 0) == 0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    limit = RateLimit((Part(1, 1),), 10_000)
    limit.take(1)

    assert limit.wait_ms(1, 0) > 0
    assert limit.wait_ms(1, 1_000) == 0
