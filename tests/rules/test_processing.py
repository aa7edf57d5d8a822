"""Strategies of the save nodes."""

from fieldline.kit.ids import new_id
from fieldline.rules.processing import Always, Deduplicate, Gate, Skip

ONE, OTHER = new_id(), new_id()


def test_always_and_never() -> None:
    assert Gate(Always()).passes(ONE, 1)
    assert not Gate(Skip()).passes(ONE, 1)


def test_lets_one_message_of_each_originator_through_in_each_interval() -> None:
    gate = Gate(Deduplicate(deduplication_interval_secs=10))

    passed = [
        gate.passes(originator, ts_ms)
        for originator, ts_ms in [
            (ONE, 10_000),
            (ONE, 19_999),
            (OTHER, 19_999),
            (ONE, 20_000),
            (ONE, 10_001),
        ]
    ]

    assert passed == [True, False, True, True, False]
