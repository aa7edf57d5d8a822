"""Setting the fields of an entity view: every check that stands before a save."""

from typing import TYPE_CHECKING, Any, TypedDict
from uuid import UUID

from fieldline.domains.customer import service as customer_service
from fieldline.domains.entity_view.errors import EntityViewNameTaken, InvalidEntityView
from fieldline.domains.entity_view.models import EntityView
from fieldline.domains.entity_view.repository import EntityViewRepository
from fieldline.domains.entity_view.schemas import ViewKeys
from fieldline.domains.entity_view.targets import hold_target
from fieldline.kit.errors import Forbidden
from fieldline.kit.ids import EntityRef
from fieldline.kit.storable import check_storable
from fieldline.kit.text import check_json, check_text
from fieldline.security.caller import Caller

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

_LISTS = ("cs", "ss", "sh")
_NOT_YOURS = "Only a tenant administrator may change what an entity view shows, and of when"


class ViewFields(TypedDict, total=False):
    """Fields to set; what is left out stays as it is, or takes its default."""

    name: str | None
    type: str | None
    customer_id: UUID | None
    target: EntityRef | None
    keys: ViewKeys | None
    start_ts: int | None
    end_ts: int | None
    external_id: UUID | None
    additional_info: dict[str, Any] | None


async def set_fields(
    session: "AsyncSession", caller: Caller, view: EntityView, fields: ViewFields
) -> None:
    """Check the fields and put them into the view, for a caller who may change it.

    Raises:
        Forbidden: a customer user would have the view show something else.
        EntityViewNameTaken: the tenant has another view of this name.
        CustomerNotFound: the tenant has no such customer.
        NotFound: there is no such entity to show.
        Invalid: a field is not what it must be.
    """
    before = _extent(view)
    await _set_names(session, view, fields)
    await _set_customer(session, view, fields)
    if "keys" in fields:
        view.keys = _keys(fields["keys"])
    _set_times(view, fields)
    if "external_id" in fields:
        view.external_id = fields["external_id"]
    if "additional_info" in fields:
        check_storable("additionalInfo", fields["additional_info"])
        check_json("additionalInfo", fields["additional_info"])
        view.additional_info = fields["additional_info"]
    await _set_target(session, caller, view, fields)
    if caller.is_customer_user and _extent(view) != before:
        raise Forbidden(_NOT_YOURS)


def _extent(view: EntityView) -> object:
    """Return all that says what a view shows."""
    return (view.entity_type, view.entity_id, view.keys, view.start_ts, view.end_ts)


async def _set_names(session: "AsyncSession", view: EntityView, fields: ViewFields) -> None:
    if "name" in fields:
        name = fields["name"] or ""
        check_text("Entity view name", name)
        other = await EntityViewRepository(session).by_name(view.tenant_id, name)
        if other is not None and other is not view:
            raise EntityViewNameTaken
        view.name = name
        view.search_text = name.lower()
    if "type" in fields:
        type_ = fields["type"] or ""
        check_text("Entity view type", type_)
        view.type = type_


async def _set_customer(session: "AsyncSession", view: EntityView, fields: ViewFields) -> None:
    if "customer_id" not in fields:
        return
    customer_id = fields["customer_id"]
    if customer_id is not None and customer_id != view.customer_id:
        await customer_service.require(session, view.tenant_id, customer_id)
    view.customer_id = customer_id


async def _set_target(
    session: "AsyncSession", caller: Caller, view: EntityView, fields: ViewFields
) -> None:
    if "target" not in fields:
        return
    target = fields["target"]
    if target is not None and (target.type.value, target.id) == (view.entity_type, view.entity_id):
        return
    if caller.is_customer_user:
        raise Forbidden(_NOT_YOURS)
    await hold_target(session, caller, target)
    if target is not None:
        view.entity_type, view.entity_id = target.type.value, target.id


def _set_times(view: EntityView, fields: ViewFields) -> None:
    if "start_ts" in fields:
        view.start_ts = fields["start_ts"] or 0
    if "end_ts" in fields:
        view.end_ts = fields["end_ts"] or 0
    if view.end_ts and view.start_ts > view.end_ts:
        msg = (
            f"The start of an entity view, {view.start_ts}, is after its end, {view.end_ts}; "
            "it must not be later (0 leaves a side open)"
        )
        raise InvalidEntityView(msg)


def _keys(given: ViewKeys | None) -> dict[str, Any]:
    """Return keys as they are stored, each once."""
    given = given or ViewKeys()
    attributes = {name: _unique(getattr(given.attributes, name)) for name in _LISTS}
    return {"timeseries": _unique(given.timeseries), "attributes": attributes}


def _unique(keys: list[str]) -> list[str]:
    for key in keys:
        check_text("Key", key)
    return list(dict.fromkeys(keys))
