"""The dashboard that a home page shows: the user's, else the customer's, else the tenant's.

Each of them names one in ``additionalInfo``, which people edit freely: a dashboard that is gone,
or that the caller may not see, counts as none.
"""

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from fieldline.domains.customer import service as customer_service
from fieldline.domains.dashboard import service
from fieldline.domains.tenant import service as tenant_service
from fieldline.domains.user import service as user_service
from fieldline.kit.errors import Forbidden, Invalid, NotFound
from fieldline.kit.ids import parse_id
from fieldline.security.caller import Caller

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

HOME, HIDE_TOOLBAR, DEFAULT = "homeDashboardId", "homeDashboardHideToolbar", "defaultDashboardId"
"""Properties of ``additionalInfo``, by ThingsBoard's names."""


class Home(NamedTuple):
    """Which dashboard, None for none, and whether its toolbar is hidden."""

    dashboard_id: UUID | None
    hides_toolbar: bool = True


async def home(session: "AsyncSession", caller: Caller) -> Home | None:
    """Return the caller's home dashboard, None when there is none that it may see."""
    if caller.is_sys_admin or caller.tenant_id is None:
        return None
    for info in await _infos(session, caller, caller.tenant_id):
        found = _named(info)
        if found.dashboard_id is not None and await is_seen(session, caller, found.dashboard_id):
            return found
    return None


async def of_tenant(session: "AsyncSession", caller: Caller) -> Home:
    """Return what the caller's tenant has as home dashboard for those without one."""
    tenant = await tenant_service.get(session, caller, _tenant_of(caller))
    return _named(tenant.additional_info)


async def set_of_tenant(session: "AsyncSession", caller: Caller, wanted: Home) -> None:
    """Choose the tenant's home dashboard, or none.

    Raises:
        DashboardNotFound: there is no such dashboard.
        Forbidden: it is another tenant's.
    """
    if wanted.dashboard_id is not None:
        await service.get(session, caller, wanted.dashboard_id)
    tenant_id = _tenant_of(caller)
    tenant = await tenant_service.get(session, caller, tenant_id)
    info = {k: v for k, v in (tenant.additional_info or {}).items() if k != HOME}
    info[HIDE_TOOLBAR] = wanted.hides_toolbar
    if wanted.dashboard_id is not None:
        info[HOME] = str(wanted.dashboard_id)
    await tenant_service.update(session, caller, tenant_id, {"additional_info": info})


async def without_unseen(
    session: "AsyncSession", caller: Caller, info: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Return a user's ``additionalInfo`` without dashboards that the caller may not see."""
    if not info:
        return info
    kept = dict(info)
    for key in (HOME, DEFAULT):
        dashboard_id = _id_in(info, key)
        if key in info and (
            dashboard_id is None or not await is_seen(session, caller, dashboard_id)
        ):
            del kept[key]
    return kept


async def is_seen(session: "AsyncSession", caller: Caller, dashboard_id: UUID) -> bool:
    """Say whether there is such a dashboard and the caller may see it."""
    try:
        await service.get(session, caller, dashboard_id)
    except (Forbidden, NotFound):
        return False
    return True


async def _infos(
    session: "AsyncSession", caller: Caller, tenant_id: UUID
) -> list[dict[str, Any] | None]:
    """Return the free JSON of the user, the customer and the tenant, as far as there is any."""
    infos = []
    if not caller.is_public:
        infos.append((await user_service.get(session, caller, caller.user_id)).additional_info)
    if caller.customer_id is not None:
        customer = await customer_service.get(session, caller, caller.customer_id)
        infos.append(customer.additional_info)
    infos.append(await tenant_service.additional_info(session, tenant_id))
    return infos


def _named(info: dict[str, Any] | None) -> Home:
    hides = (info or {}).get(HIDE_TOOLBAR)
    return Home(_id_in(info, HOME), hides if isinstance(hides, bool) else True)


def _id_in(info: dict[str, Any] | None, key: str) -> UUID | None:
    """Read an id from free JSON; clients write it bare or as ``{"id": ...}``."""
    value = (info or {}).get(key)
    if isinstance(value, dict):
        value = value.get("id")
    try:
        return parse_id(value) if isinstance(value, str) else None
    except Invalid:
        return None


def _tenant_of(caller: Caller) -> UUID:
    if caller.tenant_id is None:
        raise Forbidden("A system administrator has no tenant")
    return caller.tenant_id
