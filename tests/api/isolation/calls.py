"""How each route of ThingsBoard's dialect is called with somebody else's ids.

A text ``$name`` in a query or body, and each parameter of a path, is filled from the ids of
``world.py``. ``may`` names who is not a stranger to the call and is left out.
"""

from dataclasses import dataclass, field
from typing import Any

from tests.api.isolation.world import KEY, NEIGHBOUR, PUBLIC, STRANGER, SYSADMIN, alarm_rule

REFUSED = frozenset({401, 403, 404})
OR_INVALID = REFUSED | {400}
"""Also "is of another tenant" for a reference that is a field of the caller's own thing."""
TENANT_WIDE = (NEIGHBOUR, PUBLIC)
"""Who may read what every user of the tenant may."""
PAGE = "pageSize=10&page=0"


@dataclass(frozen=True)
class Call:
    """One way to call a route."""

    query: str = ""
    body: Any = None
    path: dict[str, str] = field(default_factory=dict)
    may: tuple[str, ...] = ()
    answers: frozenset[int] = REFUSED


PATHS = {
    "tenant_id": "$tenant",
    "tenant_profile_id": "$tenant_profile",
    "customer_id": "$customer",
    "user_id": "$user",
    "assignee_id": "$user",
    "dashboard_id": "$dashboard",
    "device_id": "$device",
    "notification_id": "$device",
    "deviceId": "$device",
    "asset_id": "$asset",
    "profile_id": "$profile",
    "alarm_id": "$alarm",
    "comment_id": "$comment",
    "alarm_rule_id": "$alarm_rule",
    "rule_chain_id": "$rule_chain",
    "entity_type": "DEVICE",
    "entity_id": "$device",
    "scope": "SERVER_SCOPE",
    "ttl": "60",
    "from_type": "DEVICE",
    "from_id": "$device",
    "to_type": "DEVICE",
    "to_id": "$device",
    "relation_type": "Contains",
}
"""What goes into the path where a call does not say otherwise."""
WITH_TELEMETRY = {
    "DEVICE": "$device",
    "DEVICE_PROFILE": "$profile",
    "ASSET": "$asset",
    "ASSET_PROFILE": "$asset_profile",
    "CUSTOMER": "$customer",
    "DASHBOARD": "$dashboard",
    "ENTITY_VIEW": "$entity_view",
    "USER": "$user",
    "TENANT": "$tenant",
    "TENANT_PROFILE": "$tenant_profile",
    "RULE_CHAIN": "$rule_chain",
}
SYSTEMS = {"TENANT", "TENANT_PROFILE"}
"""Kinds that a system administrator manages."""


def ref(kind: str, name: str | None = None) -> dict[str, str]:
    return {"entityType": kind, "id": f"${name or kind.lower()}"}


def of_each_kind(query: str = "", body: object = None) -> list[Call]:
    """Return the call for each kind of entity that has telemetry."""
    return [
        Call(
            query,
            body,
            {"entityType": kind, "entityId": id_, "entity_type": kind, "entity_id": id_},
            (SYSADMIN,) if kind in SYSTEMS else (),
        )
        for kind, id_ in WITH_TELEMETRY.items()
    ]


def only(*calls: Call) -> list[Call]:
    return list(calls)


PLAIN = only(Call())
PAGED = only(Call(PAGE))
SYSADMINS = only(Call(may=(SYSADMIN,)))
VALUES = {KEY: "stolen"}
_T = "/api/plugins/telemetry/{entityType}/{entityId}"
_D = "/api/plugins/telemetry/{deviceId}/{scope}"

TELEMETRY = {
    f"GET {_T}/keys/timeseries": of_each_kind(),
    f"GET {_T}/keys/attributes": of_each_kind(),
    f"GET {_T}/keys/attributes/{{scope}}": of_each_kind(),
    f"GET {_T}/values/attributes": of_each_kind(f"keys={KEY}"),
    f"GET {_T}/values/attributes/{{scope}}": of_each_kind(),
    f"GET {_T}/values/timeseries": [
        *of_each_kind(),
        *of_each_kind(f"keys={KEY}&startTs=0&endTs=9999999999999"),
    ],
    f"GET {_T}/values/timeseries/history": of_each_kind(
        f"keys={KEY}&startTs=0&endTs=9999999999999"
    ),
    f"POST {_T}/timeseries/{{scope}}": of_each_kind(body=VALUES),
    f"POST {_T}/timeseries/{{scope}}/{{ttl}}": of_each_kind(body=VALUES),
    f"DELETE {_T}/timeseries/delete": of_each_kind(f"keys={KEY}&deleteAllDataForKeys=true"),
    f"POST {_T}/attributes/{{scope}}": of_each_kind(body=VALUES),
    f"POST {_T}/{{scope}}": of_each_kind(body=VALUES),
    f"POST {_D}": only(Call(body=VALUES)),
    f"DELETE {_T}/{{scope}}": of_each_kind(f"keys={KEY}"),
    f"DELETE {_D}": only(Call(f"keys={KEY}")),
}

