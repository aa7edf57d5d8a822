"""What many entities are called, each kind that can be referred to."""

from fieldline.domains.entity.access import FINDERS
from fieldline.domains.entity.names import LISTS


def test_every_kind_that_can_be_referred_to_can_be_named() -> None:
    assert LISTS.keys() == FINDERS.keys()
