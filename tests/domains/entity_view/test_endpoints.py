"""Entity views in ThingsBoard's dialect."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.api.support import Client, Platform, Tenant, created
from tests.domains.support import expect_error, ids_of, on_sqlite

VIEW = "/api/entityView"
PAGE = "pageSize=10&page=0"
KEYS = {"timeseries": ["t"], "attributes": {"cs": ["c"], "ss": ["s"], "sh": []}}


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant()


async def device_of(client: Client, name: str = "meter") -> Any:
    return (await created(client, "/api/device", {"name": name}))["id"]


async def make(client: Client, name: str = "view", **fields: Any) -> Any:
    target = fields.pop("entityId", None) or await device_of(client, f"device of {name}")
    body = {"name": name, "type": "part", "entityId": target, **fields}
    return await created(client, VIEW, body)


async def assigned(tenant: Tenant, view: Any) -> Any:
    path = f"/api/customer/{tenant.customer_id}/entityView/{view['id']['id']}"
    return await created(tenant.admin, path, None)


async def test_a_view_has_every_field(tenant: Tenant) -> None:
    target = await device_of(tenant.admin)
    external = {"entityType": "ENTITY_VIEW", "id": str(uuid4())}
    given: dict[str, Any] = {
        "keys": KEYS,
        "startTimeMs": 5,
        "endTimeMs": 9,
        "additionalInfo": {"description": "d"},
        "externalId": external,
    }

    view = await make(tenant.admin, entityId=target, unknown=1, **given)

    null_id = "13814000-1dd2-11b2-8080-808080808080"
    assert view == given | {
        "id": view["id"],
        "createdTime": view["createdTime"],
        "tenantId": {"entityType": "TENANT", "id": str(tenant.id)},
        "customerId": {"entityType": "CUSTOMER", "id": null_id},
        "entityId": target,
        "name": "view",
        "type": "part",
        "version": 1,
    }
    assert (await tenant.admin.get(f"{VIEW}/{view['id']['id']}")).json() == view


async def test_keys_that_are_not_given_are_empty(tenant: Tenant) -> None:
    view = await make(tenant.admin, keys={"timeseries": None, "attributes": {"ss": ["a", "a"]}})
    bare = await make(tenant.admin, "bare", keys=None)

    assert view["keys"] == {"timeseries": [], "attributes": {"cs": [], "ss": ["a"], "sh": []}}
    assert bare["keys"] == {"timeseries": [], "attributes": {"cs": [], "ss": [], "sh": []}}


async def test_a_save_with_an_id_replaces_and_counts_the_version(tenant: Tenant) -> None:
    view = await make(tenant.admin, keys=KEYS, startTimeMs=5)

    saved = await created(
        tenant.admin,
        VIEW,
        {"id": view["id"], "name": "other", "type": "part", "entityId": view["entityId"]},
    )
    stale = await tenant.admin.post(VIEW, json=view)

    assert (saved["id"], saved["version"], saved["startTimeMs"]) == (view["id"], 2, 0)
    assert saved["keys"]["timeseries"] == []
    expect_error(stale, 409, 35, "Entity View was already changed by someone else")


@on_sqlite
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "Entity view name should be specified!"),
        ({"name": "x" * 256}, "length must be equal or less than 255"),
        ({"name": "<b>x</b>"}, "malformed"),
        ({"type": " "}, "Entity view type should be specified!"),
        ({"type": "x" * 256}, "length must be equal or less than 255"),
        ({"entityId": None}, "needs an entity"),
        ({"entityId": {"entityType": "TENANT", "id": str(uuid4())}}, "cannot show a TENANT"),
        ({"entityId": {"entityType": "METER", "id": str(uuid4())}}, "entityId"),
        ({"entityId": {"entityType": "DEVICE", "id": "none"}}, "entityId"),
        ({"startTimeMs": 9, "endTimeMs": 5}, "is after its end"),
        ({"startTimeMs": -1}, "startTimeMs"),
        ({"endTimeMs": 2**63}, "endTimeMs"),
        ({"keys": {"timeseries": "t"}}, "keys"),
        ({"keys": {"timeseries": [1]}}, "keys"),
        ({"keys": {"timeseries": [" "]}}, "Key should be specified!"),
        ({"keys": {"attributes": {"ss": ["{{x}}"]}}}, "malformed"),
        ({"keys": {"timeseries": [str(n) for n in range(1001)]}}, "1000"),
        ({"additionalInfo": {"description": "<script>"}}, "malformed"),
        ({"additionalInfo": []}, "additionalInfo"),
    ],
)
async def test_what_is_wrong_is_said(tenant: Tenant, change: Any, message: str) -> None:
    body = {"name": "view", "type": "part", "entityId": await device_of(tenant.admin)}

    answer = await tenant.admin.post(VIEW, json=body | change)

    expect_error(answer, 400, 31, message)
    assert await ids_of(tenant.admin, f"/api/tenant/entityViews?{PAGE}") == []


async def test_a_view_of_a_view_is_refused(tenant: Tenant) -> None:
    view = await make(tenant.admin)

    answer = await tenant.admin.post(
        VIEW, json={"name": "second", "type": "part", "entityId": view["id"]}
    )

    expect_error(answer, 400, 31, "cannot show a ENTITY_VIEW; it shows a DEVICE or ASSET")


async def test_what_is_not_there_or_foreign_cannot_be_shown(
    platform: Platform, tenant: Tenant
) -> None:
    stranger = await platform.tenant()
    foreign = await device_of(stranger.admin)
    missing = {"entityType": "DEVICE", "id": str(uuid4())}

    for target in (foreign, missing):
        body = {"name": "view", "type": "part", "entityId": target}
        answer = await tenant.admin.post(VIEW, json=body)
        assert answer.status_code == 404, answer.text


async def test_a_taken_name_is_refused_or_made_unique(platform: Platform, tenant: Tenant) -> None:
    view = await make(tenant.admin)
    body = {"name": "view", "type": "part", "entityId": view["entityId"]}
    stranger = await platform.tenant()

    taken = await tenant.admin.post(VIEW, json=body)
    made = await created(
        tenant.admin, f"{VIEW}?nameConflictPolicy=UNIQUIFY&uniquifyStrategy=INCREMENTAL", body
    )
    renamed = await tenant.admin.post(VIEW, json=made | {"name": "view"})

    expect_error(taken, 400, 31, "Entity view with such name already exists!")
    assert made["name"] == "view_1"
    expect_error(renamed, 400, 31, "Entity view with such name already exists!")
    assert (await make(stranger.admin))["name"] == "view"


async def test_an_unknown_view_is_not_found(tenant: Tenant) -> None:
    path = f"{VIEW}/{uuid4()}"
    unknown = {"entityType": "ENTITY_VIEW", "id": str(uuid4())}
    body = {"id": unknown, "name": "view", "type": "part", "entityId": None}

    expect_error(await tenant.admin.get(path), 404, 32)
    expect_error(await tenant.admin.delete(path), 404, 32)
    expect_error(await tenant.admin.get(f"{VIEW}/info/{uuid4()}"), 404, 32)
    expect_error(await tenant.admin.post(VIEW, json=body), 404, 32)
    expect_error(await tenant.admin.get(f"{VIEW}/none"), 400, 31)


async def test_a_view_is_found_by_name(tenant: Tenant) -> None:
    view = await make(tenant.admin)

    for path in ("/api/tenant/entityViews", "/api/tenant/entityView"):
        found = await tenant.admin.get(f"{path}?entityViewName=view")
        assert found.json() == view
        missing = await tenant.admin.get(f"{path}?entityViewName=none")
        expect_error(missing, 404, 32, "Requested item wasn't found!")


async def test_lists_are_paged_searched_sorted_and_filtered(tenant: Tenant) -> None:
    first = await make(tenant.admin, "Alpha")
    second = await make(tenant.admin, "beta", type="whole")
    ids = [first["id"]["id"], second["id"]["id"]]
    path = f"/api/tenant/entityViews?{PAGE}"

    assert await ids_of(tenant.admin, path) == ids
    assert await ids_of(tenant.admin, f"{path}&textSearch=ALPHA") == ids[:1]
    assert await ids_of(tenant.admin, f"{path}&type=whole") == ids[1:]
    assert await ids_of(tenant.admin, f"{path}&sortProperty=name&sortOrder=DESC") == ids[::-1]
    assert await ids_of(tenant.admin, "/api/tenant/entityViews?pageSize=1&page=1") == ids[1:]
    unknown = await tenant.admin.get(f"{path}&sortProperty=colour")
    expect_error(unknown, 400, 31, "Cannot sort by 'colour'")


async def test_views_are_listed_by_ids_in_their_order(platform: Platform, tenant: Tenant) -> None:
    first, second = [await make(tenant.admin, name) for name in ("a", "b")]
    foreign = await make((await platform.tenant()).admin)
    ids = ",".join(view["id"]["id"] for view in (second, foreign, first))

    for path in ("/api/entityViews", "/api/entityViews/list"):
        found = await tenant.admin.get(f"{path}?entityViewIds={ids}")
        assert found.json() == [second, first]


async def test_a_customers_views_are_listed_with_its_name(tenant: Tenant) -> None:
    view = await make(tenant.admin)
    await make(tenant.admin, "not theirs")
    view = await assigned(tenant, view)
    info = view | {"customerTitle": "Customer A", "customerIsPublic": False}
    path = f"/api/customer/{tenant.customer_id}"

    for client in (tenant.admin, tenant.customer_user):
        views = (await client.get(f"{path}/entityViews?{PAGE}")).json()
        infos = (await client.get(f"{path}/entityViewInfos?{PAGE}")).json()
        assert views["data"] == [view]
        assert infos["data"] == [info]
        assert (await client.get(f"{VIEW}/info/{view['id']['id']}")).json() == info
    everything = await tenant.admin.get(f"/api/tenant/entityViewInfos?{PAGE}&textSearch=customer a")
    assert everything.json()["data"] == [info]


async def test_types_are_listed_once(tenant: Tenant) -> None:
    for name, kind in (("a", "z"), ("b", "y"), ("c", "z")):
        await make(tenant.admin, name, type=kind)

    found = (await tenant.admin.get(f"{VIEW}/types")).json()

    assert [item["type"] for item in found] == ["y", "z"]
    assert {item["entityType"] for item in found} == {"ENTITY_VIEW"}
    assert (await tenant.customer_user.get(f"{VIEW}/types")).json() == []


async def test_a_view_is_assigned_unassigned_and_made_public(tenant: Tenant) -> None:
    view = await assigned(tenant, await make(tenant.admin))
    path = f"{VIEW}/{view['id']['id']}"

    seen = await tenant.customer_user.get(path)
    unassigned = await tenant.admin.delete(f"/api/customer/entityView/{view['id']['id']}")
    hidden = await tenant.customer_user.get(path)
    again = await tenant.admin.delete(f"/api/customer/entityView/{view['id']['id']}")
    public = await created(tenant.admin, f"/api/customer/public/entityView/{view['id']['id']}", {})
    info = (await tenant.admin.get(f"{VIEW}/info/{view['id']['id']}")).json()

    assert seen.json() == view
    assert unassigned.json()["version"] == view["version"] + 1
    expect_error(hidden, 403, 20)
    expect_error(again, 400, 31, "Entity View isn't assigned to any customer!")
    assert public["customerId"] == info["customerId"]
    assert info["customerIsPublic"] is True


async def test_an_assignment_to_nobody_is_refused(tenant: Tenant) -> None:
    view = await make(tenant.admin)

    answer = await tenant.admin.post(f"/api/customer/{uuid4()}/entityView/{view['id']['id']}")

    expect_error(answer, 404, 32)


async def test_a_deleted_customers_views_stay_unassigned(tenant: Tenant) -> None:
    view = await assigned(tenant, await make(tenant.admin))

    assert (await tenant.admin.delete(f"/api/customer/{tenant.customer_id}")).is_success

    left = (await tenant.admin.get(f"{VIEW}/{view['id']['id']}")).json()
    assert left["customerId"]["id"] == "13814000-1dd2-11b2-8080-808080808080"


async def test_a_customer_user_renames_its_view_and_widens_nothing(tenant: Tenant) -> None:
    view = await assigned(tenant, await make(tenant.admin, keys=KEYS, endTimeMs=9))
    other = await device_of(tenant.admin, "other")

    renamed = await created(tenant.customer_user, VIEW, view | {"name": "mine"})
    changes: list[Any] = [
        {"keys": {"timeseries": []}},
        {"endTimeMs": 0},
        {"startTimeMs": 1},
        {"entityId": other},
        {"customerId": {"entityType": "CUSTOMER", "id": None}},
    ]
    for change in changes:
        answer = await tenant.customer_user.post(VIEW, json=renamed | change)
        expect_error(answer, 403, 20)
    new = await tenant.customer_user.post(VIEW, json={**view, "id": None, "name": "new"})
    gone = await tenant.customer_user.delete(f"{VIEW}/{view['id']['id']}")

    expect_error(new, 403, 20)
    expect_error(gone, 403, 20)
    assert (await tenant.admin.get(f"{VIEW}/{view['id']['id']}")).json() == renamed


async def test_a_device_with_views_is_not_deleted(tenant: Tenant) -> None:
    view = await make(tenant.admin)
    device = view["entityId"]["id"]

    refused = await tenant.admin.delete(f"/api/device/{device}")
    v1 = await tenant.admin.delete(f"/api/v1/devices/{device}")

    expect_error(refused, 400, 31, "Can't delete device that has entity views!")
    assert "'view'" in refused.json()["message"]
    assert v1.status_code == 409
    assert (await tenant.admin.get(f"/api/device/{device}")).is_success
    assert (await tenant.admin.delete(f"{VIEW}/{view['id']['id']}")).is_success
    assert (await tenant.admin.delete(f"/api/device/{device}")).is_success


async def test_a_view_that_shows_another_device_frees_the_former(tenant: Tenant) -> None:
    view = await make(tenant.admin)
    other = await device_of(tenant.admin, "other")

    await created(tenant.admin, VIEW, view | {"entityId": other})

    assert (await tenant.admin.delete(f"/api/device/{view['entityId']['id']}")).is_success
    assert (await tenant.admin.delete(f"/api/device/{other['id']}")).status_code == 400


async def test_no_view_is_made_of_a_device_that_is_being_deleted(tenant: Tenant) -> None:
    for number in range(5):
        target = await device_of(tenant.admin, f"meter {number}")
        body = {"name": f"view {number}", "type": "part", "entityId": target}

        deleted, made = await asyncio.gather(
            tenant.admin.delete(f"/api/device/{target['id']}"), tenant.admin.post(VIEW, json=body)
        )

        assert deleted.is_success != made.is_success, (deleted.text, made.text)
        assert (deleted.status_code, made.status_code) in {(200, 404), (400, 200)}


async def test_a_tenant_goes_with_its_views(platform: Platform, tenant: Tenant) -> None:
    await make(tenant.admin)

    answer = await (await platform.sysadmin()).delete(f"/api/tenant/{tenant.id}")

    assert answer.is_success, answer.text


async def test_a_customer_user_sees_an_alarm_of_its_view_by_name(tenant: Tenant) -> None:
    view = await assigned(tenant, await make(tenant.admin))
    alarm = {"type": "high", "severity": "MAJOR", "originator": view["id"]}

    made = await created(tenant.admin, "/api/alarm", alarm)

    seen = await tenant.customer_user.get(f"/api/alarm/info/{made['id']['id']}")
    assert seen.json()["originatorName"] == "view"