STOLEN = {"name": "stolen"}
TOKEN = {"credentialsType": "ACCESS_TOKEN", "credentialsId": "stolen-token"}
OWN_DEVICE = STOLEN | {"id": ref("DEVICE", "own_device")}
DEVICES = {
    "GET /api/device/types": PLAIN,
    "GET /api/device/info/{device_id}": PLAIN,
    "GET /api/device/{device_id}": PLAIN,
    "POST /api/device": only(
        Call(body=STOLEN | {"id": ref("DEVICE")}),
        Call(body=STOLEN | {"customerId": ref("CUSTOMER")}),
        Call(
            body=STOLEN | {"deviceProfileId": ref("DEVICE_PROFILE", "profile")}, answers=OR_INVALID
        ),
        Call(body=OWN_DEVICE | {"customerId": ref("CUSTOMER")}),
        Call(
            body=OWN_DEVICE | {"deviceProfileId": ref("DEVICE_PROFILE", "profile")},
            answers=OR_INVALID,
            may=TENANT_WIDE,
        ),
    ),
    "POST /api/device-with-credentials": only(
        Call(body={"device": STOLEN | {"id": ref("DEVICE")}, "credentials": TOKEN}),
        Call(body={"device": STOLEN | {"customerId": ref("CUSTOMER")}, "credentials": TOKEN}),
        Call(
            body={
                "device": OWN_DEVICE,
                "credentials": TOKEN | {"id": {"id": "$credentials"}},
            },
            answers=OR_INVALID,
        ),
    ),
    "DELETE /api/device/{device_id}": PLAIN,
    "GET /api/device/{device_id}/credentials": PLAIN,
    "POST /api/device/credentials": only(
        Call(body=TOKEN | {"deviceId": ref("DEVICE")}),
        Call(
            body=TOKEN | {"deviceId": ref("DEVICE", "own_device"), "id": {"id": "$credentials"}},
            answers=OR_INVALID,
        ),
    ),
    "POST /api/customer/public/device/{device_id}": PLAIN,
    "POST /api/customer/{customer_id}/device/{device_id}": only(
        Call(),
        Call(path={"device_id": "$own_device"}),
        Call(path={"customer_id": "$own_customer"}),
    ),
    "DELETE /api/customer/device/{device_id}": PLAIN,
    "GET /api/tenant/devices": only(Call(PAGE), Call("deviceName=victim%20device")),
    "GET /api/tenant/device": only(Call("deviceName=victim%20device")),
    "GET /api/tenant/deviceInfos": only(Call(PAGE), Call(f"{PAGE}&deviceProfileId=$profile")),
    "GET /api/customer/{customer_id}/devices": PAGED,
    "GET /api/customer/{customer_id}/deviceInfos": PAGED,
    "GET /api/devices": only(Call("deviceIds=$device")),
    "GET /api/devices/list": only(Call("deviceIds=$device")),
}

PROFILES = {
    "GET /api/deviceProfile/names": only(Call(may=TENANT_WIDE)),
    "GET /api/deviceProfile/{profile_id}": PLAIN,
    "GET /api/deviceProfileInfo/default": PLAIN,
    "GET /api/deviceProfileInfo/{profile_id}": only(Call(may=TENANT_WIDE)),
    "POST /api/deviceProfile": only(
        Call(body=STOLEN | {"id": ref("DEVICE_PROFILE", "profile")}),
        Call(body=STOLEN | {"defaultRuleChainId": ref("RULE_CHAIN")}, answers=OR_INVALID),
        Call(body=STOLEN | {"defaultEdgeRuleChainId": ref("RULE_CHAIN")}, answers=OR_INVALID),
        Call(body=STOLEN | {"defaultDashboardId": ref("DASHBOARD")}, answers=OR_INVALID),
        Call(
            body=STOLEN
            | {
                "id": ref("DEVICE_PROFILE", "own_profile"),
                "defaultRuleChainId": ref("RULE_CHAIN"),
            },
            answers=OR_INVALID,
        ),
    ),
    "DELETE /api/deviceProfile/{profile_id}": PLAIN,
    "POST /api/deviceProfile/{profile_id}/default": PLAIN,
    "GET /api/deviceProfiles": PAGED,
    "GET /api/deviceProfileInfos": only(
        Call(PAGE, may=TENANT_WIDE), Call("deviceProfileIds=$profile")
    ),
    "GET /api/deviceProfileInfos/list": only(Call("deviceProfileIds=$profile")),
}

