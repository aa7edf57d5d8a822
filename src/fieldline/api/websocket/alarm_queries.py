"""ALARM_DATA, ALARM_COUNT and ALARM_STATUS: questions that are asked again when alarms change.

A change of an alarm only marks the questions that it may concern; these are asked again a moment
later, at most once in :data:`REQUERY_S`, and answered when the answer is another one.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import orjson

from fieldline.api.websocket.alarm_commands import (
    AlarmCountCmd,
    AlarmDataCmd,
    AlarmStatusCmd,
)
from fieldline.api.websocket.commands import EntityDataQuery
from fieldline.api.websocket.context import Context
from fieldline.api.websocket.entities import Row, resolve
from fieldline.api.websocket.entity_data import EntityDataCommands
from fieldline.api.websocket.live import Live
from fieldline.api.websocket.requery import Requery
from fieldline.api.websocket.updates import ErrorCode, encoded, ts_value
from fieldline.api.websocket.wire import PageLink
from fieldline.domains.alarm import service as alarm_service
from fieldline.domains.alarm.names import with_names
from fieldline.domains.alarm.status import AlarmFilter
from fieldline.domains.entity.access import known as known_entity
from fieldline.kit.errors import FieldlineError, Forbidden, Invalid, NotFound
from fieldline.kit.ids import EntityRef
from fieldline.kit.paging import PageRequest
from fieldline.security.permissions import Operation

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

REQUERY_S = 1.0
MAX_PAGE = 1_000
"""Alarms of one page."""
AlarmCmd = AlarmDataCmd | AlarmCountCmd | AlarmStatusCmd
SORTABLE = {
    "createdTime": "created_time",
    "startTime": "start_ts",
    "endTime": "end_ts",
    "ackTime": "ack_ts",
    "clearTime": "clear_ts",
    "assignTime": "assign_ts",
    "type": "type",
    "severity": "severity",
    "status": "status",
}


@dataclass(slots=True)
class AlarmQuery:
    """One question; ``answer`` is what was sent last."""

    command: AlarmCmd
    live: Requery
    answer: Any = None
    shown: dict[str, Any] = field(default_factory=dict)
    is_answered: bool = False

    @property
    def lives(self) -> list[Live]:
        return [self.live]


class AlarmQueries:
    """Answers the commands of one socket.

    Args:
        context: of the socket.
        entity_data: reads the values of entities.
        wake: has :meth:`refresh` called when :attr:`is_due`.
    """

    def __init__(
        self, context: Context, entity_data: EntityDataCommands, wake: Callable[[], None]
    ) -> None:
        self.is_due = False
        self._context = context
        self._entity_data = entity_data
        self._wake = wake
        self._timer: asyncio.TimerHandle | None = None
        self._next_s = 0.0

    async def subscribe(self, command: AlarmCmd) -> None:
        """Answer now, and whenever the answer changes."""
        context, cmd_id = self._context, command.cmd_id
        if cmd_id < 0:
            context.refuse(cmd_id, ErrorCode.BAD_REQUEST, "Cmd id is negative value!")
            return
        if not isinstance(command, AlarmStatusCmd) and command.query is None:
            context.refuse(cmd_id, ErrorCode.BAD_REQUEST, "Query is empty!")
            return
        known = context.subscriptions.get(cmd_id)
        if isinstance(known, AlarmQuery) and not isinstance(command, AlarmDataCmd):
            return
        try:
            is_bound = isinstance(command, AlarmStatusCmd)
            query = AlarmQuery(command, Requery(context, self._hurry, is_bound=is_bound))
            context.add(cmd_id, query)
            context.watch(query.live, ())
            await self._answer(query)
        except (NotFound, Forbidden):
            self._fail(cmd_id, ErrorCode.UNAUTHORIZED, "Unauthorized")
        except Invalid as error:
            self._fail(cmd_id, ErrorCode.INTERNAL, error.message)
        except FieldlineError:
            self._fail(cmd_id, ErrorCode.INTERNAL, "Failed to process websocket command!")

    def age(self) -> None:
        """Have every question asked again: the times that they speak of have moved."""
        for query in self._queries():
            query.live.is_stale = True
        self.is_due = True

    async def refresh(self) -> None:
        """Ask the questions again that changes may concern."""
        self.is_due = False
        self._next_s = asyncio.get_running_loop().time() + REQUERY_S
        for query in self._queries():
            if query.live.is_stale:
                try:
                    await self._answer(query)
                except FieldlineError:
                    query.live.is_stale = True  # the next change or minute asks again

    def _queries(self) -> list[AlarmQuery]:
        return [q for q in self._context.subscriptions.values() if isinstance(q, AlarmQuery)]

    def _hurry(self) -> None:
        if self._timer is None and not self.is_due:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(self._next_s - loop.time(), 0), self._be_due)

    def _be_due(self) -> None:
        self._timer = None
        self.is_due = True
        self._wake()

    async def _answer(self, query: AlarmQuery) -> None:
        query.live.is_stale = False
        command = query.command
        async with self._context.services.database.read() as session:
            match command:
                case AlarmDataCmd():
                    frame = await self._page(session, query, command)
                case AlarmCountCmd():
                    frame = await self._count(session, query, command)
                case AlarmStatusCmd():
                    frame = await self._status(session, query, command)
        if frame is not None:
            self._context.outbox.post(frame)
        query.is_answered = True

    async def _status(
        self, session: "AsyncSession", query: AlarmQuery, command: AlarmStatusCmd
    ) -> bytes | None:
        originator, caller = command.originator_id, self._context.caller
        await known_entity(session, caller, Operation.READ, originator)
        self._watch(query, {originator})
        wanted = AlarmFilter(
            cleared=False,
            severities=tuple(command.severity_list),
            types=tuple(command.type_list),
            originator_ids=(originator.id,),
        )
        found = await alarm_service.page(session, caller, wanted, PageRequest(limit=1))
        return _if_other(query, command, "ALARM_STATUS", active=found.total > 0)

    async def _count(
        self, session: "AsyncSession", query: AlarmQuery, command: AlarmCountCmd
    ) -> bytes | None:
        asked = command.query
        if asked is None:
            return None
        wanted = asked.filter_at(self._context.services.clock.now_ms())
        if asked.entity_filter is not None:
            rows = await self._entities(session, asked.entity_filter, asked.key_filters)
            self._watch(query, set(rows))
            wanted = replace(wanted, originator_ids=tuple(ref.id for ref in rows))
        caller = self._context.caller
        found = await alarm_service.page(session, caller, wanted, PageRequest(limit=1))
        return _if_other(query, command, "ALARM_COUNT_DATA", count=found.total)

    async def _page(
        self, session: "AsyncSession", query: AlarmQuery, command: AlarmDataCmd
    ) -> bytes | None:
        asked, caller = command.query, self._context.caller
        if asked is None:
            return None
        request = asked.page_link.request(SORTABLE, "ALARM_FIELD", max_size=MAX_PAGE)
        rows = await self._entities(session, asked.entity_filter, asked.key_filters)
        self._watch(query, set(rows))
        wanted = asked.page_link.filter_at(self._context.services.clock.now_ms())
        wanted = replace(wanted, originator_ids=tuple(ref.id for ref in rows))
        found = await alarm_service.page(session, caller, wanted, request)
        items: dict[str, Any] = {}
        for info in await with_names(session, caller, found.items):
            row = rows[info.originator]
            keys = [*asked.entity_fields, *asked.latest_values]
            latest = await self._entity_data.values_of(row, keys)
            items[str(info.id)] = {
                **info.model_dump(mode="json", by_alias=True),
                "entityId": {"entityType": row.ref.type.value, "id": str(row.ref.id)},
                "latest": {
                    kind: {key: ts_value(shown) for key, shown in values.items()}
                    for kind, values in latest.items()
                },
            }
        return await self._encode_page(query, items, request, found.total, len(rows))

    async def _encode_page(
        self,
        query: AlarmQuery,
        items: dict[str, Any],
        request: PageRequest,
        total: int,
        entities: int,
    ) -> bytes | None:
        """Encode the whole page when other alarms are in it, else only those that changed."""
        before, query.shown = query.shown, items
        answer = (list(items), total)
        is_same_set, query.answer = query.answer == answer, answer
        changed = [item for key, item in items.items() if _alarm(before.get(key)) != _alarm(item)]
        if query.is_answered and is_same_set and not changed:
            return None
        data = None
        if not (query.is_answered and is_same_set):
            data = {
                "data": list(items.values()),
                "totalPages": -(-total // request.limit),
                "totalElements": total,
                "hasNext": request.offset + request.limit < total,
            }
        frame = {
            "cmdId": query.command.cmd_id,
            "data": data,
            "update": None if data is not None else changed,
            "errorCode": ErrorCode.NONE,
            "errorMsg": None,
            "allowedEntities": self._context.limits.max_entities,
            "totalEntities": entities,
            "cmdUpdateType": "ALARM_DATA",
        }
        return await encoded(len(items), lambda: orjson.dumps(frame))

    async def _entities(
        self,
        session: "AsyncSession",
        entity_filter: dict[str, Any],
        key_filters: list[dict[str, Any]],
    ) -> dict[EntityRef, Row]:
        """Return the entities that a filter means, as far as the caller may see them."""
        most = self._context.limits.max_entities
        asked = EntityDataQuery(
            entity_filter=entity_filter, page_link=PageLink(page_size=most), key_filters=key_filters
        )
        page = await resolve(session, self._context.caller, asked, max_entities=most)
        return {row.ref: row for row in page.items}

    def _watch(self, query: AlarmQuery, wanted: set[EntityRef]) -> None:
        """Follow the entities of a question, which may be others than before."""
        live = query.live
        live.follow_only(wanted)
        before = set(live.entities)
        for ref in before - wanted:
            live.drop(ref)
        live.is_stale = False
        self._context.watch(live, wanted - before)

    def _fail(self, cmd_id: int, code: ErrorCode, message: str) -> None:
        self._context.end(cmd_id)
        self._context.refuse(cmd_id, code, message)


def _if_other(query: AlarmQuery, command: AlarmCmd, kind: str, **answer: object) -> bytes | None:
    """Encode a short answer, if it is another one than was sent last."""
    if query.is_answered and query.answer == answer:
        return None
    query.answer = answer
    frame = {"cmdId": command.cmd_id, "cmdUpdateType": kind, **answer}
    return orjson.dumps({**frame, "errorCode": ErrorCode.NONE, "errorMsg": None})


def _alarm(item: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what of an item is the alarm's own: values of the entity come with other commands."""
    return None if item is None else {k: v for k, v in item.items() if k != "latest"}
