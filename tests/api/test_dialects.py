"""Which dialect answers on the paths that both serve."""

import pytest

from tests.api.support import Platform, created


@pytest.mark.parametrize("resource", ["customers", "users", "devices", "deviceProfiles"])
async def test_page_size_asks_for_thingsboards_page_and_nothing_for_v1s_list(
    platform: Platform, resource: str
) -> None:
    tenant = await platform.tenant()
    page = f"/api/{resource}?pageSize=10&page=0"

    tb = (await tenant.admin.get(page)) if resource != "devices" else None
    v1 = await tenant.admin.get(f"/api/{resource}")
    always_v1 = await tenant.admin.get(f"/api/v1/{resource}?pageSize=10&page=0")

    if tb is not None:
        assert set(tb.json()) == {"data", "totalPages", "totalElements", "hasNext"}
    assert isinstance(v1.json(), list)
    assert v1.json() == always_v1.json()


async def test_half_of_what_thingsboards_page_needs_is_a_bad_request(platform: Platform) -> None:
    tenant = await platform.tenant()

    answer = await tenant.admin.get("/api/customers?pageSize=10")

    assert answer.status_code == 400
    assert answer.json()["message"] == "Required request parameter 'page' is not present"
    assert answer.json()["detail"] == answer.json()["message"]


async def test_nothing_to_say_is_an_empty_body_in_both_dialects(platform: Platform) -> None:
    tenant = await platform.tenant()
    for title, path, status in (("a", "/api/customer", 200), ("b", "/api/v1/customers", 204)):
        made = (await tenant.admin.post("/api/v1/customers", json={"title": title})).json()

        answer = await tenant.admin.delete(f"{path}/{made['id']}")

        assert (answer.status_code, answer.content) == (status, b"")


async def test_a_page_size_means_nothing_where_thingsboard_has_no_such_route(
    platform: Platform,
) -> None:
    tenant = await platform.tenant()
    await created(tenant.admin, "/api/v1/gateways", {"name": "gate"}, 201)

    answer = await tenant.admin.get("/api/gateways?pageSize=10&page=0")

    assert answer.status_code == 200, answer.text
    assert [gateway["name"] for gateway in answer.json()] == ["gate"]


async def test_a_path_that_thingsboard_names_is_no_id_of_v1(platform: Platform) -> None:
    tenant = await platform.tenant()

    for path, missing in (("devices", "deviceIds"), ("assets", "assetIds")):
        answer = await tenant.admin.get(f"/api/{path}/list")

        assert answer.status_code == 400, answer.text
        assert missing in answer.json()["message"]
