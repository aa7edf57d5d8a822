"""Turns of several owners."""

import pytest

from fieldline.kit.errors import Unavailable
from fieldline.kit.turns import Turns


def test_all_owners_together_have_a_limit() -> None:
    turns = Turns("cats are fed", at_once=2, of_one=2)

    with turns.take("ann"), turns.take("bob"):
        assert turns.taken == 2
        with pytest.raises(Unavailable, match="Too many cats are fed; try again later"):
            turns.take("cid").__enter__()
    with turns.take("cid"):
        assert turns.taken == 1


def test_one_owner_leaves_room_for_others() -> None:
    turns = Turns("cats are fed", at_once=3, of_one=1)

    with turns.take("ann"):
        with pytest.raises(Unavailable) as refused:
            turns.take("ann").__enter__()
        with turns.take("bob"):
            assert turns.taken == 2
    assert refused.value.retry_after_s == 10


def test_a_turn_ends_with_an_error_too() -> None:
    turns = Turns("cats are fed", at_once=1, of_one=1)

    with pytest.raises(KeyError), turns.take("ann"):
        raise KeyError

    assert turns.taken == 0
