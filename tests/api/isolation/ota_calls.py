"""How the routes of OTA packages are called with somebody else's ids; as ``calls.py``."""

from tests.api.isolation.calls import OR_INVALID, PAGE, Call, only
from tests.api.isolation.world import NEIGHBOUR, package_of

_PACKAGE = {"package_id": "$ota_package"}
_OF_PROFILE = {"kind": "FIRMWARE"}
_OWN_TENANT = (NEIGHBOUR,)


OTA_CALLS: dict[str, list[Call]] = {
    "GET /api/otaPackage/{package_id}/download": only(Call(path=_PACKAGE)),
    "GET /api/otaPackage/info/{package_id}": only(Call(path=_PACKAGE, may=_OWN_TENANT)),
    "GET /api/otaPackage/{package_id}": only(Call(path=_PACKAGE)),
    "POST /api/otaPackage": only(
        Call(body=package_of("stolen", "$profile"), answers=OR_INVALID),
        Call(
            body={
                **package_of("stolen", "$profile"),
                "id": {"entityType": "OTA_PACKAGE", "id": "$ota_package"},
            },
            answers=OR_INVALID,
        ),
    ),
    "POST /api/otaPackage/{package_id}": only(Call(path=_PACKAGE)),
    "GET /api/otaPackages": only(Call(PAGE, may=_OWN_TENANT)),
    "GET /api/otaPackages/{profile_id}/{kind}": only(Call(PAGE, path=_OF_PROFILE, may=_OWN_TENANT)),
    "DELETE /api/otaPackage/{package_id}": only(Call(path=_PACKAGE)),
    "GET /api/devices/count/{kind}/{profile_id}": only(Call(path=_OF_PROFILE, may=_OWN_TENANT)),
}
