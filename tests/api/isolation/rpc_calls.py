"""How the routes of RPC are called with somebody else's ids; as ``calls.py``."""

from tests.api.isolation.calls import Call, only

_CALL = {"method": "open", "params": {}}
_PERSISTENT = "/api/rpc/persistent"

RPC_CALLS: dict[str, list[Call]] = {
    **{
        f"POST /api/{dialect}/{kind}/{{device_id}}": only(Call(body=_CALL))
        for dialect in ("rpc", "plugins/rpc")
        for kind in ("oneway", "twoway")
    },
    f"GET {_PERSISTENT}/{{rpc_id}}": only(Call(path={"rpc_id": "$rpc"})),
    f"GET {_PERSISTENT}/device/{{device_id}}": only(Call("pageSize=10&page=0")),
    f"DELETE {_PERSISTENT}/{{rpc_id}}": only(Call(path={"rpc_id": "$rpc"})),
}
