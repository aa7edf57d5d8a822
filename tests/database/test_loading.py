"""The loader: one read for many askers, and never an answer that was out of date when it came."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

import pytest

from fieldline.database.loading import MAX_ATTEMPTS, MAX_BATCH, Loader
from fieldline.kit.errors import Unavailable
from fieldline.kit.ids import new_id


class Source:
    """A table of values that tests change while it is read."""

    def __init__(self) -> None:
        self.values: dict[UUID, str] = {}
        self.reads: list[list[UUID]] = []
        self.kept: list[tuple[str | None, bool]] = []
        self.during: list[object] = []
        self.failure: Exception | None = None
        self.loader = Loader(self._load, self._is_outdated, self._keep)

    async def _load(self, keys: list[UUID]) -> Mapping[UUID, str]:
        self.reads.append(keys)
        found = {key: self.values[key] for key in keys if key in self.values}
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        if self.during:
            change = self.during.pop(0)
            assert callable(change)
            change()
        return found

    def _is_outdated(self, key: UUID, _value: str | None, changed: set[UUID]) -> bool:
        return key in changed

    def _keep(self, _key: UUID, value: str | None, *, is_current: bool) -> str | None:
        self.kept.append((value, is_current))
        return value

    def change(self, key: UUID, value: str) -> None:
        self.values[key] = value
        self.loader.changed(key)


async def test_keys_of_one_moment_are_one_read() -> None:
    source = Source()
    keys = [new_id() for _ in range(10)]
    source.values = {key: str(key) for key in keys[:-1]}

    found = await asyncio.gather(*(source.loader.get(key) for key in keys * 3))

    assert found == [*map(str, keys[:-1]), None] * 3
    assert source.reads == [keys]


async def test_a_read_has_a_limit_of_keys() -> None:
    source = Source()
    keys = [new_id() for _ in range(MAX_BATCH + 1)]

    await asyncio.gather(*(source.loader.get(key) for key in keys))

    assert [len(read) for read in source.reads] == [MAX_BATCH, 1]


async def test_whoever_asks_while_it_is_read_gets_the_same_read() -> None:
    source = Source()
    key = new_id()
    first = asyncio.create_task(source.loader.get(key))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(source.reads) == 1
    assert not first.done()

    second = source.loader.request(key)
    await asyncio.gather(first, second)

    assert len(source.reads) == 1


async def test_what_changed_during_the_read_is_read_again() -> None:
    source = Source()
    key, other = new_id(), new_id()
    source.values = {key: "old", other: "other"}
    source.during = [lambda: source.change(key, "new")]

    found = await asyncio.gather(source.loader.get(key), source.loader.get(other))

    assert list(found) == ["new", "other"]
    assert source.reads == [[key, other], [key]]
    assert set(source.kept) == {("new", True), ("other", True)}


async def test_a_change_of_everything_reads_everything_again() -> None:
    source = Source()
    key = new_id()
    source.values = {key: "old"}

    def change() -> None:
        source.values[key] = "new"
        source.loader.all_changed()

    source.during = [change]

    assert await source.loader.get(key) == "new"


async def test_endless_changes_end_in_an_answer_that_is_not_current() -> None:
    source = Source()
    key = new_id()
    source.values = {key: "0"}
    source.during = [lambda: source.change(key, "x")] * (MAX_ATTEMPTS + 5)

    await source.loader.get(key)

    assert len(source.reads) == MAX_ATTEMPTS
    assert source.kept == [("x", False)]


async def test_a_failure_reaches_all_and_the_next_one_tries_again() -> None:
    source = Source()
    key = new_id()
    source.values = {key: "x"}
    source.failure = Unavailable("away")

    answers = await asyncio.gather(
        source.loader.get(key), source.loader.get(key), return_exceptions=True
    )
    source.failure = None

    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert await source.loader.get(key) == "x"


async def test_stopping_ends_the_wait() -> None:
    source = Source()
    waiting = asyncio.create_task(source.loader.get(new_id()))
    await asyncio.sleep(0)

    await source.loader.stop()

    with pytest.raises(asyncio.CancelledError):
        await waiting
