import pytest

from fieldline.kit.lru import Lru


def test_forgets_what_was_not_used_for_the_longest_time() -> None:
    cache: Lru[str, int] = Lru(2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")

    evicted = cache.put("c", 3)

    assert evicted == ("b", 2)
    assert [cache.get(key) for key in "abc"] == [1, None, 3]
    assert len(cache) == 2


def test_replacing_a_value_evicts_nothing() -> None:
    cache: Lru[str, int] = Lru(1)
    cache.put("a", 1)

    assert cache.put("a", 2) is None
    assert cache.get("a") == 2


def test_pop_and_clear_forget() -> None:
    cache: Lru[str, int] = Lru(3)
    for key in "abc":
        cache.put(key, 1)

    assert cache.pop("a") == 1
    assert cache.pop("a") is None
    cache.clear()
    assert len(cache) == 0


def test_needs_room() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Lru(0)
