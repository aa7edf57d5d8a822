"""How each route of the v1 dialect is called with somebody else's ids; as ``calls.py``."""

from functools import cache

from tests.api.isolation import view_calls
from tests.api.isolation.alarm_calls import ALARM_AREA, V1_ALARM_AREA
from tests.api.isolation.asset_calls import ASSETS, V1_ASSETS
from tests.api.isolation.calls import (
    OR_INVALID,
    PLAIN,
    STOLEN,
    SYSADMINS,
    THINGSBOARD_CALLS,
    VALUES,
    WITH_TELEMETRY,
    Call,
    of_each_kind,
    only,
)
from tests.api.isolation.claim_calls import CLAIM_CALLS
from tests.api.isolation.dashboard_calls import DASHBOARDS, V1_DASHBOARDS
from tests.api.isolation.event_calls import EVENT_CALLS, EVENT_V1_CALLS
from tests.api.isolation.integration_calls import INTEGRATIONS
from tests.api.isolation.ota_calls import OTA_CALLS
from tests.api.isolation.relation_calls import RELATIONS, V1_RELATIONS
from tests.api.isolation.rpc_calls import RPC_CALLS
from tests.api.isolation.system_calls import SYSTEM
from tests.api.isolation.users_calls import USER_CALLS, V1_USER_CALLS
from tests.api.isolation.world import KEY, NEIGHBOUR, PUBLIC, STRANGER, SYSADMIN

_T = "/telemetry/{entity_type}/{entity_id}"
_CUSTOMER_USER = {"email": "x@x.org", "authority": "CUSTOMER_USER", "customer_id": "$customer"}
_ALARM = {"type": "stolen", "severity": "MAJOR"}
_NODE = {
    "id": "$rule_node",
    "type": "org.thingsboard.rule.engine.action.TbLogNode",
    "name": "stolen",
}

