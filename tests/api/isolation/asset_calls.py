"""How the routes of assets and their profiles are called with somebody else's ids."""

from tests.api.isolation.calls import (
    OR_INVALID,
    PAGE,
    PAGED,
    PLAIN,
    STOLEN,
    TENANT_WIDE,
    Call,
    only,
    ref,
)

_OWN = STOLEN | {"id": ref("ASSET", "own_asset")}
_FOREIGN_PROFILE = {"assetProfileId": ref("ASSET_PROFILE")}
_PROFILE = {"profile_id": "$asset_profile"}
_PROFILES = only(Call(path=_PROFILE))

ASSETS = {
    "GET /api/asset/types": PLAIN,
    "GET /api/asset/info/{asset_id}": PLAIN,
    "GET /api/asset/{asset_id}": PLAIN,
    "POST /api/asset": only(
        Call(body=STOLEN | {"id": ref("ASSET")}),
        Call(body=STOLEN | {"customerId": ref("CUSTOMER")}),
        Call(body=STOLEN | _FOREIGN_PROFILE, answers=OR_INVALID),
        Call(body=_OWN | {"customerId": ref("CUSTOMER")}),
        Call(body=_OWN | _FOREIGN_PROFILE, answers=OR_INVALID, may=TENANT_WIDE),
    ),
    "DELETE /api/asset/{asset_id}": PLAIN,
    "POST /api/customer/public/asset/{asset_id}": PLAIN,
    "POST /api/customer/{customer_id}/asset/{asset_id}": only(
        Call(),
        Call(path={"asset_id": "$own_asset"}),
        Call(path={"customer_id": "$own_customer"}),
    ),
    "DELETE /api/customer/asset/{asset_id}": PLAIN,
    "GET /api/tenant/assets": only(Call(PAGE), Call("assetName=victim%20asset")),
    "GET /api/tenant/asset": only(Call("assetName=victim%20asset")),
    "GET /api/tenant/assetInfos": only(Call(PAGE), Call(f"{PAGE}&assetProfileId=$asset_profile")),
    "GET /api/customer/{customer_id}/assets": PAGED,
    "GET /api/customer/{customer_id}/assetInfos": PAGED,
    "GET /api/assets": only(Call("assetIds=$asset")),
    "GET /api/assets/list": only(Call("assetIds=$asset")),
    "GET /api/assetProfile/names": only(Call(may=TENANT_WIDE)),
    "GET /api/assetProfile/{profile_id}": _PROFILES,
    "GET /api/assetProfileInfo/default": PLAIN,
    "GET /api/assetProfileInfo/{profile_id}": only(Call(path=_PROFILE, may=TENANT_WIDE)),
    "POST /api/assetProfile": only(
        Call(body=STOLEN | {"id": ref("ASSET_PROFILE")}),
        Call(body=STOLEN | {"defaultRuleChainId": ref("RULE_CHAIN")}, answers=OR_INVALID),
        Call(
            body=STOLEN
            | {
                "id": ref("ASSET_PROFILE", "own_asset_profile"),
                "defaultEdgeRuleChainId": ref("RULE_CHAIN"),
            },
            answers=OR_INVALID,
        ),
    ),
    "DELETE /api/assetProfile/{profile_id}": _PROFILES,
    "POST /api/assetProfile/{profile_id}/default": _PROFILES,
    "GET /api/assetProfiles": PAGED,
    "GET /api/assetProfileInfos": only(
        Call(PAGE, may=TENANT_WIDE), Call("assetProfileIds=$asset_profile")
    ),
    "GET /api/assetProfileInfos/list": only(Call("assetProfileIds=$asset_profile")),
    "GET /api/deviceProfile/devices/keys/timeseries": only(Call("deviceProfileId=$profile")),
    "GET /api/deviceProfile/devices/keys/attributes": only(Call("deviceProfileId=$profile")),
}

V1_ASSETS = {
    "GET /assets": only(
        Call(), Call("customer_id=$customer"), Call("asset_profile_id=$asset_profile")
    ),
    "POST /assets": only(
        Call(body=STOLEN | {"customer_id": "$customer"}),
        Call(body=STOLEN | {"asset_profile_id": "$asset_profile"}, answers=OR_INVALID),
    ),
    "GET /assets/{asset_id}": PLAIN,
    "PUT /assets/{asset_id}": only(
        Call(body=STOLEN),
        Call(body={"customer_id": "$customer"}, path={"asset_id": "$own_asset"}),
        Call(
            body={"asset_profile_id": "$asset_profile"},
            path={"asset_id": "$own_asset"},
            answers=OR_INVALID,
            may=TENANT_WIDE,
        ),
    ),
    "DELETE /assets/{asset_id}": PLAIN,
    "GET /assetProfiles": PLAIN,
    "POST /assetProfiles": only(
        Call(body=STOLEN | {"default_rule_chain_id": "$rule_chain"}, answers=OR_INVALID)
    ),
    "GET /assetProfiles/{profile_id}": _PROFILES,
    "PUT /assetProfiles/{profile_id}": only(
        Call(body=STOLEN, path=_PROFILE),
        Call(
            body={"default_rule_chain_id": "$rule_chain"},
            path={"profile_id": "$own_asset_profile"},
            answers=OR_INVALID,
        ),
    ),
    "DELETE /assetProfiles/{profile_id}": _PROFILES,
}
