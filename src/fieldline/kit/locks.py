"""Locks of things that are told apart by a key."""

import asyncio
from collections.abc import Hashable
from weakref import WeakValueDictionary


class Locks:
    """One lock for each key, there as long as somebody holds it or waits for it.

    Who comes first has it first.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    def of(self, key: Hashable) -> asyncio.Lock:
        """Return a key's lock, for ``async with``."""
        return self._locks.setdefault(key, asyncio.Lock())
