"""How the routes of relations are called with somebody else's ids; as ``calls.py``.

The victim's device and the one of the neighbour are related both ways, so that what the neighbour
reads of its own device must leave the victim's out.
"""

from tests.api.isolation.calls import SYSTEMS, TENANT_WIDE, WITH_TELEMETRY, Call, only, ref
from tests.api.isolation.world import SYSADMIN

FROM = "fromId=$device&fromType=DEVICE"
TO = "toId=$device&toType=DEVICE"
FROM_OWN = "fromId=$own_device&fromType=DEVICE"
TO_OWN = "toId=$own_device&toType=DEVICE"
KEYS = only(
    *(Call(f"{ends}&relationType=Contains") for ends in (f"{FROM}&{TO_OWN}", f"{FROM_OWN}&{TO}"))
)
OWN = ref("DEVICE", "own_device")


def _readers_of(kind: str) -> tuple[str, ...]:
    """Return who may know of the victim's entity of a kind."""
    if kind in {"DEVICE_PROFILE", "ASSET_PROFILE"}:
        return TENANT_WIDE
    return (SYSADMIN,) if kind in SYSTEMS else ()


def _kinds_from_path() -> list[Call]:
    """Return calls whose path names each kind of entity, as both ends."""
    return [
        Call(
            path={"from_type": kind, "from_id": id_, "to_type": kind, "to_id": id_},
            may=(SYSADMIN,) if kind in SYSTEMS else (),
        )
        for kind, id_ in WITH_TELEMETRY.items()
    ] + [Call(path={"from_id": "$own_device", "to_id": "$own_device"})]


def _saves(**more: str) -> list[Call]:
    """Return calls that relate something own to each kind of entity, and the other way round."""
    return [
        Call(body={"from": start, "to": end, "type": "Contains", **more})
        for kind, id_ in WITH_TELEMETRY.items()
        for start, end in (
            (OWN, {"entityType": kind, "id": id_}),
            ({"entityType": kind, "id": id_}, OWN),
        )
    ]


def _searches(**more: object) -> list[Call]:
    return [
        Call(
            body={
                "parameters": {"rootId": "$device", "rootType": "DEVICE", "direction": direction},
                **more,
            }
        )
        for direction in ("FROM", "TO")
    ]


SAVES, PATHS_OF_KINDS, SEARCHES = _saves(), _kinds_from_path(), _searches()
LISTS = only(Call(FROM), Call(TO), Call(FROM_OWN), Call(TO_OWN))
RELATIONS: dict[str, list[Call]] = {
    "POST /api/relation": SAVES,
    "POST /api/v2/relation": SAVES,
    "GET /api/relation": KEYS,
    "DELETE /api/relation": KEYS,
    "DELETE /api/v2/relation": KEYS,
    "DELETE /api/relations": only(Call("entityId=$device&entityType=DEVICE")),
    "GET /api/relations": LISTS,
    "GET /api/relations/info": LISTS,
    "GET /api/relations/from/{from_type}/{from_id}": PATHS_OF_KINDS,
    "GET /api/relations/from/{from_type}/{from_id}/{relation_type}": PATHS_OF_KINDS,
    "GET /api/relations/to/{to_type}/{to_id}": PATHS_OF_KINDS,
    "GET /api/relations/to/{to_type}/{to_id}/{relation_type}": PATHS_OF_KINDS,
    "GET /api/relations/info/from/{from_type}/{from_id}": PATHS_OF_KINDS,
    "GET /api/relations/info/to/{to_type}/{to_id}": PATHS_OF_KINDS,
    "POST /api/relations": SEARCHES,
    "POST /api/relations/info": SEARCHES,
    "POST /api/assets": _searches(assetTypes=["victim halls"]),
    "POST /api/devices": _searches(deviceTypes=["victim profile"]),
    "POST /api/entityViews": _searches(entityViewTypes=["victim kind of view"]),
}

_V1_FROM = "from_type=DEVICE&from_id=$device"
_V1_TO = "to_type=DEVICE&to_id=$device"
_V1_FROM_OWN = "from_type=DEVICE&from_id=$own_device"
_V1_TO_OWN = "to_type=DEVICE&to_id=$own_device"
V1_RELATIONS: dict[str, list[Call]] = {
    "POST /relations": [
        Call(
            body={
                "from_type": start["entityType"],
                "from_id": start["id"],
                "to_type": end["entityType"],
                "to_id": end["id"],
                "relation_type": "Contains",
            }
        )
        for start, end in ((OWN, ref("DEVICE")), (ref("DEVICE"), OWN))
    ],
    "GET /relations": only(Call(_V1_FROM), Call(_V1_TO), Call(_V1_FROM_OWN), Call(_V1_TO_OWN)),
    "DELETE /relations": only(
        Call(f"{_V1_FROM}&{_V1_TO_OWN}&relation_type=Contains"),
        Call(f"{_V1_FROM_OWN}&{_V1_TO}&relation_type=Contains"),
    ),
    "POST /relations/search": only(Call(body={"root_type": "DEVICE", "root_id": "$device"})),
    "GET /relations/hierarchy/{entity_type}/{entity_id}": [
        *(
            Call(
                path={"entity_type": kind, "entity_id": id_},
                may=_readers_of(kind),
            )
            for kind, id_ in WITH_TELEMETRY.items()
        ),
        Call(path={"entity_id": "$own_device"}),
    ],
    "GET /assets/{asset_id}/hierarchy": only(Call()),
}
