"""Any entity by its reference: what it is called, whose it is, and whether the caller may.

Each domain's service knows its own entities; the table below says which one to ask. An entity that
the caller may not even see stays hidden by that service.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fieldline.domains.asset import service as asset_service
from fieldline.domains.asset_profile import service as asset_profile_service
from fieldline.domains.customer import service as customer_service
from fieldline.domains.dashboard import service as dashboard_service
from fieldline.domains.device import service as device_service
from fieldline.domains.device_profile import service as device_profile_service
from fieldline.domains.entity_view import service as entity_view_service
from fieldline.domains.rule_chain import service as rule_chain_service
from fieldline.domains.tenant import service as tenant_service
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.domains.user import service as user_service
from fieldline.kit.errors import Invalid, NotFound
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.security.caller import Caller
from fieldline.security.permissions import Operation, check

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

Find = Callable[["AsyncSession", Caller, UUID], Awaitable[Any]]
"""Returns the entity, if the caller may see it."""


@dataclass(frozen=True, slots=True)
class Known:
    """An entity's name and whose it is; ``profile_id`` decides which rules see its messages."""

    tenant_id: UUID | None
    name: str
    label: str | None = None
    customer_id: UUID | None = None
    profile_id: UUID | None = None


def _thing(thing: Any) -> Known:  # noqa: ANN401 - a device or an asset
    return Known(thing.tenant_id, thing.name, thing.label, thing.customer_id, thing.profile_id)


def _profile(profile: Any) -> Known:  # noqa: ANN401 - of devices or assets
    return Known(profile.tenant_id, profile.name, profile_id=profile.id)


FINDERS: dict[EntityType, tuple[Find, Callable[[Any], Known]]] = {
    EntityType.DEVICE: (device_service.get, _thing),
    EntityType.DEVICE_PROFILE: (device_profile_service.get, _profile),
    EntityType.ASSET: (asset_service.get, _thing),
    EntityType.ASSET_PROFILE: (asset_profile_service.get, _profile),
    EntityType.CUSTOMER: (
        customer_service.get,
        lambda customer: Known(customer.tenant_id, customer.title, customer_id=customer.id),
    ),
    EntityType.DASHBOARD: (
        dashboard_service.get_seen,
        lambda seen: Known(seen.tenant_id, seen.title, customer_id=seen.customer_id),
    ),
    EntityType.USER: (
        user_service.get,
        lambda user: Known(user.tenant_id, user.email, customer_id=user.customer_id),
    ),
    EntityType.ENTITY_VIEW: (
        entity_view_service.get,
        lambda view: Known(view.tenant_id, view.name, customer_id=view.customer_id),
    ),
    EntityType.TENANT: (tenant_service.get, lambda tenant: Known(tenant.id, tenant.title)),
    EntityType.TENANT_PROFILE: (
        tenant_profile_service.get,
        lambda profile: Known(None, profile.name),
    ),
    EntityType.RULE_CHAIN: (
        rule_chain_service.get,
        lambda chain: Known(chain.tenant_id, chain.name),
    ),
}
"""Kinds of entity that others may refer to; they have telemetry and attributes."""


async def known(
    session: "AsyncSession", caller: Caller, operation: Operation, entity: EntityRef
) -> Known:
    """Return name and owners, if the caller may do this to the entity; raises as :func:`find`."""
    _found, owner = await find(session, caller, operation, entity)
    return owner


async def find(
    session: "AsyncSession", caller: Caller, operation: Operation, entity: EntityRef
) -> tuple[Any, Known]:
    """Return the entity as its domain gives it, and name and owners, if the caller may.

    Raises:
        Invalid: this kind of entity cannot be referred to.
        NotFound: there is no such entity, as far as the caller may know.
        Forbidden: the caller may not.
    """
    finder = FINDERS.get(entity.type)
    if finder is None:
        kinds = ", ".join(sorted(FINDERS))
        msg = f"{entity.type} is not possible here; one of {kinds} is"
        raise Invalid(msg)
    get, describe = finder
    try:
        found = await get(session, caller, entity.id)
    except NotFound as error:
        name = entity.type.replace("_", " ").capitalize()
        msg = f"{name} with requested id wasn't found!"
        raise NotFound(msg) from error
    owner = describe(found)
    check(
        caller,
        operation,
        entity.type,
        tenant_id=owner.tenant_id,
        customer_id=owner.customer_id,
        entity_id=entity.id,
    )
    return found, owner
