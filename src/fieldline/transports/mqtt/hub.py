"""What the connections of one server share: the door, the limits, one flush and one sweep for all.

No connection has a task or a timer of its own.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol
from uuid import uuid4

from fieldline.ingest.door import Door
from fieldline.kit.clock import Clock
from fieldline.kit.complaints import Complaints
from fieldline.transports.mqtt.options import MqttOptions
from fieldline.transports.mqtt.stats import MqttStats
from fieldline.transports.mqtt.wills import Wills

logger = logging.getLogger(__name__)

SWEEP_S = 1.0
SWEEP_AT_ONCE = 1_000
"""Connections looked at in one go: about 1 ms."""
GOOD_BYE_S = 0.5
"""Time for the last bytes of connections that are closed with acknowledgements missing."""


class Member(Protocol):
    """What the hub does with a connection."""

    def flush(self) -> None:
        """Send what has become ready."""

    def door_has_room(self) -> None:
        """Go on reading."""

    def expire(self, now_ms: int) -> None:
        """Close if something is overdue."""

    def stop(self) -> None:
        """Close because the server stops."""

    def close_now(self) -> None:
        """Say good-bye and close, whatever is outstanding."""

    def abort(self) -> None:
        """Cut the connection."""


class Hub:
    """Everything that the connections of one server share.

    Args:
        door: where devices' messages go.
        options: the limits.
        clock: for time-outs; only differences count, so it should be a monotonic one.
    """

    def __init__(self, door: Door, options: MqttOptions, clock: Clock) -> None:
        self.door = door
        self.options = options
        self.limits = options.session_limits()
        self.stats = MqttStats()
        self.wills = Wills(options.max_wills, self.stats)
        self.now_ms = clock.now_ms
        self.complaints = Complaints(logger, clock.now_ms)
        self.is_stopping = False
        self._members: set[Member] = set()
        self._dirty: list[Member] = []
        self._waiting: dict[Member, None] = {}
        self._asked_door = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._members)

    @property
    def is_full(self) -> bool:
        return self.is_stopping or len(self._members) >= self.options.max_connections

    def add(self, member: Member) -> None:
        """Note an accepted connection."""
        self._members.add(member)
        self._empty.clear()

    def remove(self, member: Member) -> None:
        """Forget a lost connection."""
        self._members.discard(member)
        self._waiting.pop(member, None)
        if not self._members:
            self._empty.set()

    def flush_soon(self, member: Member) -> None:
        """Call the member's ``flush`` at the end of this tick, after what else becomes ready."""
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        self._dirty.append(member)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for member in dirty:
            self.guard(member, member.flush)

    def wait_for_room(self, member: Member) -> None:
        """Call the member's ``door_has_room`` when the door takes more, in the order of asking."""
        self._waiting[member] = None
        self._ask_door()

    def _ask_door(self) -> None:
        if not self._asked_door:
            self._asked_door = True
            self.door.when_room(self._door_has_room)

    def _door_has_room(self) -> None:
        self._asked_door = False
        waiting, self._waiting = self._waiting, {}
        for member in list(waiting):
            if self.door.is_full:
                break
            del waiting[member]
            self.guard(member, member.door_has_room)
        self._waiting = {**waiting, **self._waiting}
        if self._waiting:
            self._ask_door()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run the one thing of a connection that waits: its authentication."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def sweep(self) -> None:
        """Close what is overdue."""
        self._sweep_some(list(self._members))

    def _sweep_some(self, members: list[Member]) -> None:
        """Look at some of them and leave the rest for after what else the loop has to do."""
        now_ms = self.now_ms()
        for member in members[-SWEEP_AT_ONCE:]:
            self.guard(member, partial(member.expire, now_ms))
        del members[-SWEEP_AT_ONCE:]
        if members:
            asyncio.get_running_loop().call_soon(self._sweep_some, members)

    async def drain(self, timeout_s: float) -> None:
        """Close every connection, giving each the time to get its last acknowledgements."""
        self.is_stopping = True
        for member in list(self._members):
            self.guard(member, member.stop)
        if not await self._emptied(timeout_s):
            logger.warning("%d MQTT connections miss acknowledgements", len(self._members))
            for member in list(self._members):
                self.guard(member, member.close_now)
            await self._emptied(GOOD_BYE_S)
        for member in list(self._members):
            member.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _emptied(self, timeout_s: float) -> bool:
        try:
            await asyncio.wait_for(self._empty.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    def guard(self, member: Member, call: Callable[[], None]) -> None:
        """Call; a failure of ours is logged and ends that one connection."""
        try:
            call()
        except Exception as error:  # noqa: BLE001 - the outermost loop of this edge
            self.log_failure(error)
            member.abort()

    def log_failure(self, error: Exception) -> None:
        """Log a failure of ours with an id to find it by."""
        self.stats.unexpected_errors += 1
        logger.error("an MQTT connection failed; error id %s", uuid4(), exc_info=error)
