"""One socket: it authenticates, its commands are answered in order, until it closes or must end.

Four tasks share it: one reads commands, one sends (``Outbox.run``), one looks at the token and the
backlog, one at entities that changed hands and at dynamic queries. The first that raises
:class:`Close` or :class:`Gone` ends all.
"""

import asyncio
import logging
from functools import partial
from typing import NoReturn

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from fieldline.api.websocket import notifications
from fieldline.api.websocket.alarm_commands import AlarmCountCmd, AlarmDataCmd, AlarmStatusCmd
from fieldline.api.websocket.alarm_queries import AlarmQueries
from fieldline.api.websocket.closing import Close, CloseCode, Gone
from fieldline.api.websocket.commands import (
    AnyFrame,
    AttributesCmd,
    AuthCmd,
    EntityDataCmd,
    HistoryCmd,
    NotificationCmd,
    TimeseriesCmd,
    UnservedCmd,
    UnsubscribeCmd,
    parse_frame,
)
from fieldline.api.websocket.context import Context
from fieldline.api.websocket.entity_data import EntityData, EntityDataCommands
from fieldline.api.websocket.events import EventCommands
from fieldline.api.websocket.live import Live
from fieldline.api.websocket.outbox import TOO_SLOW, Backlog, Outbox
from fieldline.api.websocket.own_commands import (
    AlarmEventsCmd,
    DevicePresenceCmd,
    RuleChainEventsCmd,
)
from fieldline.api.websocket.parts import Parts
from fieldline.api.websocket.updates import ErrorCode
from fieldline.api.websocket.v1 import V1Commands, V1Subscription
from fieldline.api.websocket.wire import Command
from fieldline.domains.telemetry.source import Source
from fieldline.kit.errors import (
    FieldlineError,
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.security.caller import Caller
from fieldline.security.tokens import AccessToken

logger = logging.getLogger(__name__)
CLOSE_TIMEOUT_S = 1.0


class Session:
    """One socket from its handshake to its end."""

    def __init__(self, socket: WebSocket, parts: Parts, wrapper: type[AnyFrame]) -> None:
        self._socket = socket
        self._parts = parts
        self._wrapper = wrapper
        self._limits = parts.limits
        self._outbox = Outbox(self._send, parts.limits)
        self._backlog = Backlog(parts.limits, self._on_full)
        self._busy = asyncio.Lock()
        self._alarm = asyncio.Event()
        self._change = asyncio.Event()
        self._is_full = False
        self._changed: dict[EntityRef, list[Live]] = {}
        self._context: Context | None = None
        self._access: AccessToken | None = None

    async def run(self) -> None:
        """Serve the socket until it ends."""
        try:
            await self._run()
        except* Gone:
            pass
        except* Close as closes:
            await self._close(_first(closes))
        except* Unavailable:
            await self._close(Close(CloseCode.TRY_LATER, "The database is away; try again"))
        except* Exception:
            logger.exception("a WebSocket session failed")
            await self._close(Close(CloseCode.SERVER_ERROR, "Internal error"))
        finally:
            if self._context is not None:
                self._context.end_all()

    @property
    def caller(self) -> Caller | None:
        return self._context.caller if self._context is not None else None

    @property
    def v1_subscriptions(self) -> int:
        subscriptions = self._context.subscriptions.values() if self._context is not None else ()
        return sum(isinstance(each, V1Subscription) for each in subscriptions)

    def entity_changed(self, entity: EntityRef) -> None:
        """Look again at who may see an entity; its updates wait until that is settled."""
        if entity in self._changed:
            return
        lives = [live for live in self._lives() if live.is_watching(entity)]
        if lives:
            for live in lives:
                live.hold()
            self._changed[entity] = lives
            self._change.set()

    def wake(self) -> None:
        """Look at the token now."""
        self._alarm.set()

    async def _run(self) -> None:
        try:
            await self._socket.accept()
        except (OSError, WebSocketDisconnect) as error:
            raise Gone from error
        frame = await self._authenticate()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._outbox.run())
            group.create_task(self._stay_valid())
            group.create_task(self._keep_house())
            if frame is not None:
                await self._answer(frame)
            await self._read()

    async def _authenticate(self) -> AnyFrame | None:
        """Find out who is calling; returns the first frame when that was in it."""
        token = self._socket.query_params.get("token")
        if token is not None:
            try:
                await self._begin(token)
            except Unauthenticated as error:
                raise Close(CloseCode.SERVER_ERROR, error.message) from error
            return None
        try:
            async with asyncio.timeout(self._limits.auth_timeout_s):
                text = await self._receive()
        except TimeoutError as error:
            raise Close(CloseCode.POLICY, "Authentication timeout") from error
        try:
            frame = parse_frame(text, self._wrapper)
            if frame.auth_cmd is None:
                raise Close(CloseCode.POLICY, "Auth cmd is missing")
            await self._begin(_token_of(frame.auth_cmd))
        except (Invalid, Unauthenticated) as error:
            raise Close(CloseCode.BAD_DATA, error.message) from error
        return frame

    async def _begin(self, token: str) -> None:
        access = self._parts.services.tokens.read_access(token)
        quotas = await self._parts.quotas_of(access.caller)
        self._parts.refuse_session_over(quotas)
        self._access = access
        self._context = Context(
            access.caller,
            self._parts.services,
            self._parts.telemetry,
            self._parts.hub,
            self._limits,
            self._outbox,
            self._backlog,
            self._parts.topics,
            partial(self._parts.refuse_subscription_over, quotas),
        )
        self._v1 = V1Commands(self._context)
        self._entity_data = EntityDataCommands(self._context)
        self._events = EventCommands(self._context)
        self._queries = AlarmQueries(self._context, self._entity_data, self._change.set)

    async def _read(self) -> NoReturn:
        while True:
            await self._outbox.room()
            text = await self._receive()
            try:
                frame = parse_frame(text, self._wrapper)
            except Invalid:
                self._refuse(1, "Failed to parse the payload")
                continue
            await self._answer(frame)

    async def _receive(self) -> str:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise Gone
        text = message.get("text")
        if text is None:
            raise Close(CloseCode.BAD_DATA, "Only text frames are understood")
        if len(text) > self._limits.max_frame_bytes or len(text.encode()) > (
            self._limits.max_frame_bytes
        ):
            msg = f"A frame may have {self._limits.max_frame_bytes} bytes"
            raise Close(CloseCode.TOO_BIG, msg)
        return str(text)

    async def _answer(self, frame: AnyFrame) -> None:
        for command in frame.commands():
            await self._outbox.room()
            async with self._busy:
                try:
                    await self._dispatch(command)
                except Exception as error:
                    if isinstance(error, Close):
                        raise
                    logger.exception("a WebSocket command failed")
                    raise Close(CloseCode.RESTART, "Unexpected error") from error

    async def _dispatch(self, command: Command) -> None:
        match command:
            case AttributesCmd():
                await self._v1.attributes(command)
            case TimeseriesCmd():
                await self._v1.timeseries(command)
            case HistoryCmd():
                await self._v1.history(command)
            case EntityDataCmd():
                await self._entity_data.entity_data(command)
            case DevicePresenceCmd() | AlarmEventsCmd() | RuleChainEventsCmd():
                await self._events.subscribe(command)
            case AlarmDataCmd() | AlarmCountCmd() | AlarmStatusCmd():
                await self._queries.subscribe(command)
            case UnsubscribeCmd():
                self._unsubscribe(command.cmd_id)
            case NotificationCmd():
                self._answer_notifications(command)
            case UnservedCmd():
                self._refuse(
                    command.cmd_id, f"Command type {command.name} is not served by this server"
                )

    def _answer_notifications(self, command: NotificationCmd) -> None:
        reply = notifications.reply(command)
        if command.cmd_id < 0:
            self._refuse(command.cmd_id, "Cmd id is negative value!")
        elif reply is not None:
            self._outbox.post(reply)

    def _unsubscribe(self, cmd_id: int) -> None:
        if cmd_id < 0:
            self._refuse(cmd_id, "Cmd id is negative value!")
        elif self._context is not None:
            self._context.end(cmd_id)

    async def _stay_valid(self) -> NoReturn:
        """End a socket that is too slow, or whose token is not valid any more.

        A token ends as it would be refused in the URL (1011): the console then connects again with
        its new token, without showing the reason.
        """
        while True:
            if self._is_full:
                raise Close(CloseCode.POLICY, TOO_SLOW)
            tokens = self._parts.services.tokens
            if self._access is not None and tokens.is_outdated(self._access):
                raise Close(CloseCode.SERVER_ERROR, "Token has expired")
            await _wait(self._alarm, self._limits.check_interval_s)

    async def _keep_house(self) -> NoReturn:
        loop = asyncio.get_running_loop()
        refresh_at = loop.time() + self._limits.refresh_interval_s
        while True:
            await _wait(self._change, max(refresh_at - loop.time(), 0))
            async with self._busy:
                await self._settle_changes()
                if self._queries.is_due:
                    await self._queries.refresh()
                if loop.time() >= refresh_at:
                    refresh_at = loop.time() + self._limits.refresh_interval_s
                    await self._refresh()

    async def _settle_changes(self) -> None:
        """End what the caller may not watch any more, and let the rest go on."""
        while self._changed:
            entity = next(iter(self._changed))
            lives = self._changed.pop(entity)
            is_allowed, source = await self._look_at(entity)
            for live in lives:
                if not is_allowed:
                    live.drop(entity)
                elif source is not None and live.is_watching(entity):
                    live.follow(entity, source)
                live.let_go()
            if not is_allowed:
                self._end_unwatched()

    def _end_unwatched(self) -> None:
        """End and answer the subscriptions that have nothing left to watch."""
        context = self._context
        for cmd_id, subscription in tuple(context.subscriptions.items() if context else ()):
            lives = subscription.lives
            if context and lives and all(live.is_over for live in lives):
                context.end(cmd_id)
                context.refuse(cmd_id, ErrorCode.UNAUTHORIZED, "Unauthorized")

    async def _look_at(self, entity: EntityRef) -> tuple[bool, Source | None]:
        """Return whether the caller may read an entity, and where its readings are if known."""
        context = self._context
        if context is None:
            return False, None
        try:
            if entity.type is EntityType.RULE_CHAIN:
                await self._events.check_chain(entity.id)
                return True, None
            return True, await context.telemetry.source(context.caller, entity)
        except (NotFound, Forbidden, Invalid):
            return False, None
        except FieldlineError:
            return True, None  # the database is away; readings that are committed go on

    async def _refresh(self) -> None:
        self._queries.age()
        for subscription in tuple(self._context.subscriptions.values() if self._context else ()):
            if isinstance(subscription, EntityData) and subscription.query.page_link.dynamic:
                await self._entity_data.refresh(subscription)

    def _lives(self) -> list[Live]:
        if self._context is None:
            return []
        return [live for each in self._context.subscriptions.values() for live in each.lives]

    def _refuse(self, cmd_id: int, message: str) -> None:
        if self._context is not None:
            self._context.refuse(cmd_id, ErrorCode.BAD_REQUEST, message)

    def _on_full(self) -> None:
        """Stop collecting at once; :meth:`_stay_valid` then closes the socket."""
        self._is_full = True
        self._alarm.set()
        if self._context is not None:
            self._context.end_all()

    async def _send(self, text: str) -> None:
        try:
            await self._socket.send_text(text)
        except (WebSocketDisconnect, RuntimeError) as error:
            raise Gone from error

    async def _close(self, close: Close) -> None:
        if self._socket.application_state is not WebSocketState.CONNECTED:
            return
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._socket.close(close.code, close.reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            logger.debug("a WebSocket was gone before it could be closed")


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    """Wait until the event is set, or for so long; the event is then clear again."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        pass
    event.clear()


def _token_of(command: AuthCmd) -> str:
    if command.api_key:
        msg = "API keys are not served; authenticate with a token"
        raise Unauthenticated(msg)
    return command.token


def _first(group: BaseExceptionGroup[Close]) -> Close:
    """Return the first reason of a group, however deep."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, Close) else Close(CloseCode.SERVER_ERROR)
