"""RPC from the platform to devices: sent to whoever is there, kept for whoever is not.

A command goes to every session of its device that wants commands; the first answer counts. One that
is not answered yet is sent again to each session that begins to want them, after those that are new
to the device: a long poll takes the first. What is kept in the database stays in memory only while
the device is there.

Source: ThingsBoard's MQTT device API, RPC lifecycle (submit strategy BURST).
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from fieldline.domains.rpc.command import Answer, Command, OnAnswer, RpcError, RpcStatus
from fieldline.domains.rpc.events import RpcDeleted, RpcKept
from fieldline.domains.rpc.service import MAX_PENDING
from fieldline.ingest.command_numbers import CommandNumbers
from fieldline.ingest.lookups import Lookups
from fieldline.ingest.parts import DoorParts, IngestOptions
from fieldline.ingest.session import DeviceSession, RpcRequest
from fieldline.ingest.subscribers import Subscribers
from fieldline.kit.errors import Unavailable
from fieldline.kit.ids import EntityType
from fieldline.kit.lru import Lru
from fieldline.messaging.events import Change, EntityChanged

logger = logging.getLogger(__name__)

DELIVERY_MS = 10_000
"""Time that a device has to acknowledge a command."""
SWEEP_S = 1.0
EXPIRE_EVERY_S = 60.0
"""How often it is looked for kept commands of absent devices whose time is over."""
_TIMEOUTS = 20_000
"""Kept commands of which it is remembered how often they were not acknowledged."""


class _Open:
    """A command that is on its way; ``then`` is None once its sender has been answered."""

    __slots__ = ("command", "deliver_by_ms", "is_delivered", "number", "then", "was_sent")

    def __init__(self, command: Command, number: int, then: OnAnswer | None) -> None:
        self.command = command
        self.number = number
        self.then = then
        self.was_sent = False
        self.is_delivered = command.was_delivered
        self.deliver_by_ms = 0


class ServerRpc:
    """See the module's text.

    Args:
        parts: the clock, the bus and the kept commands are used.
        subscribers: the sessions that want commands.
        lookups: runs what needs the database.
        limits: how many commands may be open.
    """

    def __init__(
        self,
        parts: DoorParts,
        subscribers: Subscribers,
        lookups: Lookups,
        limits: IngestOptions,
    ) -> None:
        self._now_ms = parts.clock.now_ms
        self._kept = parts.commands
        self._subscribers = subscribers
        self._lookups = lookups
        self._limit = limits.server_rpcs
        self._tenant_limit = limits.tenant_server_rpcs
        self._devices: dict[UUID, OrderedDict[int, _Open]] = {}
        self._open: dict[tuple[UUID, UUID], _Open] = {}
        self._of_tenant: dict[UUID, int] = {}
        self._absent: set[UUID] = set()
        self._numbers = CommandNumbers()
        self._timeouts: Lru[UUID, int] = Lru(_TIMEOUTS)
        self._tasks: list[asyncio.Task[None]] = []
        subscribers.on_last = self._on_device_left
        parts.bus.listen(RpcDeleted, self._on_deleted)
        parts.bus.listen(EntityChanged, self._on_entity)
        parts.bus.listen(RpcKept, lambda event: self._take_up(event.command))

    def __len__(self) -> int:
        return len(self._open)

    def start(self) -> None:
        """Begin to look for what is overdue."""
        self._tasks = [
            asyncio.create_task(self._sweep_now_and_then()),
            asyncio.create_task(self._expire_now_and_then()),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self.end_waiting()

    def end_waiting(self) -> None:
        """Answer every sender that waits, as if the time was over."""
        for open_ in list(self._open.values()):
            if open_.then is not None:
                self._finish(open_, _too_late(open_))

    # From whoever sends commands

    def submit(self, command: Command, then: OnAnswer) -> None:
        """Send a command; ``then`` is called with the answer, for a kept one when it is stored."""
        if command.expires_ms <= self._now_ms():
            then(Answer(error=RpcError.TIMEOUT))
        elif command.is_persistent:
            self._keep(command, then)
        elif _key(command) in self._open or self._is_full(command.tenant_id):
            then(Answer(error=RpcError.OVERLOADED))
        else:
            self._send(self._begin(command, then))

    def _keep(self, command: Command, then: OnAnswer) -> None:
        if self._kept.is_full:
            then(Answer(error=RpcError.OVERLOADED))
            return

        def on_kept(is_kept: bool) -> None:  # noqa: FBT001 - a callback
            if not is_kept:
                then(Answer(error=RpcError.NOT_FOUND))
                return
            then(Answer(f'{{"rpcId":"{command.id}"}}'))
            self._take_up(command)

        self._kept.keep(command, on_kept)

    def _take_up(self, command: Command) -> None:
        """Send a kept command if its device is there; else it is read again when it comes."""
        if _key(command) in self._open:
            return
        sessions = self._subscribers.of(command.device_id)
        if not sessions or self._is_full(command.tenant_id):
            self._absent.add(command.device_id)
            return
        self._send(self._begin(command, None))

    # From the transports

    def subscribe(self, session: DeviceSession) -> None:
        """Send commands to this session from now on, first those that wait."""
        if session.is_open:
            self._subscribers.add(session)
            # After the answer to the subscription.
            asyncio.get_running_loop().call_soon(self._catch_up, session)

    def resume(self, session: DeviceSession) -> None:
        """Give a session once more what it was given and could not send."""
        for open_ in list(self._devices.get(session.device.id, {}).values()):
            if not open_.was_sent:
                _push(session, open_)

    def sent(self, session: DeviceSession, number: int) -> None:
        """Note that a command was written, and that its acknowledgement is to come."""
        open_ = self._find(session, number)
        if open_ is None:
            return
        open_.was_sent = True
        if open_.command.is_persistent:
            if not open_.is_delivered:
                self._kept.move(open_.command.id, RpcStatus.SENT)
                due_ms = self._now_ms() + DELIVERY_MS
                open_.deliver_by_ms = min(due_ms, open_.command.expires_ms)
        elif open_.command.is_oneway:
            self._finish(open_, Answer())

    def delivered(self, session: DeviceSession, number: int) -> None:
        """Note that the device has a command."""
        open_ = self._find(session, number)
        if open_ is None:
            return
        open_.was_sent = True
        open_.deliver_by_ms = 0
        if open_.command.is_persistent and not open_.is_delivered:
            self._kept.move(open_.command.id, RpcStatus.DELIVERED)
        open_.is_delivered = True
        if open_.command.is_oneway:
            self._finish(open_, Answer())

    def answered(self, session: DeviceSession, number: int, payload: bytes) -> None:
        """Take a device's answer; one that nobody waits for is nothing."""
        response = payload.decode("utf-8", "replace")
        open_ = self._find(session, number)
        if open_ is None:
            rpc_id = self._numbers.take_answer(session.device.id, number)
            if rpc_id is not None:
                self._kept.move(rpc_id, RpcStatus.SUCCESSFUL, response)
            return
        if open_.command.is_oneway:
            return
        if open_.command.is_persistent:
            self._kept.move(open_.command.id, RpcStatus.SUCCESSFUL, response)
        self._finish(open_, Answer(response))

    def refused(self, session: DeviceSession, number: int, payload: bytes) -> None:
        """End a command that its device cannot be sent; ``payload`` says why."""
        open_ = self._find(session, number)
        if open_ is None:
            return
        response = payload.decode()
        if open_.command.is_persistent:
            self._kept.move(open_.command.id, RpcStatus.FAILED, response)
        self._finish(open_, Answer(response))

    # What is overdue

    def sweep(self) -> None:
        """End the commands whose time is over; runs by itself every second."""
        now_ms = self._now_ms()
        for open_ in list(self._open.values()):
            if now_ms >= open_.command.expires_ms:
                if open_.command.is_persistent:
                    self._kept.move(open_.command.id, RpcStatus.EXPIRED)
                self._finish(open_, _too_late(open_))
            elif open_.deliver_by_ms and now_ms >= open_.deliver_by_ms:
                self._miss(open_)
        self._recall_some()

    def _recall_some(self) -> None:
        """Read what could not be taken up before for devices that are there."""
        if len(self._open) >= self._limit:
            return
        for device_id in self._absent & set(self._subscribers):
            tenant_id = self._subscribers.of(device_id)[0].device.tenant_id
            if device_id not in self._devices and not self._is_full(tenant_id):
                self._recall_soon(device_id)

    def _miss(self, open_: _Open) -> None:
        """Note that a kept command was not acknowledged; it is sent when the device comes again."""
        open_.deliver_by_ms = 0
        rpc_id, retries = open_.command.id, open_.command.retries
        timeouts = (self._timeouts.get(rpc_id) or 0) + 1
        if timeouts <= retries:
            self._timeouts.put(rpc_id, timeouts)
            self._kept.move(rpc_id, RpcStatus.TIMEOUT)
            return
        why = f"The device did not acknowledge the RPC; it was sent again {retries} times"
        self._kept.move(rpc_id, RpcStatus.FAILED, f'{{"error":"{why}"}}')
        self._finish(open_, Answer(error=RpcError.TIMEOUT))

    async def _sweep_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep()

    async def _expire_now_and_then(self) -> None:
        is_known = False
        while True:
            try:
                if not is_known:
                    self._absent.update(await self._kept.devices_with_pending())
                    is_known = True
                    self._recall_some()
                await self._kept.expire()
            except Unavailable:
                await asyncio.sleep(SWEEP_S)
                continue
            except Exception:  # its outermost loop: it must go on
                logger.exception("kept RPCs could not be looked through")
            await asyncio.sleep(EXPIRE_EVERY_S)

    # What is kept in memory

    def _is_full(self, tenant_id: UUID) -> bool:
        """Whether there are as many as there may be, of all tenants or of this one."""
        is_full = len(self._open) >= self._limit
        return is_full or self._of_tenant.get(tenant_id, 0) >= self._tenant_limit

    def _begin(self, command: Command, then: OnAnswer | None) -> _Open:
        of_device = self._devices.setdefault(command.device_id, OrderedDict())
        number = self._numbers.of(command, of_device)
        open_ = of_device[number] = self._open[_key(command)] = _Open(command, number, then)
        self._of_tenant[command.tenant_id] = self._of_tenant.get(command.tenant_id, 0) + 1
        return open_

    def _find(self, session: DeviceSession, number: int) -> _Open | None:
        of_device = self._devices.get(session.device.id)
        return None if of_device is None else of_device.get(number)

    def _finish(self, open_: _Open, answer: Answer) -> None:
        self._forget(open_)
        if open_.then is not None:
            open_.then(answer)

    def _forget(self, open_: _Open) -> None:
        command = open_.command
        if self._open.pop(_key(command), None) is not None:
            self._of_tenant[command.tenant_id] -= 1
            if not self._of_tenant[command.tenant_id]:
                del self._of_tenant[command.tenant_id]
        of_device = self._devices.get(command.device_id)
        if of_device is not None:
            of_device.pop(open_.number, None)
            if not of_device:
                del self._devices[command.device_id]

    def _send(self, open_: _Open) -> None:
        for session in self._subscribers.of(open_.command.device_id):
            _push(session, open_)

    def _catch_up(self, session: DeviceSession) -> None:
        """Send a session what its device has to do yet."""
        device_id = session.device.id
        waiting = list(self._devices.get(device_id, {}).values())
        again = [open_ for open_ in waiting if open_.is_delivered]
        self._send_to(session, [open_ for open_ in waiting if not open_.is_delivered])
        if device_id in self._absent and session.is_open:
            self._recall_soon(device_id, lambda: self._send_to(session, again))
        else:
            self._send_to(session, again)

    def _send_to(self, session: DeviceSession, commands: Iterable[_Open]) -> None:
        """Send commands that still are open to a session, if it still wants any."""
        for open_ in commands:
            is_open = self._open.get(_key(open_.command)) is open_
            if is_open and session in self._subscribers.of(session.device.id):
                _push(session, open_)

    def _recall_soon(self, device_id: UUID, then: Callable[[], None] = lambda: None) -> None:
        """Read what is kept for a device; raises nothing when that must wait for the next time.

        ``then`` is called after what is new to the device was sent, if there is anything.
        """

        async def recall() -> None:
            commands: Sequence[Command] = ()
            try:
                commands = await self._kept.pending(device_id)
            except BaseException as error:
                self._absent.add(device_id)
                if not isinstance(error, Unavailable):
                    raise
                # The next sweep asks again; what is in memory is sent now all the same.
            if any(command.was_sent for command in commands):
                self._numbers.skip_former(device_id)
            if len(commands) >= MAX_PENDING:
                self._absent.add(device_id)  # there is more when these are done
            self._take_up_all(command for command in commands if not command.was_delivered)
            then()
            self._take_up_all(command for command in commands if command.was_delivered)

        self._absent.discard(device_id)
        try:
            self._lookups.submit(recall)
        except Unavailable as error:
            self._absent.add(device_id)
            logger.warning("kept RPCs of a device wait: %s", error.message)
            then()

    def _take_up_all(self, commands: Iterable[Command]) -> None:
        for command in commands:
            self._take_up(command)

    def _on_device_left(self, device_id: UUID) -> None:
        """Forget what is kept elsewhere: it is read again when the device comes back.

        Its number stays, for a device that answers later: by HTTP it always does.
        """
        for open_ in list(self._devices.get(device_id, {}).values()):
            if open_.command.is_persistent:
                self._forget(open_)
                self._absent.add(device_id)
                self._numbers.leave(open_.command, open_.number)

    def _on_entity(self, event: EntityChanged) -> None:
        """End the commands of a device that is gone; what was kept went with it."""
        if event.entity.type is EntityType.DEVICE and event.change is Change.DELETED:
            self._absent.discard(event.entity.id)
            for open_ in list(self._devices.get(event.entity.id, {}).values()):
                self._finish(open_, Answer(error=RpcError.NOT_FOUND))

    def _on_deleted(self, event: RpcDeleted) -> None:
        open_ = self._open.get((event.device_id, event.rpc_id))
        if open_ is not None:
            self._forget(open_)


def _key(command: Command) -> tuple[UUID, UUID]:
    """Return what a command is found by: whoever sends one may choose its id, others' too."""
    return command.device_id, command.id


def _push(session: DeviceSession, open_: _Open) -> None:
    if session.listener is not None:
        command = open_.command
        session.listener.on_rpc(RpcRequest(open_.number, command.method, command.params))


def _too_late(open_: _Open) -> Answer:
    """Tell a device that did not answer from one that was not there."""
    return Answer(error=RpcError.TIMEOUT if open_.was_sent else RpcError.NO_ACTIVE_CONNECTION)
