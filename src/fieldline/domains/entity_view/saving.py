"""Saving an entity view and copying into it the attributes that it lists.

Whenever a view is saved, its listed attributes are copied from the entity that it shows, those last
changed within its span of time; what was listed before and is not copied any more is deleted. The
view's other attributes stay. Source: ``rules/entities.md`` section 3, EntityView.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from fieldline.domains.entity_view import service
from fieldline.domains.entity_view.fields import ViewFields
from fieldline.domains.entity_view.models import EntityView
from fieldline.domains.entity_view.shown import shown_by
from fieldline.kit.errors import Unavailable
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.locks import Locks
from fieldline.kit.unique_name import Naming
from fieldline.messaging.events import KeysDeleted
from fieldline.rest.services import Services
from fieldline.security.caller import Caller
from fieldline.timeseries.store import Attribute, Scope

WRITE_TIMEOUT_S = 30.0
"""How long a request waits for the store, as one that writes attributes does."""
NOT_COPIED = "The entity view is saved, but its attributes could not be copied; save it again"
_LISTS = {"cs": Scope.CLIENT, "ss": Scope.SERVER, "sh": Scope.SHARED}
_saving = Locks()
"""One lock for each view that is being saved: the attributes end as those of the last save."""


async def create(
    services: Services, caller: Caller, fields: ViewFields, *, naming: Naming | None = None
) -> EntityView:
    """Make a view with the attributes that it lists; raises as :func:`service.create`."""
    async with services.database.write() as session:
        view = await service.create(session, caller, fields, naming=naming)
    async with _saving.of(view.id):
        await _copy(services, view, {})
    return view


async def update(
    services: Services,
    caller: Caller,
    view_id: UUID,
    fields: ViewFields,
    *,
    version: int | None = None,
) -> EntityView:
    """Change a view and copy its attributes anew; raises as :func:`service.update`."""
    async with _saving.of(view_id):
        async with services.database.write() as session:
            former = (await service.get(session, caller, view_id)).keys
            view = await service.update(session, caller, view_id, fields, version=version)
        await _copy(services, view, former["attributes"])
    return view


async def _copy(services: Services, view: EntityView, former: Mapping[str, Sequence[str]]) -> None:
    """Bring the copied attributes up to date; ``former`` are the lists of before.

    Raises:
        Unavailable: the store is full or away; another save copies again.
    """
    listed: Mapping[str, Sequence[str]] = view.keys["attributes"]
    if not any(listed.values()) and not any(former.values()):
        return
    if services.writer.is_full:
        raise Unavailable(NOT_COPIED)
    try:
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await services.writer.flush()
            for name, scope in _LISTS.items():
                found = await _within(services, view, scope, listed[name])
                gone = set(former.get(name, ())) - {attribute.key for attribute in found}
                await _delete(services, view, scope, sorted(gone))
                await _write(services, view, scope, found)
    except TimeoutError as error:
        raise Unavailable(NOT_COPIED) from error


async def _within(
    services: Services, view: EntityView, scope: Scope, keys: Sequence[str]
) -> list[Attribute]:
    """Return the attributes of these keys that were last changed within the view's time."""
    if not keys:
        return []
    shown = shown_by(view)
    found = await services.store.attributes(view.entity_id, scope, tuple(keys))
    return [each for each in found if shown.is_within(each.last_update_ts_ms)]


async def _delete(services: Services, view: EntityView, scope: Scope, keys: Sequence[str]) -> None:
    if not keys:
        return
    deleted = await services.store.delete_attributes(view.id, scope, tuple(keys))
    if deleted:
        event = KeysDeleted(view.tenant_id, _ref(view), scope.value, tuple(deleted))
        services.bus.emit(event)


async def _write(
    services: Services, view: EntityView, scope: Scope, found: Sequence[Attribute]
) -> None:
    if not found:
        return
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_saved(_written: set[str], error: Exception | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(None)

    values: dict[str, Any] = {attribute.key: attribute.value for attribute in found}
    services.writer.save_attributes(view.tenant_id, _ref(view), scope, values, on_saved)
    await done


def _ref(view: EntityView) -> EntityRef:
    return EntityRef(EntityType.ENTITY_VIEW, view.id)
