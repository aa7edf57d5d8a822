"""The v1 commands: ATTRIBUTES, TIMESERIES and TIMESERIES_HISTORY of one entity."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fieldline.api.websocket.commands import (
    AttributesCmd,
    HistoryCmd,
    SubscriptionCmd,
    TimeseriesCmd,
)
from fieldline.api.websocket.context import Context
from fieldline.api.websocket.live import EveryPoint, LatestValues, Live, Place, Slot
from fieldline.api.websocket.updates import ErrorCode, Shown, encoded, v1_update
from fieldline.domains.telemetry.limits import check_range
from fieldline.kit.errors import FieldlineError, Invalid
from fieldline.kit.ids import EntityRef, EntityType, parse_ref
from fieldline.timeseries.store import Aggregation, RangeQuery, Scope

LATEST = "LATEST_TELEMETRY"
"""The scope of a TIMESERIES command that asks for newer values only."""
DEFAULT_LIMIT = 100
NO_DATA = "Failed to fetch data!"
NO_ATTRIBUTES = "Failed to fetch attributes!"


@dataclass(frozen=True, slots=True)
class ReadingKeys:
    """Readings of these keys; None means all."""

    keys: frozenset[str] | None

    def of_reading(self, key: str) -> tuple[str, ...]:
        return (key,) if self.keys is None or key in self.keys else ()

    def of_attribute(self, _scope: str, _key: str) -> tuple[str, ...]:
        return ()

    def reading_of(self, slot: Slot) -> str | None:
        return str(slot)


@dataclass(frozen=True, slots=True)
class AttributeKeys:
    """Attributes of these keys and scopes; keys None means all."""

    keys: frozenset[str] | None
    scopes: frozenset[str]

    def of_reading(self, _key: str) -> tuple[str, ...]:
        return ()

    def of_attribute(self, scope: str, key: str) -> tuple[str, ...]:
        if scope not in self.scopes:
            return ()
        return (key,) if self.keys is None or key in self.keys else ()

    def reading_of(self, _slot: Slot) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class V1Subscription:
    """One live part."""

    live: Live

    @property
    def lives(self) -> list[Live]:
        return [self.live]


class V1Commands:
    """Answers the v1 commands of one socket."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def attributes(self, command: AttributesCmd) -> None:
        """Answer with the present values, then with every change."""
        entity = self._entity_of(command)
        if entity is None:
            return
        keys = command.key_list
        try:
            scopes = [Scope(command.scope)] if command.scope else list(Scope)
        except ValueError:
            self._refuse(command.cmd_id, f"Invalid scope: {command.scope}")
            return
        live = self._latest(command.cmd_id, AttributeKeys(_all_or(keys), frozenset(scopes)))
        try:
            self._begin(command.cmd_id, live, entity)
            found = await self._context.telemetry.attributes(
                self._context.caller, entity, scopes, keys or None
            )
        except FieldlineError:
            self._fail(command.cmd_id, NO_ATTRIBUTES)
            return
        data: dict[str, Shown] = {}
        for scoped in found.values():
            for key, value, updated_ms in scoped:
                if key not in data or data[key][0] <= updated_ms:
                    data[key] = (updated_ms, value)
        await self._post(command.cmd_id, {key: [shown] for key, shown in data.items()})
        live.shown({(entity, key): shown for key, shown in data.items()})
        live.let_go()

    async def timeseries(self, command: TimeseriesCmd) -> None:
        """Answer with the window or the latest values, then with what comes."""
        entity = self._entity_of(command)
        if entity is None:
            return
        selection = ReadingKeys(_all_or(command.key_list))
        cmd_id = command.cmd_id
        live: LatestValues | EveryPoint = (
            self._latest(cmd_id, selection)
            if command.scope == LATEST
            else self._every_point(cmd_id, selection)
        )
        try:
            query = _window(command, entity)
            self._begin(cmd_id, live, entity)
            await self._follow(entity, live)
            data = await self._history(entity, query) if query else await self._now(entity, command)
        except Invalid as error:
            self._fail(cmd_id, error.message, ErrorCode.BAD_REQUEST)
            return
        except FieldlineError:
            self._fail(cmd_id, NO_DATA)
            return
        await self._post(cmd_id, data)
        if isinstance(live, LatestValues):
            newest = {key: max(points, key=_time) for key, points in data.items() if points}
            live.shown({(entity, key): shown for key, shown in newest.items()})
        else:
            live.shown({(entity, key): points for key, points in data.items()})
        live.let_go()

    async def history(self, command: HistoryCmd) -> None:
        """Answer with one range."""
        if self._is_wrong_id(command.cmd_id):
            return
        if not command.entity_id:
            self._refuse(command.cmd_id, "Device id is empty!")
            return
        if not command.key_list:
            self._refuse(command.cmd_id, "Keys are empty!")
            return
        try:
            entity = parse_ref(command.entity_type or "DEVICE", command.entity_id)
            query = _range(command, entity, command.start_ts, command.end_ts)
            data = await self._history(entity, query)
        except Invalid as error:
            self._refuse(command.cmd_id, error.message)
            return
        except FieldlineError:
            self._context.refuse(command.cmd_id, ErrorCode.INTERNAL, NO_DATA)
            return
        await self._post(command.cmd_id, data)

    def _entity_of(self, command: SubscriptionCmd) -> EntityRef | None:
        """Return what to subscribe to; None when that is settled already."""
        if self._is_wrong_id(command.cmd_id):
            return None
        if command.unsubscribe:
            if command.entity_id:
                self._context.end(command.cmd_id)
            else:
                self._context.end_all()
            return None
        if not command.entity_id:
            self._refuse(command.cmd_id, "Device id is empty!")
            return None
        try:
            return parse_ref(command.entity_type or "DEVICE", command.entity_id)
        except Invalid as error:
            self._refuse(command.cmd_id, error.message)
            return None

    def _begin(self, cmd_id: int, live: Live, entity: EntityRef) -> None:
        """Watch before anything is read, so that nothing is missed."""
        self._context.end(cmd_id)
        self._context.refuse_over_quota()
        self._context.add(cmd_id, V1Subscription(live))
        self._context.watch(live, [entity])

    async def _follow(self, entity: EntityRef, live: Live) -> None:
        """Look up what an entity view shows; of others that is known."""
        if entity.type is EntityType.ENTITY_VIEW:
            source = await self._context.telemetry.source(self._context.caller, entity)
            live.follow(entity, source)

    async def _history(self, entity: EntityRef, query: RangeQuery) -> dict[str, list[Shown]]:
        found = await self._context.telemetry.history(self._context.caller, entity, query)
        return {key: list(points) for key, points in found.items()}

    async def _now(self, entity: EntityRef, command: TimeseriesCmd) -> dict[str, list[Shown]]:
        keys = command.key_list
        found = await self._context.telemetry.latest(self._context.caller, entity, keys or None)
        nothing: Shown = (self._context.services.clock.now_ms(), None)
        return {key: [found.get(key, nothing)] for key in (keys or found)}

    def _latest(self, cmd_id: int, selection: ReadingKeys | AttributeKeys) -> LatestValues:
        def encode(values: Mapping[Place, Shown]) -> bytes:
            return v1_update(cmd_id, {str(slot): [shown] for (_, slot), shown in values.items()})

        context = self._context
        return LatestValues(context.hub, context.outbox, context.backlog, selection, encode)

    def _every_point(self, cmd_id: int, selection: ReadingKeys) -> EveryPoint:
        def encode(values: Mapping[Place, list[Shown]]) -> bytes:
            return v1_update(cmd_id, {str(slot): points for (_, slot), points in values.items()})

        context = self._context
        return EveryPoint(context.hub, context.outbox, context.backlog, selection, encode)

    async def _post(self, cmd_id: int, data: Mapping[str, list[Shown]]) -> None:
        points = sum(map(len, data.values()))
        frame = await encoded(points, lambda: v1_update(cmd_id, data))
        self._context.outbox.post(frame)

    def _fail(self, cmd_id: int, message: str, code: ErrorCode = ErrorCode.INTERNAL) -> None:
        self._context.end(cmd_id)
        self._context.refuse(cmd_id, code, message)

    def _refuse(self, cmd_id: int, message: str) -> None:
        self._context.refuse(cmd_id, ErrorCode.BAD_REQUEST, message)

    def _is_wrong_id(self, cmd_id: int) -> bool:
        if cmd_id < 0:
            self._refuse(cmd_id, "Cmd id is negative value!")
        return cmd_id < 0


def _window(command: TimeseriesCmd, entity: EntityRef) -> RangeQuery | None:
    """Return the history that a subscription begins with; None for the latest values."""
    if not command.key_list or command.time_window <= 0:
        return None
    return _range(command, entity, command.start_ts, command.start_ts + command.time_window)


def _range(
    command: TimeseriesCmd | HistoryCmd, entity: EntityRef, start_ms: int, end_ms: int
) -> RangeQuery:
    try:
        aggregation = Aggregation(command.agg.upper() or "NONE")
    except ValueError as error:
        msg = f"'{command.agg}' is no aggregation; one of {', '.join(Aggregation)} is possible"
        raise Invalid(msg) from error
    return check_range(
        RangeQuery(
            entity.id,
            tuple(command.key_list),
            start_ms,
            end_ms,
            limit=command.limit or DEFAULT_LIMIT,
            aggregation=aggregation,
            interval_ms=command.interval,
        )
    )


def _all_or(keys: Iterable[str]) -> frozenset[str] | None:
    return frozenset(keys) or None


def _time(shown: Shown) -> int:
    return shown[0]
