"""Entity views: made over a device or asset, assigned to a customer, found by name or id."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.database.engine import announce
from fieldline.domains.customer import service as customer_service
from fieldline.domains.entity_view import schemas
from fieldline.domains.entity_view.errors import (
    EntityViewNotFound,
    InvalidEntityView,
    TargetHasViews,
)
from fieldline.domains.entity_view.fields import ViewFields, set_fields
from fieldline.domains.entity_view.lists import ListedView, ViewFilter
from fieldline.domains.entity_view.models import EntityView
from fieldline.domains.entity_view.repository import EntityViewRepository
from fieldline.kit.errors import NotFound
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.paging import Page, PageRequest
from fieldline.kit.unique_name import NameConflict, Naming, unique_name
from fieldline.kit.versions import check_version
from fieldline.messaging.events import Change, EntityChanged
from fieldline.rest.wire import wire_json
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, check, tenant_of

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

NAMED_VIEWS = 3
"""Views that the refusal to delete their entity names."""


async def get(session: "AsyncSession", caller: Caller, view_id: UUID) -> EntityView:
    return await _get(session, caller, view_id, Operation.READ)


async def get_by_name(session: "AsyncSession", caller: Caller, name: str) -> EntityView:
    tenant_id = tenant_of(caller, Operation.READ, EntityType.ENTITY_VIEW)
    view = await EntityViewRepository(session).by_name(tenant_id, name)
    if view is None:
        raise NotFound("Requested item wasn't found!")
    return view


async def by_ids(
    session: "AsyncSession", caller: Caller, ids: Collection[UUID]
) -> Sequence[EntityView]:
    """Return the views of these ids in their order; one the caller may not see is left out."""
    tenant_id = tenant_of(
        caller, Operation.READ, EntityType.ENTITY_VIEW, customer_id=caller.customer_id
    )
    found = await EntityViewRepository(session).by_ids(tenant_id, ids, caller.customer_id)
    by_id = {view.id: view for view in found}
    return [by_id[view_id] for view_id in dict.fromkeys(ids) if view_id in by_id]


async def get_info(session: "AsyncSession", caller: Caller, view_id: UUID) -> ListedView:
    """Return a view with its customer's name."""
    info = await EntityViewRepository(session).info(view_id)
    if info is None:
        raise EntityViewNotFound(view_id)
    _check(caller, Operation.READ, info.view)
    return info


async def page(
    session: "AsyncSession", caller: Caller, request: PageRequest, wanted: ViewFilter
) -> Page[EntityView]:
    """Return a page of the tenant's views, to a customer user of the own customer's.

    Raises:
        CustomerNotFound: the tenant has no such customer as ``wanted`` names.
    """
    tenant_id, wanted = await customer_service.narrowed(
        session, caller, EntityType.ENTITY_VIEW, wanted
    )
    return await EntityViewRepository(session).page(tenant_id, request, wanted)


async def info_page(
    session: "AsyncSession", caller: Caller, request: PageRequest, wanted: ViewFilter
) -> Page[ListedView]:
    """Return a page as :func:`page` does, with what lists show beside a view's own fields."""
    tenant_id, wanted = await customer_service.narrowed(
        session, caller, EntityType.ENTITY_VIEW, wanted
    )
    return await EntityViewRepository(session).info_page(tenant_id, request, wanted)


async def types(session: "AsyncSession", caller: Caller) -> list[str]:
    """Return the types that the caller's views have, sorted."""
    tenant_id = tenant_of(
        caller, Operation.READ, EntityType.ENTITY_VIEW, customer_id=caller.customer_id
    )
    return await EntityViewRepository(session).types(tenant_id, caller.customer_id)


async def create(
    session: "AsyncSession", caller: Caller, fields: ViewFields, *, naming: Naming | None = None
) -> EntityView:
    """Make a view; its attributes are copied after the commit (``saving``).

    Raises:
        EntityViewNameTaken: the tenant has one of this name.
        NotFound: there is no such entity to show, as far as the caller may know.
    """
    tenant_id = tenant_of(caller, Operation.CREATE, EntityType.ENTITY_VIEW)
    if naming is not None and naming.conflict is NameConflict.UNIQUIFY:
        fields = {**fields, "name": await _free_name(session, tenant_id, fields, naming)}
    view = EntityView(tenant_id=tenant_id, start_ts=0, end_ts=0)
    with session.no_autoflush:
        fields = {"name": None, "type": None, "target": None, "keys": None, **fields}
        await set_fields(session, caller, view, fields)
        await EntityViewRepository(session).add(view)
    await _tell(session, caller, view, Change.CREATED)
    return view