V1_CALLS: dict[str, list[Call]] = {
    "GET /tenants": only(Call(may=(SYSADMIN,))),
    "POST /tenants": only(Call(body=STOLEN, may=(SYSADMIN,))),
    "GET /tenants/{tenant_id}": SYSADMINS,
    "PUT /tenants/{tenant_id}": only(Call(body=STOLEN, may=(SYSADMIN,))),
    "DELETE /tenants/{tenant_id}": SYSADMINS,
    "GET /usage": PLAIN,
    "GET /usage/months": PLAIN,
    "GET /customers": PLAIN,
    "POST /customers": only(Call(body=STOLEN, may=(STRANGER,))),
    "GET /customers/{customer_id}": PLAIN,
    "PUT /customers/{customer_id}": only(Call(body=STOLEN)),
    "DELETE /customers/{customer_id}": PLAIN,
    "GET /users": only(
        Call(may=(SYSADMIN,)),
        Call("customer_id=$customer"),
        Call("type=CUSTOMER_USER"),
        Call("type=TENANT_ADMIN", may=(SYSADMIN,)),
    ),
    "POST /users": only(
        Call(body=_CUSTOMER_USER),
        Call(
            body={"email": "x@x.org", "authority": "SYS_ADMIN"},
            may=(SYSADMIN,),
        ),
    ),
    "GET /users/{user_id}": only(Call(), Call(path={"user_id": "$admin"}, may=(SYSADMIN,))),
    "PUT /users/{user_id}": only(
        Call(body={"first_name": "stolen"}),
        Call(body={"enabled": False}),
        Call(body={"enabled": False}, path={"user_id": "$admin"}, may=(SYSADMIN,)),
    ),
    "DELETE /users/{user_id}": only(Call(), Call(path={"user_id": "$admin"}, may=(SYSADMIN,))),
    "GET /users/{user_id}/activation_link": PLAIN,
    "GET /devices": only(Call(), Call("customer_id=$customer"), Call("device_profile_id=$profile")),
    "POST /devices": only(
        Call(body=STOLEN | {"customer_id": "$customer"}),
        Call(body=STOLEN | {"device_profile_id": "$profile"}, answers=OR_INVALID),
    ),
    "GET /devices/{device_id}": PLAIN,
    "PUT /devices/{device_id}": only(
        Call(body=STOLEN),
        Call(body={"customer_id": "$customer"}, path={"device_id": "$own_device"}),
        Call(
            body={"device_profile_id": "$profile"},
            path={"device_id": "$own_device"},
            answers=OR_INVALID,
            may=(NEIGHBOUR, PUBLIC),
        ),
    ),
    "DELETE /devices/{device_id}": PLAIN,
    "GET /devices/{device_id}/credentials": PLAIN,
    "POST /devices/{device_id}/credentials": only(Call(body={"credentials_id": "stolen-token"})),
    "GET /deviceProfiles": PLAIN,
    "POST /deviceProfiles": only(
        Call(body=STOLEN | {"default_rule_chain_id": "$rule_chain"}, answers=OR_INVALID)
    ),
    "GET /deviceProfiles/{profile_id}": PLAIN,
    "PUT /deviceProfiles/{profile_id}": only(
        Call(body=STOLEN),
        Call(
            body={"default_rule_chain_id": "$rule_chain"},
            path={"profile_id": "$own_profile"},
            answers=OR_INVALID,
        ),
    ),
    "DELETE /deviceProfiles/{profile_id}": PLAIN,
    f"GET {_T}/values/timeseries": [*of_each_kind(), *of_each_kind(f"keys={KEY}&startTs=0")],
    f"GET {_T}/keys/timeseries": of_each_kind(),
    f"POST {_T}/timeseries/{{scope}}": of_each_kind(body=VALUES),
    f"GET {_T}/attributes": of_each_kind(),
    f"POST {_T}/attributes/{{scope}}": of_each_kind(body=VALUES),
    f"DELETE {_T}/attributes/{{scope}}": of_each_kind(f"keys={KEY}"),
    "GET /alarms": only(Call(), Call("customer_id=$customer"), Call("originator_id=$device")),
    "POST /alarms": [
        Call(body=_ALARM | {"originator_type": kind, "originator_id": id_})
        for kind, id_ in WITH_TELEMETRY.items()
    ],
    "GET /alarms/{alarm_id}": PLAIN,
    "DELETE /alarms/{alarm_id}": PLAIN,
    "POST /alarms/{alarm_id}/ack": PLAIN,
    "POST /alarms/{alarm_id}/clear": PLAIN,
    "POST /alarms/{alarm_id}/assign/{user_id}": only(Call(), Call(path={"alarm_id": "$own_alarm"})),
    "GET /ruleChains": PLAIN,
    "POST /ruleChains": only(Call(body=STOLEN, may=(STRANGER,))),
    "GET /ruleChains/{rule_chain_id}": PLAIN,
    "PUT /ruleChains/{rule_chain_id}": only(Call(body=STOLEN), Call(body={"root": True})),
    "DELETE /ruleChains/{rule_chain_id}": PLAIN,
    "POST /ruleChains/{rule_chain_id}/root": PLAIN,
    "GET /ruleChains/{rule_chain_id}/metadata": PLAIN,
    "PUT /ruleChains/{rule_chain_id}/metadata": only(
        Call(body={"nodes": []}),
        Call(
            body={"nodes": [_NODE]}, path={"rule_chain_id": "$own_rule_chain"}, answers=OR_INVALID
        ),
    ),
}


@cache
def all_calls() -> dict[str, list[Call]]:
    """Return the calls of every route; v1's are mounted at ``/api/v1`` and at ``/api``."""
    thingsboard = THINGSBOARD_CALLS | USER_CALLS | ALARM_AREA | ASSETS | RELATIONS
    thingsboard |= (
        DASHBOARDS
        | SYSTEM
        | EVENT_CALLS
        | RPC_CALLS
        | OTA_CALLS
        | CLAIM_CALLS
        | view_calls.THINGSBOARD_CALLS
    )
    thingsboard |= OTA_CALLS
    found = {route: list(calls) for route, calls in thingsboard.items()}
    v1 = V1_CALLS | V1_USER_CALLS | V1_ALARM_AREA | V1_ASSETS | V1_RELATIONS | V1_DASHBOARDS
    v1 |= EVENT_V1_CALLS | view_calls.V1_CALLS | INTEGRATIONS
    for route, calls in v1.items():
        method, path = route.split(" ")
        for prefix in ("/api/v1", "/api"):
            found.setdefault(f"{method} {prefix}{path}", []).extend(calls)
    return found
