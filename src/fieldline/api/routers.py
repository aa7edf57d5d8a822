"""Every router of the application: the API's table of contents.

Within a dialect the first route that matches answers: `/api/tenant/devices` stands before
`/api/tenant/{tenantId}`.
"""

from fastapi import APIRouter

from fieldline.api.v1 import alarm_comments as v1_alarm_comments
from fieldline.api.v1 import alarms as v1_alarms
from fieldline.api.v1 import asset_profiles as v1_asset_profiles
from fieldline.api.v1 import assets as v1_assets
from fieldline.api.v1 import audit_logs as v1_audit_logs
from fieldline.api.v1 import auth as v1_auth
from fieldline.api.v1 import customers as v1_customers
from fieldline.api.v1 import dashboards as v1_dashboards
from fieldline.api.v1 import device_profiles as v1_device_profiles
from fieldline.api.v1 import devices as v1_devices
from fieldline.api.v1 import entity_views as v1_entity_views
from fieldline.api.v1 import gateways as v1_gateways
from fieldline.api.v1 import integrations as v1_integrations
from fieldline.api.v1 import relations as v1_relations
from fieldline.api.v1 import rule_chains as v1_rule_chains
from fieldline.api.v1 import telemetry as v1_telemetry
from fieldline.api.v1 import tenants as v1_tenants
from fieldline.api.v1 import usage as v1_usage
from fieldline.api.v1 import users as v1_users
from fieldline.domains.alarm import endpoints as alarm
from fieldline.domains.alarm_comment import endpoints as alarm_comment
from fieldline.domains.asset import endpoints as asset
from fieldline.domains.asset_profile import endpoints as asset_profile
from fieldline.domains.audit_log import endpoints as audit_log
from fieldline.domains.calculated_field import endpoints as calculated_field
from fieldline.domains.claim import endpoints as claim
from fieldline.domains.customer import endpoints as customer
from fieldline.domains.dashboard import endpoints as dashboard
from fieldline.domains.device import endpoints as device
from fieldline.domains.device_profile import endpoints as device_profile
from fieldline.domains.entity_view import endpoints as entity_view
from fieldline.domains.event import endpoints as event
from fieldline.domains.login import endpoints as login
from fieldline.domains.not_configured import endpoints as not_configured
from fieldline.domains.notification import endpoints as notification
from fieldline.domains.ota_package import endpoints as ota_package
from fieldline.domains.relation import endpoints as relation
from fieldline.domains.relation_search import endpoints as relation_search
from fieldline.domains.rpc import endpoints as rpc
from fieldline.domains.rule_chain import endpoints as rule_chain
from fieldline.domains.system import endpoints as system
from fieldline.domains.telemetry import endpoints as telemetry
from fieldline.domains.tenant import endpoints as tenant
from fieldline.domains.tenant_profile import endpoints as tenant_profile
from fieldline.domains.user import endpoints as user
from fieldline.domains.user_dashboard import endpoints as user_dashboard
from fieldline.domains.user_settings import endpoints as user_settings

THINGSBOARD: list[APIRouter] = [
    login.router,
    telemetry.router,
    device.router,
    device_profile.router,
    ota_package.router,
    asset.router,
    asset_profile.router,
    calculated_field.router,
    alarm_comment.router,
    alarm.router,
    rule_chain.router,
    rpc.router,
    claim.router,
    relation.router,
    relation.searches,
    relation_search.router,
    system.router,
    dashboard.router,
    notification.router,
    not_configured.router,
    event.router,
    entity_view.router,
    customer.router,
    tenant.router,
    tenant_profile.router,
    user_settings.router,
    user_dashboard.router,
    user.router,
    audit_log.router,
]
V1: list[APIRouter] = [
    v1_auth.router,
    v1_tenants.router,
    v1_customers.router,
    v1_usage.router,
    v1_users.router,
    v1_devices.router,
    v1_device_profiles.router,
    v1_assets.router,
    v1_asset_profiles.router,
    v1_entity_views.router,
    v1_gateways.router,
    v1_integrations.router,
    v1_telemetry.router,
    v1_alarms.router,
    v1_alarm_comments.router,
    v1_rule_chains.router,
    v1_audit_logs.router,
    v1_relations.router,
    v1_dashboards.router,
]
