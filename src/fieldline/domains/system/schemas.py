"""The installation on ThingsBoard's wire."""

from typing import Any
from uuid import UUID

from pydantic import Field

from fieldline.rest.wire import TbModel


class SystemParams(TbModel):
    """What a client must know before it shows its first page.

    Numbers from the tenant's profile are 0 for system administrators.
    """

    user_token_access_enabled: bool
    allowed_dashboard_ids: list[UUID]
    edges_support_enabled: bool
    has_repository: bool
    tbel_enabled: bool
    persist_device_state_to_telemetry: bool
    user_settings: dict[str, Any]
    max_datapoints_limit: int
    max_resource_size: int
    mobile_qr_enabled: bool
    max_debug_mode_duration_minutes: int
    rule_chain_debug_per_tenant_limits_configuration: str | None
    calculated_field_debug_per_tenant_limits_configuration: str | None
    max_arguments_per_cf: int = Field(alias="maxArgumentsPerCF")
    max_data_points_per_rolling_arg: int
    min_allowed_scheduled_update_interval_in_sec_for_cf: int = Field(
        alias="minAllowedScheduledUpdateIntervalInSecForCF"
    )
    max_relation_level_per_cf_argument: int
    max_related_entities_to_return_per_cf_argument: int
    min_allowed_deduplication_interval_in_sec_for_cf: int = Field(
        alias="minAllowedDeduplicationIntervalInSecForCF"
    )
    min_allowed_aggregation_interval_in_sec_for_cf: int = Field(
        alias="minAllowedAggregationIntervalInSecForCF"
    )
    intermediate_aggregation_interval_in_sec_for_cf: int = Field(
        alias="intermediateAggregationIntervalInSecForCF"
    )
    trendz_settings: dict[str, Any] | None
    allow_key_filters_or_conditions: bool
    nulls_order_strategy: str
    edqs_enabled: bool
    iot_hub_base_url: str | None


class VersionInfo(TbModel):
    """Which software this is."""

    version: str
    artifact: str
    name: str
    type: str


class UsageInfo(TbModel):
    """How much of each thing a tenant has, and may have: of a ``max`` 0 is unlimited."""

    devices: int
    max_devices: int
    assets: int
    max_assets: int
    customers: int
    max_customers: int
    users: int
    max_users: int
    dashboards: int
    max_dashboards: int
    edges: int
    max_edges: int
    transport_messages: int
    max_transport_messages: int
    js_executions: int
    tbel_executions: int
    max_js_executions: int
    max_tbel_executions: int
    emails: int
    max_emails: int
    sms: int
    max_sms: int
    sms_enabled: bool
    alarms: int
    max_alarms: int


class FeaturesInfo(TbModel):
    """Which ways to reach people are set up."""

    email_enabled: bool
    sms_enabled: bool
    notification_enabled: bool
    oauth_enabled: bool
    two_fa_enabled: bool


class UpdateMessage(TbModel):
    """Whether there is a newer version; null is not known."""

    update_available: bool
    current_version: str
    latest_version: str | None
    upgrade_instructions_url: str | None
    current_version_release_notes_url: str | None
    latest_version_release_notes_url: str | None


class SystemData(TbModel):
    """One machine: use in percent, sizes in bytes; null is not known on this system."""

    service_id: str
    service_type: str
    cpu_usage: int | None
    cpu_count: int | None
    memory_usage: int | None
    total_memory: int | None
    disc_usage: int
    total_disc_space: int


class SystemInfo(TbModel):
    """The machines that the platform runs on."""

    monolith: bool
    system_data: list[SystemData]
