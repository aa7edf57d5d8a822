"""What a client must know before it shows its first page."""

from typing import TYPE_CHECKING, Any

from fieldline.domains.dashboard import service as dashboard_service
from fieldline.domains.system.schemas import SystemParams
from fieldline.domains.telemetry.limits import MAX_POINTS_PER_KEY
from fieldline.domains.tenant_profile import service as tenant_profile_service
from fieldline.domains.user_settings import service as user_settings_service
from fieldline.domains.user_settings.kinds import SettingsKind
from fieldline.security.caller import Caller

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

MAX_ALLOWED_DASHBOARDS = 1_000
"""Dashboards of a customer that the answer names."""
DEFAULT_DEBUG_MINUTES = 15
"""How long debug mode may last where the tenant's profile does not say it."""

_NO_SETTINGS: dict[str, Any] = {"openedMenuSections": []}
"""Clients read this key without a look whether it is there."""
_DEBUG = "maxDebugModeDurationMinutes"
_FROM_PROFILE = (
    "maxResourceSize",
    _DEBUG,
    "maxArgumentsPerCF",
    "maxDataPointsPerRollingArg",
    "minAllowedScheduledUpdateIntervalInSecForCF",
    "maxRelationLevelPerCfArgument",
    "maxRelatedEntitiesToReturnPerCfArgument",
    "minAllowedDeduplicationIntervalInSecForCF",
    "minAllowedAggregationIntervalInSecForCF",
    "intermediateAggregationIntervalInSecForCF",
)


async def of_caller(
    session: "AsyncSession", caller: Caller, *, user_token_access: bool
) -> SystemParams:
    """Return the parameters; what the platform does not have is off."""
    limits = await _limits(session, caller)
    return SystemParams(
        **limits,
        allowed_dashboard_ids=await _dashboards(session, caller),
        user_settings=await _settings(session, caller),
        user_token_access_enabled=user_token_access,
        edges_support_enabled=False,
        has_repository=False,
        tbel_enabled=False,
        persist_device_state_to_telemetry=False,
        max_datapoints_limit=MAX_POINTS_PER_KEY,
        mobile_qr_enabled=False,
        rule_chain_debug_per_tenant_limits_configuration=None,
        calculated_field_debug_per_tenant_limits_configuration=None,
        trendz_settings=None,
        allow_key_filters_or_conditions=False,
        nulls_order_strategy="default",
        edqs_enabled=False,
        iot_hub_base_url=None,
    )


async def _limits(session: "AsyncSession", caller: Caller) -> dict[str, Any]:
    """Return the numbers of the tenant's profile by their names on the wire."""
    if caller.tenant_id is None:
        return dict.fromkeys(_FROM_PROFILE, 0)
    found = await tenant_profile_service.configuration(session, caller.tenant_id)
    limits = {name: found.get(name) or 0 for name in _FROM_PROFILE}
    return limits | {_DEBUG: limits[_DEBUG] or DEFAULT_DEBUG_MINUTES}


async def _dashboards(session: "AsyncSession", caller: Caller) -> list[Any]:
    if caller.customer_id is None:
        return []
    found = await dashboard_service.ids_shown_to(
        session, caller.customer_id, MAX_ALLOWED_DASHBOARDS
    )
    return list(found)


async def _settings(session: "AsyncSession", caller: Caller) -> dict[str, Any]:
    """Return the caller's general settings; the public user has none."""
    if caller.is_public:
        return dict(_NO_SETTINGS)
    return _NO_SETTINGS | await user_settings_service.get(session, caller, SettingsKind.GENERAL)
