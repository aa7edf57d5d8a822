"""Loading by key for many that ask at once: one query for all keys of a moment, one load per key.

A thousand devices that come back together ask for a thousand keys; the database answers a few
queries instead. What changed while a query ran is read again, so nobody is handed what was already
out of date when the query ended.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Generic, Protocol, TypeVar
from uuid import UUID

K = TypeVar("K")
V = TypeVar("V")
R = TypeVar("R")
_K_contra = TypeVar("_K_contra", contravariant=True)
_V_contra = TypeVar("_V_contra", contravariant=True)
_R_co = TypeVar("_R_co", covariant=True)

MAX_BATCH = 500
"""Keys of one query: SQLite takes 32,766 parameters, PostgreSQL plans short lists best."""
MAX_ATTEMPTS = 5
"""Reads of one key at the most while changes go on; then the last answer counts."""


class Keep(Protocol, Generic[_K_contra, _V_contra, _R_co]):
    """Turns what was read (None: nothing) into what those who asked get; keeps it if it likes.

    ``is_current`` is false for a value that may be out of date already.
    """

    def __call__(
        self, key: _K_contra, value: _V_contra | None, /, *, is_current: bool
    ) -> _R_co | None: ...


class Loader(Generic[K, V, R]):
    """Loads values by key.

    Args:
        load: reads the values of up to ``MAX_BATCH`` keys; a key without value is left out.
        is_outdated: tells whether a value (None: none was found) may have been read before the
            change of one of these entities.
        keep: takes what was read.
    """

    def __init__(
        self,
        load: Callable[[list[K]], Awaitable[Mapping[K, V]]],
        is_outdated: Callable[[K, V | None, set[UUID]], bool],
        keep: "Keep[K, V, R]",
    ) -> None:
        self._load = load
        self._is_outdated = is_outdated
        self._keep = keep
        self._waiting: dict[K, _Wanted[R]] = {}
        self._loading: dict[K, _Wanted[R]] = {}
        self._changed: set[UUID] = set()
        self._is_all_changed = False
        self._task: asyncio.Task[None] | None = None

    def request(self, key: K) -> "asyncio.Future[R | None]":
        """Ask for a value; await the result under ``asyncio.shield``: it is shared."""
        wanted = self._loading.get(key) or self._waiting.get(key)
        if wanted is None:
            wanted = self._waiting[key] = _Wanted()
            if self._task is None:
                self._task = asyncio.get_running_loop().create_task(self._run())
        return wanted.future

    async def get(self, key: K) -> R | None:
        """Load a value; raises what the load raised."""
        return await asyncio.shield(self.request(key))

    def changed(self, entity_id: UUID) -> None:
        """Note that an entity changed: what is being read of it now is out of date."""
        if self._loading:
            self._changed.add(entity_id)

    def all_changed(self) -> None:
        """Note that any entity may have changed."""
        self._is_all_changed = True

    async def stop(self) -> None:
        """Give up what is being loaded."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._give_up()  # a task that had not begun was not there to do it

    async def _run(self) -> None:
        try:
            while self._waiting:
                keys = list(islice(self._waiting, MAX_BATCH))
                self._loading = {key: self._waiting.pop(key) for key in keys}
                self._changed.clear()
                self._is_all_changed = False
                await self._load_batch(keys)
        finally:
            self._give_up()

    def _give_up(self) -> None:
        """End the wait for all that is still asked for: nothing, unless this is a stop."""
        for wanted in (*self._loading.values(), *self._waiting.values()):
            wanted.future.cancel()
        self._loading = {}
        self._waiting = {}
        self._task = None

    async def _load_batch(self, keys: list[K]) -> None:
        try:
            found = await self._load(keys)
        except Exception as error:  # noqa: BLE001 - given to those who asked
            for wanted in self._loading.values():
                wanted.fail(error)
            self._loading = {}
            return
        loaded, self._loading = self._loading, {}
        for key, wanted in loaded.items():
            self._settle(key, wanted, found.get(key))

    def _settle(self, key: K, wanted: "_Wanted[R]", value: V | None) -> None:
        wanted.attempts += 1
        is_outdated = self._is_all_changed or self._is_outdated(key, value, self._changed)
        if is_outdated and wanted.attempts < MAX_ATTEMPTS:
            self._waiting.setdefault(key, wanted)
            return
        result = self._keep(key, value, is_current=not is_outdated)
        if not wanted.future.done():
            wanted.future.set_result(result)


class _Wanted(Generic[R]):
    """A key that somebody waits for."""

    __slots__ = ("attempts", "future")

    def __init__(self) -> None:
        self.future: asyncio.Future[R | None] = asyncio.get_running_loop().create_future()
        self.attempts = 0

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)
            self.future.exception()  # whoever asked may have gone: not an error of its own
