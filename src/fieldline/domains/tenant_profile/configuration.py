# ruff: noqa: N815 - the names are the wire's
"""What a tenant profile limits: the ``DEFAULT`` configuration of ThingsBoard's tenant profiles.

It is stored as it is on the wire, so that a limit which nothing enforces yet is still kept. Of a
count, 0 means unlimited; a rate limit is ``capacity:seconds[,capacity:seconds...]``, None for none.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from fieldline.kit.errors import Invalid
from fieldline.kit.rate_limit import parse_rate_limit

MAX_COUNT = 2**63 - 1


def _zero_if_null(value: Any) -> Any:  # noqa: ANN401 - whatever the client sent
    return 0 if value is None else value


def _rate_limit(value: str | None) -> str | None:
    try:
        parse_rate_limit(value)
    except Invalid as error:
        raise ValueError(error.message) from error
    return value


Rate = Annotated[str | None, AfterValidator(_rate_limit)]
Count = Annotated[int, BeforeValidator(_zero_if_null), Field(ge=0, le=MAX_COUNT)]


class Configuration(BaseModel):
    """Every limit there is, with what holds when it is not given."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["DEFAULT"] = "DEFAULT"
    maxDevices: Count = 0
    maxAssets: Count = 0
    maxCustomers: Count = 0
    maxUsers: Count = 0
    maxDashboards: Count = 0
    maxRuleChains: Count = 0
    maxEdges: Count = 0
    maxResourcesInBytes: Count = 0
    maxOtaPackagesInBytes: Count = 0
    maxResourceSize: Count = 0
    transportTenantMsgRateLimit: Rate = None
    transportTenantTelemetryMsgRateLimit: Rate = None
    transportTenantTelemetryDataPointsRateLimit: Rate = None
    transportDeviceMsgRateLimit: Rate = None
    transportDeviceTelemetryMsgRateLimit: Rate = None
    transportDeviceTelemetryDataPointsRateLimit: Rate = None
    transportGatewayMsgRateLimit: Rate = None
    transportGatewayTelemetryMsgRateLimit: Rate = None
    transportGatewayTelemetryDataPointsRateLimit: Rate = None
    transportGatewayDeviceMsgRateLimit: Rate = None
    transportGatewayDeviceTelemetryMsgRateLimit: Rate = None
    transportGatewayDeviceTelemetryDataPointsRateLimit: Rate = None
    tenantEntityExportRateLimit: str | None = None
    tenantEntityImportRateLimit: str | None = None
    tenantNotificationRequestsRateLimit: str | None = None
    tenantNotificationRequestsPerRuleRateLimit: str | None = None
    maxTransportMessages: Count = 0
    maxTransportDataPoints: Count = 0
    maxREExecutions: Count = 0
    maxJSExecutions: Count = 0
    maxTbelExecutions: Count = 0
    maxDPStorageDays: Count = 0
    maxRuleNodeExecutionsPerMessage: Count = 0
    maxDebugModeDurationMinutes: Count = 0
    maxEmails: Count = 0
    smsEnabled: bool | None = None
    maxSms: Count = 0
    maxCreatedAlarms: Count = 0
    tenantServerRestLimitsConfiguration: str | None = None
    customerServerRestLimitsConfiguration: str | None = None
    maxWsSessionsPerTenant: Count = 0
    maxWsSessionsPerCustomer: Count = 0
    maxWsSessionsPerRegularUser: Count = 0
    maxWsSessionsPerPublicUser: Count = 0
    wsMsgQueueLimitPerSession: Count = 0
    maxWsSubscriptionsPerTenant: Count = 0
    maxWsSubscriptionsPerCustomer: Count = 0
    maxWsSubscriptionsPerRegularUser: Count = 0
    maxWsSubscriptionsPerPublicUser: Count = 0
    wsUpdatesPerSessionRateLimit: str | None = None
    cassandraReadQueryTenantCoreRateLimits: str | None = None
    cassandraWriteQueryTenantCoreRateLimits: str | None = None
    cassandraReadQueryTenantRuleEngineRateLimits: str | None = None
    cassandraWriteQueryTenantRuleEngineRateLimits: str | None = None
    edgeEventRateLimits: str | None = None
    edgeEventRateLimitsPerEdge: str | None = None
    edgeUplinkMessagesRateLimits: str | None = None
    edgeUplinkMessagesRateLimitsPerEdge: str | None = None
    defaultStorageTtlDays: Count = 0
    alarmsTtlDays: Count = 0
    rpcTtlDays: Count = 0
    queueStatsTtlDays: Count = 0
    ruleEngineExceptionsTtlDays: Count = 0
    warnThreshold: float = 0.0
    maxCalculatedFieldsPerEntity: Count = 5
    maxArgumentsPerCF: Count = 10
    minAllowedScheduledUpdateIntervalInSecForCF: Count = 10
    maxRelationLevelPerCfArgument: Count = 2
    maxRelatedEntitiesToReturnPerCfArgument: Count = 100
    maxDataPointsPerRollingArg: Count = 1000
    maxStateSizeInKBytes: Count = 32
    maxSingleValueArgumentSizeInKBytes: Count = 2
    minAllowedDeduplicationIntervalInSecForCF: Count = 10
    minAllowedAggregationIntervalInSecForCF: Count = 60
    intermediateAggregationIntervalInSecForCF: Count = 300
    cfReevaluationCheckInterval: Count = 60
    alarmsReevaluationInterval: Count = 60
