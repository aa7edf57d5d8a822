"""How the routes of dashboards are called with somebody else's ids."""

from tests.api.isolation.calls import PAGE, PAGED, PLAIN, TITLE, Call, only, ref
from tests.api.isolation.world import SYSADMIN

_OWN, _OWN_CUSTOMER = {"dashboard_id": "$own_dashboard"}, {"customer_id": "$own_customer"}
_ONE_CUSTOMER = only(Call(), Call(path=_OWN), Call(path=_OWN_CUSTOMER))
_CUSTOMERS = only(Call(body=["$own_customer"]), Call(body=["$customer"], path=_OWN))

DASHBOARDS = {
    "GET /api/dashboard/home": PLAIN,
    "GET /api/dashboard/home/info": PLAIN,
    "GET /api/tenant/dashboard/home/info": PLAIN,
    "POST /api/tenant/dashboard/home/info": only(Call(body={"dashboardId": ref("DASHBOARD")})),
    "GET /api/dashboard/info/{dashboard_id}": PLAIN,
    "GET /api/dashboard/{dashboard_id}": PLAIN,
    "POST /api/dashboard": only(Call(body=TITLE | {"id": ref("DASHBOARD")})),
    "DELETE /api/dashboard/{dashboard_id}": PLAIN,
    "POST /api/customer/public/dashboard/{dashboard_id}": PLAIN,
    "DELETE /api/customer/public/dashboard/{dashboard_id}": PLAIN,
    "POST /api/customer/{customer_id}/dashboard/{dashboard_id}": _ONE_CUSTOMER,
    "DELETE /api/customer/{customer_id}/dashboard/{dashboard_id}": _ONE_CUSTOMER,
    "POST /api/dashboard/{dashboard_id}/customers": _CUSTOMERS,
    "POST /api/dashboard/{dashboard_id}/customers/add": _CUSTOMERS,
    "POST /api/dashboard/{dashboard_id}/customers/remove": _CUSTOMERS,
    "GET /api/tenant/dashboards": PAGED,
    "GET /api/tenant/{tenant_id}/dashboards": only(Call(PAGE, may=(SYSADMIN,))),
    "GET /api/customer/{customer_id}/dashboards": PAGED,
    "GET /api/user/dashboards": PLAIN,
    "GET /api/user/lastVisitedDashboards": PLAIN,
    "GET /api/user/dashboards/{dashboard_id}/{action}": only(
        *(Call(path={"action": action}) for action in ("visit", "star", "unstar"))
    ),
    "GET /api/dashboards": only(Call("dashboardIds=$dashboard")),
    "GET /api/dashboards/list": only(Call("dashboardIds=$dashboard")),
}
V1_DASHBOARDS = {
    "GET /dashboards": only(Call(), Call("customer_id=$customer")),
    "POST /dashboards": only(Call(body=TITLE | {"assigned_customers": ["$customer"]})),
    "GET /dashboards/{dashboard_id}": PLAIN,
    "PUT /dashboards/{dashboard_id}": only(
        Call(body=TITLE),
        Call(body={"customer_id": "$own_customer"}),
        Call(body={"customer_id": "$customer"}, path=_OWN),
        Call(body={"assigned_customers": ["$customer"]}, path=_OWN),
    ),
    "DELETE /dashboards/{dashboard_id}": PLAIN,
    "POST /dashboards/{dashboard_id}/customers/{customer_id}": _ONE_CUSTOMER,
    "DELETE /dashboards/{dashboard_id}/customers/{customer_id}": _ONE_CUSTOMER,
}
