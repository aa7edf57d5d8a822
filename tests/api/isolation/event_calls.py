"""How the routes of events are called with somebody else's ids; as ``calls.py``."""

from tests.api.isolation.calls import PLAIN, TENANT_WIDE, Call, only
from tests.api.isolation.world import STRANGER, SYSADMIN

_TENANT = "tenantId=$tenant&pageSize=10&page=0"
_FILTER = {"eventType": "DEBUG_RULE_NODE"}
_PATH = "/api/events/{entity_type}/{entity_id}"
_KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "RULE_CHAIN": ("$rule_chain", ()),
    "RULE_NODE": ("$rule_node", ()),
    "DEVICE": ("$device", ()),
    "CUSTOMER": ("$customer", ()),
    "USER": ("$user", ()),
    "TENANT": ("$tenant", (SYSADMIN,)),
    "DEVICE_PROFILE": ("$profile", TENANT_WIDE),
}
"""Kind -> an entity, and who may see that it has no events."""


def _each(query: str, body: object = None) -> list[Call]:
    return [
        Call(
            query,
            body,
            {"entity_type": kind, "entity_id": entity_id, "event_type": "DEBUG_RULE_NODE"},
            may,
        )
        for kind, (entity_id, may) in _KINDS.items()
    ]


EVENT_CALLS: dict[str, list[Call]] = {
    f"GET {_PATH}/{{event_type}}": _each(_TENANT),
    f"GET {_PATH}": _each(_TENANT),
    f"POST {_PATH}": _each(_TENANT, _FILTER),
    f"POST {_PATH}/clear": _each("", _FILTER),
    "POST /api/ruleChain/testScript": only(
        Call(body={"script": "return msg;", "scriptType": "json"}, may=(STRANGER,))
    ),
    "GET /api/ruleChain/{rule_chain_id}/output/labels": PLAIN,
    "GET /api/ruleChain/{rule_chain_id}/output/labels/usage": PLAIN,
    "GET /api/component/{clazz}": only(Call(path={"clazz": "no.such.Node"})),
    "GET /api/ruleNode/{rule_node_id}/debugIn": only(Call(path={"rule_node_id": "$rule_node"})),
}
EVENT_V1_CALLS: dict[str, list[Call]] = {
    "GET /ruleChains/{rule_chain_id}/events": only(Call(), Call("node_id=$rule_node")),
    "DELETE /ruleChains/{rule_chain_id}/events": PLAIN,
}
