"""How the routes of integrations are called with somebody else's ids."""

from tests.api.isolation.calls import STOLEN, Call, only
from tests.api.isolation.world import STRANGER, integration_of

_AT = {"integration_id": "$integration"}
_SAMPLE = {"topic": "a/b", "payload": {"t": 1}}

INTEGRATIONS: dict[str, list[Call]] = {
    "GET /integrations": only(Call(), Call("type=MQTT"), Call("search=victim")),
    "POST /integrations": only(Call(body=integration_of("stolen"), may=(STRANGER,))),
    "POST /integrations/convert": only(
        Call(body=_SAMPLE | {"converter": integration_of("a")["converter"]}, may=(STRANGER,))
    ),
    "GET /integrations/{integration_id}": only(Call(path=_AT)),
    "PUT /integrations/{integration_id}": only(
        Call(path=_AT, body=STOLEN), Call(path=_AT, body={"enabled": True})
    ),
    "DELETE /integrations/{integration_id}": only(Call(path=_AT)),
    "POST /integrations/{integration_id}/convert": only(Call(path=_AT, body=_SAMPLE)),
}
