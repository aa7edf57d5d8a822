"""Fieldline's own subscriptions: presence of devices, alarms, events of rule chains.

Each begins with a frame whose ``data`` is how things are, then sends what happens as ``update``.
Who may not see what was asked for is refused with error 3, and nothing is watched.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import orjson

from fieldline.api.websocket.context import Context
from fieldline.api.websocket.feeds import Feed, Item, Read
from fieldline.api.websocket.own_commands import (
    AlarmEventsCmd,
    DevicePresenceCmd,
    RuleChainEventsCmd,
)
from fieldline.api.websocket.updates import ErrorCode, encoded
from fieldline.api.websocket.v1 import V1Subscription
from fieldline.database.things import ThingFilter
from fieldline.domains.alarm import service as alarm_service
from fieldline.domains.alarm.schemas import Alarm
from fieldline.domains.alarm.status import AlarmFilter
from fieldline.domains.device import service as device_service
from fieldline.domains.entity.access import known
from fieldline.domains.event import service as event_service
from fieldline.domains.event.events import EventsStored
from fieldline.domains.event.filters import EventFilter
from fieldline.domains.event.schemas import event_info
from fieldline.domains.rule_chain import service as rule_chain_service
from fieldline.kit.errors import FieldlineError, Forbidden, Invalid, NotFound
from fieldline.kit.ids import EntityRef, EntityType, parse_ref
from fieldline.kit.paging import PageRequest
from fieldline.messaging.events import EntityChanged, PresenceChanged
from fieldline.security.permissions import DENIED, Operation
from fieldline.subscriptions.topics import Topic

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

EventCmd = DevicePresenceCmd | AlarmEventsCmd | RuleChainEventsCmd
UNAVAILABLE = "Failed to fetch data!"


class Present(NamedTuple):
    """How things are: what is shown, of how many there are."""

    items: list[dict[str, Any]]
    total: int


class EventCommands:
    """Answers the commands of one socket."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def subscribe(self, command: EventCmd) -> None:
        """Answer how things are, then with what happens."""
        context, cmd_id = self._context, command.cmd_id
        if cmd_id < 0:
            context.refuse(cmd_id, ErrorCode.BAD_REQUEST, "Cmd id is negative value!")
            return
        context.end(cmd_id)
        context.refuse_over_quota()
        try:
            await self._begin(command)
        except Invalid as error:
            self._fail(cmd_id, ErrorCode.BAD_REQUEST, error.message)
        except (NotFound, Forbidden):
            self._fail(cmd_id, ErrorCode.UNAUTHORIZED, "Unauthorized")
        except FieldlineError:
            self._fail(cmd_id, ErrorCode.INTERNAL, UNAVAILABLE)

    async def check_chain(self, chain_id: UUID) -> None:
        """Raise unless the caller may see the rule chain, as its domain says."""
        async with self._context.services.database.read() as session:
            await rule_chain_service.get(session, self._context.caller, chain_id)

    async def _begin(self, command: EventCmd) -> None:
        """Watch before anything is read, so that nothing is missed; send when all is checked."""
        context = self._context
        entities = _entities_of(command)
        feed = self._feed(command, everything=entities is None)
        context.add(command.cmd_id, V1Subscription(feed))
        context.watch(feed, entities or ())
        async with context.services.database.read() as session:
            present = await self._present(session, command)
        frame = await encoded(len(present.items), lambda: _frame(command, present))
        context.outbox.post(frame)
        feed.let_go()

    def _feed(self, command: EventCmd, *, everything: bool) -> Feed:
        context = self._context
        if context.caller.tenant_id is None:
            raise Forbidden(DENIED)
        topic, read = self._reading(command)
        return Feed(
            context.hub,
            context.outbox,
            context.backlog,
            context.topics,
            topic=topic,
            tenant_id=context.caller.tenant_id,
            read=read,
            encode=lambda items: _frame(command, None, items),
            everything=everything,
        )

    def _reading(self, command: EventCmd) -> tuple[Topic, Read]:
        match command:
            case DevicePresenceCmd():
                return Topic.PRESENCE, self._read_presence
            case AlarmEventsCmd():
                return Topic.ALARMS, lambda event: self._read_alarm(command, event)
            case RuleChainEventsCmd():
                return Topic.RULE_EVENTS, lambda event: _read_rule_events(command, event)

    async def _present(self, session: "AsyncSession", command: EventCmd) -> Present:
        match command:
            case DevicePresenceCmd():
                return await self._presence(session, command)
            case AlarmEventsCmd():
                return await self._alarms(session, command)
            case RuleChainEventsCmd():
                return await self._rule_events(session, command)

    async def _presence(self, session: "AsyncSession", command: DevicePresenceCmd) -> Present:
        caller = self._context.caller
        if command.entity_ids is None:
            request = PageRequest(limit=self._context.limits.max_entities)
            page = await device_service.page(session, caller, request, ThingFilter())
            devices, total = page.items, page.total
        else:
            ids = set(command.entity_ids)
            devices = list(await device_service.by_ids(session, caller, ids))
            total = len(devices)
            if total < len(ids):
                raise NotFound("One of the devices is not there, as far as the caller may know")
        active = await device_service.active_of(session, [device.id for device in devices])
        items = [
            _presence(
                EntityRef(EntityType.DEVICE, device.id), device.name, is_active=device.id in active
            )
            for device in devices
        ]
        return Present(items, total)

    async def _alarms(self, session: "AsyncSession", command: AlarmEventsCmd) -> Present:
        caller = self._context.caller
        for entity in _entities_of(command) or ():
            await known(session, caller, Operation.READ, entity)
        wanted = AlarmFilter(
            cleared=False,
            severities=tuple(command.severity_list),
            types=tuple(command.type_list),
            originator_ids=None if command.entity_ids is None else tuple(command.entity_ids),
        )
        page = await alarm_service.page(session, caller, wanted, PageRequest(limit=command.limit))
        items = [
            {
                "action": "ACTIVE",
                "alarm": Alarm.model_validate(alarm).model_dump(mode="json", by_alias=True),
            }
            for alarm in page.items
        ]
        return Present(items, page.total)

    async def _rule_events(self, session: "AsyncSession", command: RuleChainEventsCmd) -> Present:
        page = await event_service.page_of_chain(
            session,
            self._context.caller,
            command.rule_chain_id,
            EventFilter(entity_id=command.rule_node_id),
            PageRequest(limit=command.limit),
        )
        items = [_shown(event) for event in reversed(page.items)]
        return Present(items, page.total)

    def _read_presence(self, event: PresenceChanged) -> list[Item]:
        if not self._is_own(event.customer_id):
            return []
        shown = _presence(event.entity, event.name, is_active=event.is_active)
        return [Item(event.entity, {**shown, "ts": event.ts_ms})]

    def _read_alarm(self, command: AlarmEventsCmd, event: EntityChanged) -> list[Item]:
        detail = event.detail or {}
        if not self._is_own(detail["customer_id"]):
            return []
        if command.type_list and detail["type"] not in command.type_list:
            return []
        if command.severity_list and detail["severity"] not in command.severity_list:
            return []
        shown = {"action": detail["action"], "alarm": detail["alarm"]}
        return [Item(detail["originator"], shown, len(orjson.dumps(shown)))]

    def _is_own(self, customer_id: UUID | None) -> bool:
        """Whether a customer user may see what belongs to this customer."""
        caller = self._context.caller
        return not caller.is_customer_user or (
            customer_id is not None and customer_id == caller.customer_id
        )

    def _fail(self, cmd_id: int, code: ErrorCode, message: str) -> None:
        self._context.end(cmd_id)
        self._context.refuse(cmd_id, code, message)


