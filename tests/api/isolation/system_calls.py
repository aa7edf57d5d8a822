"""How the routes about the installation are called; none of them takes ids of entities."""

from tests.api.isolation.calls import PAGED, PLAIN, Call, only

_PLAIN = (
    "GET /api/system/params",
    "GET /api/system/info",
    "GET /api/uiSettings/helpBaseUrl",
    "GET /api/dashboard/serverTime",
    "GET /api/dashboard/maxDatapointsLimit",
    "GET /api/usage",
    "GET /api/admin/featuresInfo",
    "GET /api/admin/updates",
    "GET /api/admin/systemInfo",
    "GET /api/admin/repositorySettings/info",
    "GET /api/admin/repositorySettings/exists",
    "GET /api/admin/autoCommitSettings/exists",
    "GET /api/2fa/providers",
    "GET /api/2fa/account/settings",
    "GET /api/trendz/settings",
    "GET /api/iot-hub/installedItems/count",
    "GET /api/iot-hub/installedItems/itemIds",
    "GET /api/notifications/unread/count",
    "GET /api/notification/deliveryMethods",
    "GET /api/notification/settings/user",
    "PUT /api/notification/{notification_id}/read",
    "DELETE /api/notification/{notification_id}",
)
_PAGED = (
    "GET /api/notifications",
    "GET /api/iot-hub/installedItems",
    "GET /api/domain/infos",
    "GET /api/oauth2/client/infos",
    "GET /api/mobile/bundle/infos",
    "GET /api/mobile/app",
    "GET /api/queueStats",
)
SYSTEM = (
    dict.fromkeys(_PLAIN, PLAIN)
    | dict.fromkeys(_PAGED, PAGED)
    | {"GET /api/iot-hub/installedItems/counts": only(Call("itemType=WIDGET"))}
)
