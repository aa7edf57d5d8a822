"""Which entities an ENTITY_DATA query means, and their own fields as text.

Only what the caller may see is found; the rest is left out as if it did not exist. What this server
cannot select by is refused with its name, never ignored.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from fieldline.api.websocket.commands import EntityDataQuery
from fieldline.database.things import ThingFilter
from fieldline.domains.asset import service as asset_service
from fieldline.domains.device import service as device_service
from fieldline.domains.entity.access import find
from fieldline.domains.entity_view import service as entity_view_service
from fieldline.domains.entity_view.lists import ViewFilter
from fieldline.domains.telemetry.source import Source, source_of
from fieldline.kit.errors import Forbidden, Invalid, NotFound
from fieldline.kit.ids import EntityRef, EntityType, parse_id
from fieldline.kit.json import dumps_text
from fieldline.kit.paging import Page, PageRequest
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

NAMES = ("name", "title", "email")
SORTABLE = {"name": "name", "createdTime": "created_time", "type": "type", "label": "label"}


@dataclass(frozen=True, slots=True)
class Row:
    """One entity that a query found."""

    ref: EntityRef
    entity: Any

    @property
    def source(self) -> Source:
        """Where its readings are."""
        return source_of(self.ref, self.entity)

    def field(self, key: str) -> str:
        """Return one of its own fields as text; a field that it lacks is empty."""
        if key == "entityType":
            return self.ref.type.value
        if key in {"name", "title"}:
            return self.name
        if key == "displayName":
            return _text(getattr(self.entity, "label", None)) or self.name
        return _text(getattr(self.entity, _snake(key), None))

    @property
    def name(self) -> str:
        return next(
            (_text(found) for name in NAMES if (found := getattr(self.entity, name, None))), ""
        )


async def resolve(
    session: "AsyncSession", caller: Caller, query: EntityDataQuery, *, max_entities: int
) -> Page[Row]:
    """Find the page of entities that the query means.

    Raises:
        Invalid: the query is not possible, or selects by something that is not served.
    """
    if query.key_filters:
        msg = "Key filters are not served; select the entities by the entity filter alone"
        raise Invalid(msg)
    request = query.page_link.request(SORTABLE, "ENTITY_FIELD", max_size=max_entities)
    kind = query.entity_filter.get("type")
    if kind == "singleEntity":
        refs = [_alias(caller, query.entity_filter.get("singleEntity"))]
        return await _listed(session, caller, refs, request)
    if kind == "entityList":
        refs = _listed_refs(query.entity_filter)[:max_entities]
        return await _listed(session, caller, refs, request)
    if kind == "entityType" or kind in _KINDS:
        found = _kind(str(kind), query.entity_filter)
        types = found.types(query.entity_filter)
        return await _typed(session, caller, found, request, types=types, max_entities=max_entities)
    msg = (
        f"Entity filter '{kind}' is not served; possible are singleEntity, entityList, "
        f"{', '.join(_KINDS)}, and entityType {_kind_names()}"
    )
    raise Invalid(msg)


async def visible(session: "AsyncSession", caller: Caller, refs: Sequence[EntityRef]) -> list[Row]:
    """Return those of the entities whose telemetry the caller may read, in their order."""
    rows = []
    for ref in dict.fromkeys(refs):
        try:
            found, _owner = await find(session, caller, Operation.READ_TELEMETRY, ref)
        except (NotFound, Forbidden):
            continue
        rows.append(Row(ref, found))
    return rows


def _alias(caller: Caller, alias: Any) -> EntityRef:  # noqa: ANN401 - whatever the client sent
    """Read a reference that may name the caller's own customer, tenant or user."""
    if not isinstance(alias, Mapping):
        msg = "The filter singleEntity needs an object with entityType and id"
        raise Invalid(msg)
    kind = str(alias.get("entityType"))
    own = {
        "CURRENT_CUSTOMER": (EntityType.CUSTOMER, caller.customer_id),
        "CURRENT_TENANT": (EntityType.TENANT, caller.tenant_id),
        "CURRENT_USER": (EntityType.USER, caller.user_id),
    }
    if kind in own:
        entity_type, entity_id = own[kind]
        return EntityRef(entity_type, entity_id or UUID(int=0))
    return EntityRef(_entity_type(kind), parse_id(str(alias.get("id"))))


