"""How routes of comments and of the audit log are called with somebody else's ids."""

from tests.api.isolation.calls import PAGE, PAGED, PLAIN, Call, only
from tests.api.isolation.world import SYSADMIN

_OWN_DEEDS = (SYSADMIN,)
"""A system administrator made the victim, and sees that it did."""
_COMMENT = {"comment": {"text": "stolen"}}

ALARM_AREA: dict[str, list[Call]] = {
    "GET /api/audit/logs": only(Call(PAGE, may=_OWN_DEEDS)),
    "GET /api/audit/logs/customer/{customer_id}": only(Call(PAGE)),
    "GET /api/audit/logs/user/{user_id}": only(Call(PAGE), Call(PAGE, path={"user_id": "$admin"})),
    "GET /api/audit/logs/entity/{entity_type}/{entity_id}": [
        Call(PAGE),
        Call(PAGE, path={"entity_type": "TENANT", "entity_id": "$tenant"}, may=_OWN_DEEDS),
    ],
    "GET /api/alarm/{alarm_id}/comment": PAGED,
    "POST /api/alarm/{alarm_id}/comment": only(Call(body=_COMMENT)),
    "DELETE /api/alarm/{alarm_id}/comment/{comment_id}": only(
        Call(), Call(path={"alarm_id": "$own_alarm"})
    ),
}
V1_ALARM_AREA: dict[str, list[Call]] = {
    "GET /auditLogs": only(
        Call(may=_OWN_DEEDS),
        Call("entity_id=$device"),
        Call("customer_id=$customer"),
        Call("user_id=$user"),
    ),
    "DELETE /alarms/{alarm_id}/assign": PLAIN,
    "GET /alarms/{alarm_id}/comments": PLAIN,
    "POST /alarms/{alarm_id}/comments": only(Call(body=_COMMENT)),
    "PUT /alarms/{alarm_id}/comments/{comment_id}": only(
        Call(body=_COMMENT), Call(body=_COMMENT, path={"alarm_id": "$own_alarm"})
    ),
    "DELETE /alarms/{alarm_id}/comments/{comment_id}": only(
        Call(), Call(path={"alarm_id": "$own_alarm"})
    ),
}