async def update(
    session: "AsyncSession",
    caller: Caller,
    view_id: UUID,
    fields: ViewFields,
    *,
    version: int | None = None,
) -> EntityView:
    """Change the given fields; a customer user may not change what is shown.

    Raises:
        StaleVersion: ``version`` is given and is not the stored one.
    """
    view = await _get(session, caller, view_id, Operation.WRITE)
    check_version("Entity View", version, view.version)
    former = view.customer_id
    if "customer_id" in fields and fields["customer_id"] != former:
        _check(caller, Operation.ASSIGN, view)
    with session.no_autoflush:
        await set_fields(session, caller, view, fields)
    await EntityViewRepository(session).save(view)
    await _tell(session, caller, view, Change.UPDATED)
    await _tell_assignment(session, caller, view, former)
    return view


async def delete(session: "AsyncSession", caller: Caller, view_id: UUID) -> None:
    """Delete a view with the attributes that it has; what it shows stays."""
    view = await _get(session, caller, view_id, Operation.DELETE)
    await _tell(session, caller, view, Change.DELETED)
    await EntityViewRepository(session).delete(view)


async def assign(
    session: "AsyncSession", caller: Caller, view_id: UUID, customer_id: UUID
) -> EntityView:
    """Assign a view to a customer of its tenant, away from the one it was assigned to."""
    view = await _get(session, caller, view_id, Operation.ASSIGN)
    return await _move(session, caller, view, customer_id)


async def assign_to_public(session: "AsyncSession", caller: Caller, view_id: UUID) -> EntityView:
    """Assign a view to the tenant's public customer, so that everybody may see it."""
    view = await _get(session, caller, view_id, Operation.ASSIGN)
    public = await customer_service.public_customer(session, view.tenant_id)
    return await _move(session, caller, view, public.id)


async def unassign(session: "AsyncSession", caller: Caller, view_id: UUID) -> EntityView:
    """Take a view from its customer.

    Raises:
        InvalidEntityView: it has none.
    """
    view = await _get(session, caller, view_id, Operation.ASSIGN)
    if view.customer_id is None:
        raise InvalidEntityView("Entity View isn't assigned to any customer!")
    return await _move(session, caller, view, None)


async def require_no_views(session: "AsyncSession", target: EntityRef) -> None:
    """Let an entity be deleted only when no view shows its data.

    Raises:
        TargetHasViews: some do.
    """
    names = await EntityViewRepository(session).names_of(target, NAMED_VIEWS)
    if names:
        raise TargetHasViews(target.type.lower(), names)


async def _get(
    session: "AsyncSession", caller: Caller, view_id: UUID, operation: Operation
) -> EntityView:
    is_change = operation is not Operation.READ
    view = await EntityViewRepository(session).get(view_id, lock=is_change)
    if view is None:
        raise EntityViewNotFound(view_id)
    _check(caller, operation, view)
    return view


async def _move(
    session: "AsyncSession", caller: Caller, view: EntityView, customer_id: UUID | None
) -> EntityView:
    former = view.customer_id
    await set_fields(session, caller, view, {"customer_id": customer_id})
    await EntityViewRepository(session).save(view)
    await _tell_assignment(session, caller, view, former)
    return view


async def _free_name(
    session: "AsyncSession", tenant_id: UUID, fields: ViewFields, naming: Naming
) -> str:
    name = fields.get("name") or ""
    taken = await EntityViewRepository(session).names_from(tenant_id, name)
    return unique_name(name, taken, separator=naming.separator, strategy=naming.strategy)


def _check(caller: Caller, operation: Operation, view: EntityView) -> None:
    check(
        caller,
        operation,
        EntityType.ENTITY_VIEW,
        tenant_id=view.tenant_id,
        customer_id=view.customer_id,
        entity_id=view.id,
    )


async def _tell_assignment(
    session: "AsyncSession", caller: Caller, view: EntityView, former: UUID | None
) -> None:
    """Tell a change of customer: away from the former one, then to the new one."""
    if former == view.customer_id:
        return
    if former is not None:
        await _tell(session, caller, view, Change.UNASSIGNED, customer_id=former)
    if view.customer_id is not None:
        await _tell(session, caller, view, Change.ASSIGNED, customer_id=view.customer_id)


async def _tell(
    session: "AsyncSession",
    caller: Caller,
    view: EntityView,
    change: Change,
    *,
    customer_id: UUID | None = None,
) -> None:
    """Announce the change; the detail names the view and the customer that it is about."""
    about = customer_id or view.customer_id
    detail = {
        "name": view.name,
        "type": view.type,
        "customer_id": str(about) if about else None,
    }
    event = EntityChanged(
        view.tenant_id,
        EntityRef(EntityType.ENTITY_VIEW, view.id),
        change,
        detail,
        by=caller.actor,
        name=view.name,
        customer_id=about,
        data=wire_json(schemas.EntityView, view),
    )
    await announce(session, event)