def _listed_refs(entity_filter: Mapping[str, Any]) -> list[EntityRef]:
    entity_type = _entity_type(str(entity_filter.get("entityType")))
    ids = entity_filter.get("entityList")
    if not isinstance(ids, list):
        msg = "The filter entityList needs a list of ids in 'entityList'"
        raise Invalid(msg)
    return [EntityRef(entity_type, parse_id(str(item))) for item in ids]


def _entity_type(name: str) -> EntityType:
    try:
        return EntityType(name)
    except ValueError as error:
        msg = f"'{name}' is not an entity type; expected a name like DEVICE"
        raise Invalid(msg) from error


async def _listed(
    session: "AsyncSession", caller: Caller, refs: Sequence[EntityRef], request: PageRequest
) -> Page[Row]:
    rows = await visible(session, caller, refs)
    if request.search:
        wanted = request.search.lower()
        rows = [row for row in rows if wanted in row.name.lower()]
    return _cut(rows, request)


class _Kind(NamedTuple):
    """A kind that is found by its types; ``word`` begins the names of the filter's fields."""

    ref_type: EntityType
    word: str
    page: Callable[["AsyncSession", Caller, PageRequest, Any], Awaitable[Page[Any]]]
    of_type: Callable[[str | None], Any]
    """Makes the filter that ``page`` takes; None stands for all types."""

    def types(self, entity_filter: Mapping[str, Any]) -> list[str | None]:
        """Return the types that are wanted; None stands for all."""
        if entity_filter.get(f"{self.word}NameFilter"):
            msg = f"'{self.word}NameFilter' is not served; use the page link's textSearch"
            raise Invalid(msg)
        types = entity_filter.get(f"{self.word}Types") or [entity_filter.get(f"{self.word}Type")]
        return [str(item) for item in types if item] or [None]


def _thing_of_type(name: str | None) -> ThingFilter:
    return ThingFilter(type=name)


def _view_of_type(name: str | None) -> ViewFilter:
    return ViewFilter(type=name)


_KINDS = {
    "deviceType": _Kind(EntityType.DEVICE, "device", device_service.page, _thing_of_type),
    "assetType": _Kind(EntityType.ASSET, "asset", asset_service.page, _thing_of_type),
    "entityViewType": _Kind(
        EntityType.ENTITY_VIEW, "entityView", entity_view_service.page, _view_of_type
    ),
}
"""By the filter that selects by type; the filter ``entityType`` selects them all."""


def _kind_names() -> str:
    *names, last = (kind.ref_type.value for kind in _KINDS.values())
    return f"{', '.join(names)} and {last}"


def _kind(filter_type: str, entity_filter: Mapping[str, Any]) -> _Kind:
    """Return the kind that a filter means."""
    if filter_type != "entityType":
        return _KINDS[filter_type]
    name = str(entity_filter.get("entityType", "DEVICE"))
    for kind in _KINDS.values():
        if kind.ref_type == name:
            return kind
    msg = f"The filter entityType is served for {_kind_names()}, not for {name}"
    raise Invalid(msg)


async def _typed(
    session: "AsyncSession",
    caller: Caller,
    kind: _Kind,
    request: PageRequest,
    *,
    types: Sequence[str | None],
    max_entities: int,
) -> Page[Row]:
    def row(found: Any) -> Row:  # noqa: ANN401 - the domain's own type
        return Row(EntityRef(kind.ref_type, found.id), found)

    if len(types) == 1:
        page = await kind.page(session, caller, request, kind.of_type(types[0]))
        return page.map(row)
    everything = replace(request, limit=max_entities, offset=0)
    rows: list[Row] = []
    for name in types:
        page = await kind.page(session, caller, everything, kind.of_type(name))
        rows.extend(map(row, page.items))
    return _cut(rows, replace(request, sort=request.sort or "created_time"))


def _cut(rows: list[Row], request: PageRequest) -> Page[Row]:
    """Sort rows that are all there, unless they keep their order, and take the page."""
    if request.sort is not None:
        column = request.sort
        rows.sort(key=lambda row: _sort_value(row, column), reverse=request.descending)
    return Page(rows[request.offset : request.offset + request.limit], len(rows))


def _sort_value(row: Row, column: str) -> tuple[float, str]:
    if column == "name":
        return 0, row.name
    value = getattr(row.entity, column, None)
    return (value, "") if isinstance(value, int) else (0, str(value or ""))


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def _text(value: Any) -> str:  # noqa: ANN401 - any field of any entity
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return dumps_text(value)
    return str(value)
