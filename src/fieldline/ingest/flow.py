"""How much may be on its way at once: counts packets between the door and their last branch.

The flow counts the packets of all, each tenant's share the messages in its packets, of which one
may hold thousands, and the KiB of their payloads. A tenant whose rules are slow fills its share,
and others find the door open.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from fieldline.messaging.receipt import Receipt

logger = logging.getLogger(__name__)


class Room(Protocol):
    """What else can be full behind the door: the writer, the rules."""

    @property
    def is_full(self) -> bool:
        """Whether nothing more should come."""

    def when_room(self, callback: Callable[[], None]) -> None:
        """Call back once, when there is room again."""


class Flow:
    """Counts packets in flight; tells the edges to stop reading, and when to go on.

    Args:
        limit: packets in flight from which on the door is full, for everybody, until 3/4 of it
            are left; a door with room for some would let them starve those who wait.
        behind: what else must have room; :meth:`heed` adds to it.
    """

    def __init__(self, limit: int, behind: Room) -> None:
        self.in_flight = 0
        self._limit = limit
        self._resume_at = limit * 3 // 4
        self._behind = [behind]
        self._is_high = False
        self._waiting: list[Callable[[], None]] = []
        self._asked_behind = False

    def heed(self, room: Room) -> None:
        """Be full also while this is full."""
        self._behind.append(room)

    @property
    def is_full(self) -> bool:
        return self._is_high or self._full_behind() is not None

    def _full_behind(self) -> Room | None:
        for room in self._behind:
            if room.is_full:
                return room
        return None

    def when_room(self, callback: Callable[[], None]) -> None:
        """Call back once, when there is room; soon, not now, also when there is room already."""
        self._waiting.append(callback)
        if not self.is_full:
            asyncio.get_running_loop().call_soon(self._resume)
        elif not self._is_high:
            self._ask_behind()

    def begun(self) -> None:
        """Count a packet in."""
        self.in_flight += 1
        if self.in_flight >= self._limit:
            self._is_high = True

    def ended(self) -> None:
        """Count a packet out."""
        self.in_flight -= 1
        if self._is_high and self.in_flight <= self._resume_at:
            self._is_high = False
            if self._waiting:
                self._ask_behind()

    def _ask_behind(self) -> None:
        room = self._full_behind()
        if room is None:
            self._resume()
        elif not self._asked_behind:
            self._asked_behind = True
            room.when_room(self._behind_has_room)

    def _behind_has_room(self) -> None:
        self._asked_behind = False
        self._ask_behind()

    def _resume(self) -> None:
        if self._is_high:
            return  # the packet that makes room asks again
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            _call(callback)


class Share:
    """Counts what one tenant has in flight; while it is full, only its devices are not read.

    A packet weighs as much as it has messages, and one more for every KiB of its payload.

    Args:
        flow: of which it is a part.
        limit: the weight from which on it is full, until 3/4 of it is left.
    """

    __slots__ = ("_asked_flow", "_flow", "_is_high", "_limit", "_waiting", "in_flight")

    def __init__(self, flow: Flow, limit: int) -> None:
        self.in_flight = 0
        self._flow = flow
        self._limit = limit
        self._is_high = False
        self._asked_flow = False
        self._waiting: dict[Callable[[], None], None] = {}

    @property
    def is_used_up(self) -> bool:
        """Whether the tenant has as much on its way as it may, whatever others have."""
        return self._is_high

    @property
    def is_full(self) -> bool:
        """Whether nothing more of the tenant should come, be it for others' sake."""
        return self._is_high or self._flow.is_full

    def when_room(self, callback: Callable[[], None]) -> None:
        """Call back once, when there is room, in the order of asking; asked again, still once."""
        self._waiting[callback] = None
        if not self._is_high:
            self._ask_flow()

    def forget(self, callback: Callable[[], None]) -> None:
        """Do not call back any more."""
        self._waiting.pop(callback, None)

    def count(self, packet: Receipt, messages: int = 1) -> None:
        """Count messages of a packet in; they are counted out when its last branch has ended."""
        weight = messages
        if packet.meter is None:
            packet.meter = self
            self._flow.begun()
            weight += packet.weight
            packet.weight = 0
        packet.weight += weight
        self.in_flight += weight
        if self.in_flight >= self._limit:
            self._is_high = True

    def ended(self, weight: int) -> None:
        """Count a packet out, and what it weighed."""
        self.in_flight -= weight
        if self._is_high and self.in_flight <= self._limit * 3 // 4:
            self._is_high = False
            if self._waiting:
                self._ask_flow()
        self._flow.ended()

    def _ask_flow(self) -> None:
        if not self._asked_flow:
            self._asked_flow = True
            self._flow.when_room(self._go_on)

    def _go_on(self) -> None:
        """Call those who wait until one of them used up what there is; the others go on waiting."""
        self._asked_flow = False
        waiting, self._waiting = self._waiting, {}
        for callback in list(waiting):
            if self.is_full:
                break
            del waiting[callback]
            _call(callback)
        self._waiting = {**waiting, **self._waiting}
        if self._waiting and not self._is_high:
            self._ask_flow()


async def has_room(room: Room) -> None:
    """Give other work its turn, and wait until there is room."""
    await asyncio.sleep(0)
    while room.is_full:
        again = asyncio.Event()
        room.when_room(again.set)
        await again.wait()


def _call(callback: Callable[[], None]) -> None:
    try:
        callback()
    except Exception:  # others wait too, and whoever made room has its own work to do
        logger.exception("who waited for room failed")