def _entities_of(command: EventCmd) -> list[EntityRef] | None:
    """Return what a command is bound to; None for everything that the caller may see.

    Raises:
        Invalid: there is no such type of entity.
    """
    if isinstance(command, RuleChainEventsCmd):
        return [EntityRef(EntityType.RULE_CHAIN, command.rule_chain_id)]
    if command.entity_ids is None:
        return None
    kind = command.entity_type if isinstance(command, AlarmEventsCmd) else "DEVICE"
    return [parse_ref(kind, str(each)) for each in dict.fromkeys(command.entity_ids)]


def _read_rule_events(command: RuleChainEventsCmd, event: EventsStored) -> list[Item]:
    if event.rule_chain_id != command.rule_chain_id:
        return []
    chain = EntityRef(EntityType.RULE_CHAIN, event.rule_chain_id)
    return [
        Item(chain, _shown(record), record.size_bytes)
        for record in event.records
        if command.rule_node_id in {None, record.entity.id}
    ]


def _presence(entity: EntityRef, name: str, *, is_active: bool) -> dict[str, Any]:
    ref = {"entityType": entity.type.value, "id": str(entity.id)}
    return {"entityId": ref, "name": name, "active": is_active}


def _shown(event: Any) -> dict[str, Any]:  # noqa: ANN401 - a row or a record
    return event_info(event).model_dump(mode="json", by_alias=True)


def _frame(
    command: EventCmd, present: Present | None, update: Sequence[dict[str, Any]] | None = None
) -> bytes:
    return orjson.dumps(
        {
            "cmdId": command.cmd_id,
            "cmdUpdateType": command.type,
            "errorCode": ErrorCode.NONE,
            "errorMsg": None,
            "data": None if present is None else present.items,
            "totalElements": None if present is None else present.total,
            "update": update,
        }
    )
