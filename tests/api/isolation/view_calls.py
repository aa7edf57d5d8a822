"""How the routes of entity views and gateways are called with somebody else's ids."""

from tests.api.isolation.calls import OR_INVALID, PAGE, STOLEN, Call, only, ref

_AT = {"view_id": "$entity_view", "gateway_id": "$gateway"}
_VIEW = STOLEN | {"type": "stolen", "entityId": ref("DEVICE", "own_device")}
_OWN_VIEW = _VIEW | {"id": ref("ENTITY_VIEW", "own_entity_view")}
_V1_VIEW = STOLEN | {"type": "stolen", "entity_type": "DEVICE", "entity_id": "$own_device"}


def _at(query: str = "", body: object = None, **path: str) -> Call:
    return Call(query, body, _AT | path)


THINGSBOARD_CALLS: dict[str, list[Call]] = {
    "GET /api/entityView/types": only(_at()),
    "GET /api/entityView/info/{view_id}": only(_at()),
    "GET /api/entityView/{view_id}": only(_at()),
    "POST /api/entityView": only(
        Call(body=_VIEW | {"id": ref("ENTITY_VIEW")}),
        Call(body=_VIEW | {"entityId": ref("DEVICE")}),
        Call(body=_VIEW | {"customerId": ref("CUSTOMER")}),
        Call(body=_OWN_VIEW | {"entityId": ref("DEVICE")}),
        Call(body=_OWN_VIEW | {"customerId": ref("CUSTOMER")}),
        Call(body=_OWN_VIEW | {"entityId": ref("ENTITY_VIEW")}, answers=OR_INVALID),
    ),
    "DELETE /api/entityView/{view_id}": only(_at()),
    "POST /api/customer/public/entityView/{view_id}": only(_at()),
    "POST /api/customer/{customer_id}/entityView/{view_id}": only(
        _at(), _at(view_id="$own_entity_view"), _at(customer_id="$own_customer")
    ),
    "DELETE /api/customer/entityView/{view_id}": only(_at()),
    "GET /api/tenant/entityViews": only(Call(PAGE), Call("entityViewName=victim%20view")),
    "GET /api/tenant/entityView": only(Call("entityViewName=victim%20view")),
    "GET /api/tenant/entityViewInfos": only(Call(PAGE)),
    "GET /api/customer/{customer_id}/entityViews": only(Call(PAGE)),
    "GET /api/customer/{customer_id}/entityViewInfos": only(Call(PAGE)),
    "GET /api/entityViews": only(Call("entityViewIds=$entity_view")),
    "GET /api/entityViews/list": only(Call("entityViewIds=$entity_view")),
}
V1_CALLS: dict[str, list[Call]] = {
    "GET /entityViews": only(Call(), Call("customer_id=$customer")),
    "POST /entityViews": only(
        Call(body=_V1_VIEW | {"entity_id": "$device"}),
        Call(body=_V1_VIEW | {"customer_id": "$customer"}),
    ),
    "GET /entityViews/{view_id}": only(_at()),
    "PUT /entityViews/{view_id}": only(
        _at(body=STOLEN),
        _at(body={"entity_type": "DEVICE", "entity_id": "$device"}, view_id="$own_entity_view"),
        _at(body={"customer_id": "$customer"}, view_id="$own_entity_view"),
    ),
    "DELETE /entityViews/{view_id}": only(_at()),
    "GET /gateways": only(Call(), Call("customer_id=$customer")),
    "POST /gateways": only(Call(body=STOLEN | {"customer_id": "$customer"})),
    "GET /gateways/{gateway_id}": only(_at()),
    "PUT /gateways/{gateway_id}": only(
        _at(body=STOLEN), _at(body={"customer_id": "$customer"}, gateway_id="$own_gateway")
    ),
    "DELETE /gateways/{gateway_id}": only(_at()),
    "GET /gateways/{gateway_id}/devices": only(_at()),
    "PUT /gateways/{gateway_id}/devices/{device_id}": only(
        _at(), _at(gateway_id="$own_gateway"), _at(device_id="$own_device")
    ),
    "DELETE /gateways/{gateway_id}/devices/{device_id}": only(
        _at(), _at(gateway_id="$own_gateway"), _at(device_id="$own_device")
    ),
}
