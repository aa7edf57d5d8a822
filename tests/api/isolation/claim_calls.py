"""How the routes of claiming are called with somebody else's names; as ``calls.py``."""

from tests.api.isolation.calls import OR_INVALID, Call, only

_PATH = "/api/customer/device/{device_name}/claim"
_VICTIM = {"device_name": "victim%20device"}

CLAIM_CALLS: dict[str, list[Call]] = {
    f"POST {_PATH}": only(Call(body={"secretKey": ""}, path=_VICTIM, answers=OR_INVALID)),
    f"DELETE {_PATH}": only(Call(path=_VICTIM)),
}
