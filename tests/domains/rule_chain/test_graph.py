"""Which links between nodes are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldline.domains.rule_chain.graph import Link, check_links
from fieldline.kit.errors import Invalid


def _links(*pairs: tuple[int, int]) -> list[Link]:
    return [Link(a, b, "Success") for a, b in pairs]


def test_lets_branches_meet_again() -> None:
    check_links(4, _links((0, 1), (0, 2), (1, 3), (2, 3)), 0)


@pytest.mark.parametrize(
    ("pairs", "word"),
    [
        ([(1, 1)], "itself"),
        ([(0, 1), (1, 0)], "circling"),
        ([(0, 1), (1, 2), (2, 3), (3, 1)], "circling"),
        ([(0, 4)], "toIndex 4"),
        ([(-1, 0)], "fromIndex -1"),
    ],
)
def test_refuses_what_cannot_run(pairs: list[tuple[int, int]], word: str) -> None:
    with pytest.raises(Invalid, match=word):
        check_links(4, _links(*pairs), None)


@pytest.mark.parametrize("index", [-1, 2])
def test_refuses_a_first_node_that_is_not_there(index: int) -> None:
    with pytest.raises(Invalid, match="firstNodeIndex"):
        check_links(2, [], index)


def test_refuses_more_than_anybody_draws() -> None:
    row = _links(*((index, index + 1) for index in range(999)))
    check_links(1_000, row, 0)

    with pytest.raises(Invalid, match="may have 1000 nodes, not 1001; use several chains"):
        check_links(1_001, [], 0)
    with pytest.raises(Invalid, match="may have 10000 links, not 10989"):
        check_links(1_000, row * 11, 0)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_links_that_only_go_on_are_never_a_cycle(pairs: list[tuple[int, int]]) -> None:
    check_links(10, _links(*((a, b) for a, b in pairs if a < b)), None)


@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=10, unique=True),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=10),
)
def test_a_closed_ring_is_found_among_other_links(
    ring: list[int], others: list[tuple[int, int]]
) -> None:
    closed = list(zip(ring, [*ring[1:], ring[0]], strict=True))
    pairs = [*closed, *((a, b) for a, b in others if a != b)]

    with pytest.raises(Invalid, match="circling"):
        check_links(10, _links(*pairs), None)