ALARM = {"type": "stolen", "severity": "MAJOR"}
ALARMS = {
    "GET /api/alarms": only(Call(PAGE), Call(f"{PAGE}&assigneeId=$user")),
    "GET /api/v2/alarms": only(Call(PAGE), Call(f"{PAGE}&assigneeId=$user")),
    "GET /api/alarm/types": PAGED,
    "GET /api/alarm/info/{alarm_id}": PLAIN,
    "GET /api/alarm/highestSeverity/{entity_type}/{entity_id}": of_each_kind(),
    "GET /api/alarm/{entity_type}/{entity_id}": of_each_kind(PAGE),
    "GET /api/v2/alarm/{entity_type}/{entity_id}": of_each_kind(PAGE),
    "GET /api/alarm/{alarm_id}": PLAIN,
    "POST /api/alarm": [
        *(
            Call(body=ALARM | {"originator": {"entityType": kind, "id": id_}})
            for kind, id_ in WITH_TELEMETRY.items()
        ),
        Call(body=ALARM | {"originator": ref("DEVICE", "own_device"), "id": ref("ALARM")}),
        Call(
            body=ALARM | {"originator": ref("DEVICE", "own_device"), "assigneeId": ref("USER")},
        ),
    ],
    "DELETE /api/alarm/{alarm_id}": PLAIN,
    "POST /api/alarm/{alarm_id}/ack": PLAIN,
    "POST /api/alarm/{alarm_id}/clear": PLAIN,
    "POST /api/alarm/{alarm_id}/assign/{assignee_id}": only(
        Call(), Call(path={"alarm_id": "$own_alarm"})
    ),
    "DELETE /api/alarm/{alarm_id}/assign": PLAIN,
}
ALARM_RULES = {
    "GET /api/alarm/rules/names": PAGED,
    "GET /api/alarm/rules/{entity_type}/{entity_id}": only(
        Call(PAGE), Call(PAGE, path={"entity_type": "DEVICE_PROFILE", "entity_id": "$profile"})
    ),
    "GET /api/alarm/rules": only(Call(PAGE), Call(f"{PAGE}&entityType=DEVICE&entities=$device")),
    "GET /api/alarm/rule/{alarm_rule_id}": PLAIN,
    "POST /api/alarm/rule": only(
        Call(body=alarm_rule(ref("DEVICE"), "stolen")),
        Call(body=alarm_rule(ref("DEVICE_PROFILE", "profile"), "stolen")),
        Call(
            body=alarm_rule(ref("DEVICE", "own_device"), "stolen")
            | {"id": ref("CALCULATED_FIELD", "alarm_rule")}
        ),
        Call(
            body=alarm_rule(ref("DEVICE"), "stolen")
            | {"id": ref("CALCULATED_FIELD", "own_alarm_rule")}
        ),
    ),
    "DELETE /api/alarm/rule/{alarm_rule_id}": PLAIN,
}

NODE = {
    "id": ref("RULE_NODE", "rule_node"),
    "type": "org.thingsboard.rule.engine.action.TbLogNode",
    "name": "stolen",
    "configuration": {"scriptLang": "JS", "jsScript": "return '';"},
}
RULE_CHAINS = {
    "GET /api/ruleChains": only(Call(PAGE), Call("ruleChainIds=$rule_chain")),
    "GET /api/ruleChains/list": only(Call("ruleChainIds=$rule_chain")),
    "GET /api/ruleChain/tbelEnabled": PLAIN,
    "GET /api/ruleChain/{rule_chain_id}": PLAIN,
    "GET /api/ruleChain/{rule_chain_id}/metadata": PLAIN,
    "POST /api/ruleChain": only(Call(body=STOLEN | {"id": ref("RULE_CHAIN")})),
    "POST /api/ruleChain/device/default": only(Call(body=STOLEN, may=(STRANGER,))),
    "POST /api/ruleChain/metadata": only(
        Call(body={"ruleChainId": ref("RULE_CHAIN"), "nodes": [], "connections": []}),
        Call(
            body={"ruleChainId": ref("RULE_CHAIN", "own_rule_chain"), "nodes": [NODE]},
            answers=OR_INVALID,
        ),
    ),
    "POST /api/ruleChain/{rule_chain_id}/root": PLAIN,
    "DELETE /api/ruleChain/{rule_chain_id}": PLAIN,
    "GET /api/components": only(Call("componentTypes=ACTION")),
    "GET /api/components/{component_type}": only(Call(path={"component_type": "ACTION"})),
}

