import pytest

from fieldline.kit.errors import RateLimited
from fieldline.security import attempts
from fieldline.security.attempts import AttemptLimit


def test_one_attempt_too_many_is_refused_until_the_first_is_old() -> None:
    limit = AttemptLimit(2, 1_000)
    limit.take("a", 100)
    limit.take("a", 400)

    with pytest.raises(RateLimited) as caught:
        limit.take("a", 600)

    assert caught.value.retry_after_s == 0.5
    limit.take("a", 1_101)


def test_a_refused_attempt_does_not_count() -> None:
    limit = AttemptLimit(1, 1_000)
    limit.take("a", 0)
    with pytest.raises(RateLimited):
        limit.take("a", 900)

    limit.take("a", 1_001)


def test_keys_are_counted_apart() -> None:
    limit = AttemptLimit(1, 1_000)
    limit.take("a", 0)

    limit.take("b", 0)


def test_an_attempt_given_back_does_not_count() -> None:
    limit = AttemptLimit(1, 1_000)
    limit.take("a", 0)
    limit.give_back("a")

    limit.take("a", 0)


def test_only_so_many_keys_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MAX_KEYS", 2)
    limit = AttemptLimit(1, 1_000)
    for key in "abc":
        limit.take(key, 0)

    limit.take("a", 0)
    with pytest.raises(RateLimited):
        limit.take("c", 0)
