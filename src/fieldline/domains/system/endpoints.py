"""What clients ask of the installation, in ThingsBoard's dialect."""

import asyncio
from pathlib import Path

from starlette.responses import PlainTextResponse

import fieldline
from fieldline.domains.api_usage.dependency import UsageDep
from fieldline.domains.system import params, usage
from fieldline.domains.system.machine import measure
from fieldline.domains.system.schemas import (
    FeaturesInfo,
    SystemInfo,
    SystemParams,
    UpdateMessage,
    UsageInfo,
    VersionInfo,
)
from fieldline.domains.telemetry.limits import MAX_POINTS_PER_KEY
from fieldline.rest.callers import AnyUser, SysAdmin, TenantAdmin
from fieldline.rest.dialects import tb_router
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession

router = tb_router("system")


@router.get("/system/params")
async def get_system_params(
    caller: AnyUser, session: ReadSession, services: ServicesDep
) -> SystemParams:
    """Return what a client must know before it shows its first page."""
    is_token_given = services.user_token_access and not caller.is_customer_user
    return await params.of_caller(session, caller, user_token_access=is_token_given)


@router.get("/system/info")
async def get_version(_caller: AnyUser) -> VersionInfo:
    """Return which software this is."""
    return VersionInfo(
        version=fieldline.__version__, artifact="fieldline", name="Fieldline", type="CE"
    )


@router.get("/uiSettings/helpBaseUrl", response_class=PlainTextResponse)
async def get_help_base_url(_caller: AnyUser, services: ServicesDep) -> str:
    """Return where help pages begin, as bare text: at this installation."""
    return services.base_url()


@router.get("/dashboard/serverTime")
async def get_server_time(_caller: AnyUser, services: ServicesDep) -> int:
    """Return the time of day in ms."""
    return services.clock.now_ms()


@router.get("/dashboard/maxDatapointsLimit")
async def get_max_datapoints_limit(_caller: AnyUser) -> int:
    """Return how many points of one key an answer can hold."""
    return MAX_POINTS_PER_KEY


@router.get("/usage")
async def get_usage(
    caller: TenantAdmin, session: ReadSession, services: ServicesDep, counted: UsageDep
) -> UsageInfo:
    """Return how much the tenant has and used in this month, and may."""
    return await usage.of_tenant(session, caller, counted, services.clock.now_ms())


@router.get("/admin/featuresInfo")
async def get_features(_caller: SysAdmin, services: ServicesDep) -> FeaturesInfo:
    """Return which ways to reach people are set up."""
    return FeaturesInfo(
        email_enabled=services.mailing.mailer is not None,
        sms_enabled=False,
        notification_enabled=False,
        oauth_enabled=False,
        two_fa_enabled=False,
    )


@router.get("/admin/updates")
async def get_updates(_caller: SysAdmin) -> UpdateMessage:
    """Return the version; Fieldline asks nobody whether there is a newer one."""
    return UpdateMessage(
        update_available=False,
        current_version=fieldline.__version__,
        latest_version=None,
        upgrade_instructions_url=None,
        current_version_release_notes_url=None,
        latest_version_release_notes_url=None,
    )


@router.get("/admin/systemInfo")
async def get_system_info(_caller: SysAdmin, services: ServicesDep) -> SystemInfo:
    """Return processor, memory and disk of the machine."""
    store = services.database.path
    folder = store.parent if store is not None else Path.cwd()
    return SystemInfo(monolith=True, system_data=[await asyncio.to_thread(measure, folder)])