TITLE = {"title": "stolen"}
PEOPLE = {
    "GET /api/customer/{customer_id}": PLAIN,
    "GET /api/customer/{customer_id}/shortInfo": PLAIN,
    "GET /api/customer/{customer_id}/title": PLAIN,
    "POST /api/customer": only(Call(body=TITLE | {"id": ref("CUSTOMER")})),
    "DELETE /api/customer/{customer_id}": PLAIN,
    "GET /api/customers": only(Call(PAGE), Call("customerIds=$customer")),
    "GET /api/customers/list": only(Call("customerIds=$customer")),
    "GET /api/tenant/customers": only(Call("customerTitle=victim%20customer")),
    "GET /api/tenant/{tenant_id}": SYSADMINS,
    "GET /api/tenant/info/{tenant_id}": SYSADMINS,
    "POST /api/tenant": only(Call(body=TITLE | {"id": ref("TENANT")}, may=(SYSADMIN,))),
    "DELETE /api/tenant/{tenant_id}": SYSADMINS,
    "GET /api/tenants": only(
        Call(PAGE, may=(SYSADMIN,)), Call("tenantIds=$tenant", may=(SYSADMIN,))
    ),
    "GET /api/tenants/list": only(Call("tenantIds=$tenant", may=(SYSADMIN,))),
    "GET /api/tenantInfos": only(Call(PAGE, may=(SYSADMIN,))),
    "GET /api/tenantProfile/{tenant_profile_id}": SYSADMINS,
    "GET /api/tenantProfileInfo/default": SYSADMINS,
    "GET /api/tenantProfileInfo/{tenant_profile_id}": SYSADMINS,
    "POST /api/tenantProfile": only(
        Call(body=STOLEN, may=(SYSADMIN,)),
        Call(body=STOLEN | {"id": ref("TENANT_PROFILE")}, may=(SYSADMIN,)),
    ),
    "DELETE /api/tenantProfile/{tenant_profile_id}": SYSADMINS,
    "POST /api/tenantProfile/{tenant_profile_id}/default": SYSADMINS,
    "GET /api/tenantProfiles": only(
        Call(PAGE, may=(SYSADMIN,)), Call("ids=$tenant_profile", may=(SYSADMIN,))
    ),
    "GET /api/tenantProfiles/list": only(Call("ids=$tenant_profile", may=(SYSADMIN,))),
    "GET /api/tenantProfileInfos": only(Call(PAGE, may=(SYSADMIN,))),
    "GET /api/user/{user_id}": only(Call(), Call(path={"user_id": "$admin"}, may=(SYSADMIN,))),
    "POST /api/user": only(
        Call(body={"email": "stolen@x.org", "id": ref("USER")}),
        Call(body={"email": "stolen@x.org", "id": ref("USER", "admin")}, may=(SYSADMIN,)),
        Call(
            "sendActivationMail=false",
            {"email": "x@x.org", "authority": "CUSTOMER_USER", "customerId": ref("CUSTOMER")},
        ),
        Call(
            "sendActivationMail=false",
            {"email": "x@x.org", "authority": "SYS_ADMIN", "tenantId": ref("TENANT")},
            may=(SYSADMIN,),
        ),
    ),
    "GET /api/user/{user_id}/activationLink": PLAIN,
    "GET /api/user/{user_id}/activationLinkInfo": PLAIN,
    "DELETE /api/user/{user_id}": only(Call(), Call(path={"user_id": "$admin"}, may=(SYSADMIN,))),
    "POST /api/user/{user_id}/userCredentialsEnabled": only(Call("userCredentialsEnabled=false")),
    "GET /api/users": only(Call(PAGE), Call("userIds=$user,$admin")),
    "GET /api/users/info": PAGED,
    "GET /api/tenant/{tenant_id}/users": only(Call(PAGE, may=(SYSADMIN,))),
    "GET /api/customer/{customer_id}/users": PAGED,
    "GET /api/users/list": only(Call("userIds=$user,$admin")),
}

THINGSBOARD_CALLS: dict[str, list[Call]] = (
    TELEMETRY | DEVICES | PROFILES | ALARMS | ALARM_RULES | RULE_CHAINS | PEOPLE
)
