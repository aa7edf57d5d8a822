"""ENTITY_DATA: a query over entities, with history, latest and live parts under one cmdId.

The first frame of a cmdId carries ``data``, the page that the query found; every later one carries
``update``. A part that comes in the same command as the query goes into that first frame.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from fieldline.api.websocket import aggregates, updates
from fieldline.api.websocket.commands import (
    AggHistoryCmd,
    AggTimeseriesCmd,
    EntityDataCmd,
    EntityDataQuery,
    EntityHistoryCmd,
    EntityTimeseriesCmd,
    LatestCmd,
)
from fieldline.api.websocket.context import Context
from fieldline.api.websocket.entities import Row, resolve, visible
from fieldline.api.websocket.live import EveryPoint, LatestValues, Live, Place, Slot
from fieldline.api.websocket.updates import DELETED, ErrorCode, Shown
from fieldline.api.websocket.v1 import ReadingKeys
from fieldline.api.websocket.wire import EntityKey
from fieldline.domains.telemetry.limits import MAX_POINTS_PER_KEY, check_range
from fieldline.domains.telemetry.reading import PointBudget
from fieldline.kit.errors import FieldlineError, Invalid
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.paging import Page
from fieldline.timeseries.store import RangeQuery, Scope

NO_HISTORY = "Failed to fetch historical data!"
NOT_PROCESSED = "Failed to process websocket command!"
SCOPES: dict[str, tuple[Scope, ...]] = {
    "ATTRIBUTE": (Scope.CLIENT, Scope.SHARED, Scope.SERVER),
    "CLIENT_ATTRIBUTE": (Scope.CLIENT,),
    "SHARED_ATTRIBUTE": (Scope.SHARED,),
    "SERVER_ATTRIBUTE": (Scope.SERVER,),
}
Latest = dict[str, dict[str, Shown]]
"""Type of key -> key -> value."""
Series = dict[str, list[Shown]]


class EntityKeys:
    """The values that keys with a type select; a slot is (type, key)."""

    def __init__(self, keys: Sequence[EntityKey]) -> None:
        self._readings: dict[str, tuple[tuple[str, str], ...]] = {}
        self._attributes: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {}
        for kind, key in dict.fromkeys((key.type, key.key) for key in keys):
            slot = (kind, key)
            if kind == "TIME_SERIES":
                self._readings[key] = (slot,)
            for scope in SCOPES.get(kind, ()):
                before = self._attributes.get((scope.value, key), ())
                self._attributes[(scope.value, key)] = (*before, slot)

    def of_reading(self, key: str) -> tuple[tuple[str, str], ...]:
        return self._readings.get(key, ())

    def of_attribute(self, scope: str, key: str) -> tuple[tuple[str, str], ...]:
        return self._attributes.get((scope, key), ())

    def reading_of(self, slot: Slot) -> str | None:
        kind, key = cast("tuple[str, str]", slot)
        return key if kind == "TIME_SERIES" else None


@dataclass(slots=True)
class EntityData:
    """What one cmdId shows."""

    cmd_id: int
    query: EntityDataQuery
    page: Page[Row]
    is_answered: bool = False
    latest_keys: list[EntityKey] = field(default_factory=list)
    latest: LatestValues | None = None
    points: EveryPoint | None = None

    @property
    def lives(self) -> list[Live]:
        return [live for live in (self.latest, self.points) if live is not None]

    @property
    def refs(self) -> list[EntityRef]:
        return [row.ref for row in self.page.items]

    @property
    def shown_keys(self) -> list[EntityKey]:
        """What the page shows of each entity."""
        return [*self.query.entity_fields, *self.query.latest_values, *self.latest_keys]


class EntityDataCommands:
    """Answers the ENTITY_DATA commands of one socket."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def entity_data(self, command: EntityDataCmd) -> None:
        """Run the query, if there is one, then each part."""
        context, cmd_id = self._context, command.cmd_id
        if cmd_id < 0:
            context.refuse(cmd_id, ErrorCode.BAD_REQUEST, "Cmd id is negative value!")
            return
        known = context.subscriptions.get(cmd_id)
        data = known if isinstance(known, EntityData) else None
        if command.query is None and (data is None or not command.has_parts):
            context.refuse(cmd_id, ErrorCode.BAD_REQUEST, "Query is empty!")
            return
        if command.query is not None:
            data = await self._begin(command.query, cmd_id, is_answered=data is not None)
        if data is None:
            return
        try:
            if command.query is None:
                await self._check_again(data)
            await self._run_parts(data, command)
        except Invalid as error:
            context.outbox.post(
                updates.entity_data_error(cmd_id, ErrorCode.INTERNAL, error.message)
            )
        except FieldlineError:
            has_history = command.history_cmd is not None
            text = NO_HISTORY if has_history else NOT_PROCESSED
            context.outbox.post(updates.entity_data_error(cmd_id, ErrorCode.INTERNAL, text))

    async def refresh(self, data: EntityData) -> None:
        """Run a query with a dynamic page link again; send a new page when the set has changed."""
        former = data.page
        try:
            data.page = await self._resolve(data.query)
            before, after = {row.ref for row in former.items}, set(data.refs)
            if before == after:
                return
            for live in data.lives:
                for ref in before - after:
                    live.drop(ref)
                self._context.watch(live, after - before)
                await self._follow(data, live)
            data.is_answered = False
            await self._answer(data, {})
        except FieldlineError:
            # The store or the database is away: the next round finds the difference again.
            data.page, data.is_answered = former, True

    async def _begin(
        self, query: EntityDataQuery, cmd_id: int, *, is_answered: bool
    ) -> EntityData | None:
        try:
            page = await self._resolve(query)
        except FieldlineError as error:
            self._context.refuse(cmd_id, ErrorCode.INTERNAL, error.message)
            return None
        data = EntityData(cmd_id, query, page, is_answered=is_answered)
        self._context.add(cmd_id, data)
        return data

    async def _resolve(self, query: EntityDataQuery) -> Page[Row]:
        context = self._context
        async with context.services.database.read() as session:
            return await resolve(
                session, context.caller, query, max_entities=context.limits.max_entities
            )

    async def _check_again(self, data: EntityData) -> None:
        """Leave out what changed hands since the query: only a customer's things do.

        Of entity views, read again what they show.
        """
        context = self._context
        has_views = any(ref.type is EntityType.ENTITY_VIEW for ref in data.refs)
        if not context.caller.is_customer_user and not has_views:
            return
        async with context.services.database.read() as session:
            rows = await visible(session, context.caller, data.refs)
        data.page = Page(rows, data.page.total)

    async def _follow(self, data: EntityData, live: Live) -> None:
        """Look up what the entity views show, now that nothing of them is missed."""
        if not any(ref.type is EntityType.ENTITY_VIEW for ref in data.refs):
            return
        await self._check_again(data)
        found = {row.ref: row.source for row in data.page.items}
        for ref in live.entities:
            if ref in found:
                live.follow(ref, found[ref])
            else:
                live.drop(ref)

    async def _run_parts(self, data: EntityData, command: EntityDataCmd) -> None:
        if command.history_cmd is not None:
            await self._history(data, command.history_cmd)
        for part in (command.agg_history_cmd, command.agg_ts_cmd):
            if part is not None:
                await self._aggregates(data, part)
        if command.latest_cmd is not None:
            await self._latest(data, command.latest_cmd)
        if command.ts_cmd is not None:
            await self._timeseries(data, command.ts_cmd)
        if not data.is_answered:
            await self._answer(data, {})

    async def _history(self, data: EntityData, part: EntityHistoryCmd) -> None:
        series = await self._series(data, part)
        await self._answer(data, series)

    async def _aggregates(self, data: EntityData, part: AggHistoryCmd | AggTimeseriesCmd) -> None:
        store = self._context.services.store
        found = {
            row.ref: await aggregates.read(store, row.source, part.keys, *part.range_ms)
            for row in data.page.items
        }
        await self._answer(data, {}, found)

    async def _latest(self, data: EntityData, part: LatestCmd) -> None:
        if data.latest is not None:
            data.latest.end()
        context = self._context
        data.latest_keys = part.keys
        data.latest = live = LatestValues(
            context.hub,
            context.outbox,
            context.backlog,
            EntityKeys(part.keys),
            self._encode_latest(data),
        )
        context.watch(live, data.refs)
        await self._follow(data, live)
        shown = await self._values(data, part.keys)
        if data.is_answered:
            items = [updates.entity_data(ref, latest=latest) for ref, latest in shown.items()]
            self._update(data, items)
        else:
            await self._answer(data, {})
        live.shown(
            {
                (ref, (kind, key)): value
                for ref, groups in shown.items()
                for kind, values in groups.items()
                for key, value in values.items()
                if value != DELETED
            }
        )
        live.let_go()

    async def _timeseries(self, data: EntityData, part: EntityTimeseriesCmd) -> None:
        if data.points is not None:
            data.points.end()
        context = self._context
        data.points = live = EveryPoint(
            context.hub,
            context.outbox,
            context.backlog,
            ReadingKeys(frozenset(part.keys)),
            self._encode_points(data),
        )
        context.watch(live, data.refs)
        await self._follow(data, live)
        series = await self._series(data, part)
        await self._answer(data, series)
        live.shown(
            {(ref, key): points for ref, keys in series.items() for key, points in keys.items()}
        )
        live.let_go()

    async def _answer(
        self,
        data: EntityData,
        series: Mapping[EntityRef, Series],
        aggregated: Mapping[EntityRef, Mapping[str, Mapping[str, Shown]]] | None = None,
    ) -> None:
        """Send history of all entities: within the page when it is not sent yet, else after it."""
        latest: Mapping[EntityRef, Latest] = {}
        if not data.is_answered:
            latest = await self._values(data, data.shown_keys)
        is_first, data.is_answered = not data.is_answered, True

        def encode() -> bytes:
            items = [
                updates.entity_data(
                    ref,
                    latest=latest.get(ref, {}),
                    timeseries=series.get(ref, {}),
                    agg_latest=(aggregated or {}).get(ref, {}),
                )
                for ref in data.refs
            ]
            return self._encode_page(data, items) if is_first else self._encode(data, items)

        points = sum(len(found) for keys in series.values() for found in keys.values())
        self._context.outbox.post(await updates.encoded(points + len(data.refs), encode))

    def _encode_page(self, data: EntityData, items: list[dict[str, object]]) -> bytes:
        allowed = self._context.limits.max_entities
        size = min(data.query.page_link.page_size, allowed)
        return updates.entity_data_page(
            data.cmd_id,
            Page(items, data.page.total),
            page_size=size,
            offset=data.query.page_link.page * size,
            allowed=allowed,
        )

    def _update(self, data: EntityData, items: Sequence[dict[str, object]]) -> None:
        self._context.outbox.post(self._encode(data, items))

    async def _values(self, data: EntityData, keys: Sequence[EntityKey]) -> dict[EntityRef, Latest]:
        return {row.ref: await self.values_of(row, keys) for row in data.page.items}

    async def values_of(self, row: Row, keys: Sequence[EntityKey]) -> Latest:
        """Read the values of one entity; a missing one is there as deleted."""
        store, entity_id = self._context.services.store, row.ref.id
        now_ms = self._context.services.clock.now_ms()
        found: Latest = {}
        for key in keys:
            is_field = key.type == "ENTITY_FIELD"
            shown = (now_ms, row.field(key.key)) if is_field else DELETED
            found.setdefault(key.type, {})[key.key] = shown
        if "TIME_SERIES" in found:
            wanted = tuple(found["TIME_SERIES"])
            found["TIME_SERIES"].update(await row.source.latest(store, wanted))
        for kind, scopes in SCOPES.items():
            values = found.get(kind)
            for scope in scopes if values else ():
                for item in await store.attributes(entity_id, scope, tuple(values or ())):
                    if values is not None and values[item.key][0] <= item.last_update_ts_ms:
                        values[item.key] = (item.last_update_ts_ms, item.value)
        return found

    async def _series(
        self, data: EntityData, part: EntityHistoryCmd | EntityTimeseriesCmd
    ) -> dict[EntityRef, Series]:
        """Read the range of a part, of all entities of the page."""
        budget = PointBudget()
        return {
            row.ref: await self._series_of(row, part, budget) if part.keys else {}
            for row in data.page.items
        }

    async def _series_of(
        self, row: Row, part: EntityHistoryCmd | EntityTimeseriesCmd, budget: PointBudget
    ) -> Series:
        start_ms, end_ms = part.range_ms
        store = self._context.services.store
        query = check_range(
            RangeQuery(
                row.ref.id,
                tuple(part.keys),
                start_ms,
                end_ms,
                limit=part.limit or MAX_POINTS_PER_KEY,
                aggregation=part.agg,
                interval_ms=part.interval,
                interval_type=part.interval_type,
                time_zone=part.time_zone_id or "UTC",
            )
        )
        read = await row.source.read(store, query, budget)
        found: Series = {key: list(points) for key, points in read.items()}
        if part.fetch_latest_previous_point:
            previous = RangeQuery(row.ref.id, query.keys, 0, start_ms, limit=1)
            before = await row.source.read(store, previous, budget)
            for key, points in before.items():
                found[key].extend(points)
        return found

    def _encode_latest(self, data: EntityData) -> Callable[[dict[Place, Shown]], bytes]:
        def encode(values: Mapping[Place, Shown]) -> bytes:
            entities: dict[EntityRef, Latest] = {}
            for (ref, slot), shown in values.items():
                kind, key = cast("tuple[str, str]", slot)
                entities.setdefault(ref, {}).setdefault(kind, {})[key] = shown
            items = [updates.entity_data(ref, latest=latest) for ref, latest in entities.items()]
            return self._encode(data, items)

        return encode

    def _encode_points(self, data: EntityData) -> Callable[[dict[Place, list[Shown]]], bytes]:
        def encode(values: Mapping[Place, list[Shown]]) -> bytes:
            entities: dict[EntityRef, Series] = {}
            for (ref, slot), points in values.items():
                entities.setdefault(ref, {})[str(slot)] = points
            items = [updates.entity_data(ref, timeseries=keys) for ref, keys in entities.items()]
            return self._encode(data, items)

        return encode

    def _encode(self, data: EntityData, items: Sequence[dict[str, object]]) -> bytes:
        allowed = self._context.limits.max_entities
        return updates.entity_data_update(data.cmd_id, items, allowed=allowed)
