import re
from uuid import uuid4

import pytest

from fieldline.domains.customer import service as customer_service
from fieldline.kit.ids import EntityType
from fieldline.messaging.events import Change, EntityChanged
from tests.api.support import Platform, created
from tests.domains.support import expect_error, expect_v1_error, ids_of, on_sqlite

PAGE = "?pageSize=10&page=0"


async def test_save_without_id_creates_and_with_id_replaces(platform: Platform) -> None:
    tenant = await platform.tenant()
    made = await created(
        tenant.admin, "/api/customer", {"title": "B", "city": "Ghent", "unknown": 1}
    )

    saved = await created(tenant.admin, "/api/customer", {"id": made["id"], "title": "C"})

    assert made["version"] == 1
    assert made["name"] == "B"
    assert made["tenantId"] == {"entityType": "TENANT", "id": str(tenant.id)}
    assert (saved["id"], saved["title"], saved["city"]) == (made["id"], "C", None)
    assert saved["version"] == 2
    assert saved["createdTime"] == made["createdTime"]


async def test_every_save_raises_the_version(platform: Platform) -> None:
    tenant = await platform.tenant()
    made = await created(tenant.admin, "/api/customer", {"title": "B"})

    saved = await created(tenant.admin, "/api/customer", made)

    assert saved == made | {"version": 2}


async def test_a_stale_version_is_refused_and_none_is_not_checked(platform: Platform) -> None:
    tenant = await platform.tenant()
    made = await created(tenant.admin, "/api/customer", {"title": "B"})
    await created(tenant.admin, "/api/customer", made)

    stale = await tenant.admin.post("/api/customer", json=made | {"title": "late"})

    expect_error(stale, 409, 35, "Customer was already changed by someone else")
    assert await created(tenant.admin, "/api/customer", made | {"version": None})


@on_sqlite
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Customer title should be specified!"),
        ({"title": "  "}, "Customer title should be specified!"),
        ({"title": "x" * 256}, "equal or less than 255"),
        ({"title": "<b>x</b>"}, "malformed"),
        ({"title": "{{x}}"}, "malformed"),
        ({"title": "a\0b"}, "U+0000"),
        ({"title": "Public"}, "reserved"),
        ({"title": "Customer A"}, "Customer with such title already exists!"),
        ({"title": "x", "city": "x" * 256}, "city"),
        ({"title": "x", "additionalInfo": {"description": "<script>"}}, "additionalInfo"),
        ({"title": "x", "additionalInfo": "text"}, "additionalInfo"),
        ({"title": 5}, "title"),
        ({"title": "x", "id": {"id": "nonsense"}}, "id"),
    ],
)
async def test_refuses_a_wrong_body(platform: Platform, body: object, message: str) -> None:
    tenant = await platform.tenant()

    expect_error(await tenant.admin.post("/api/customer", json=body), 400, 31, message)


async def test_titles_are_unique_within_a_tenant_only(platform: Platform) -> None:
    first, second = await platform.tenant(), await platform.tenant()

    await created(first.admin, "/api/customer", {"title": "Same"})
    await created(second.admin, "/api/customer", {"title": "Same"})

    taken = await first.admin.post("/api/v1/customers", json={"title": "Same"})
    expect_v1_error(taken, 409, "already exists")


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("uniquifyStrategy=INCREMENTAL&uniquifySeparator=-", r"Customer A-1"),
        ("uniquifyStrategy=RANDOM", r"Customer A_[A-Za-z0-9]{6}"),
    ],
)
async def test_a_taken_title_is_made_unique_when_asked(
    platform: Platform, query: str, title: str
) -> None:
    tenant = await platform.tenant()
    path = f"/api/customer?nameConflictPolicy=UNIQUIFY&{query}"

    made = await created(tenant.admin, path, {"title": "Customer A"})

    assert re.fullmatch(title, made["title"])
    expect_error(await tenant.admin.post(path, json={}), 400, 31)
    expect_error(await tenant.admin.post(path, json={"title": "Public"}), 400, 31)


async def test_an_unknown_customer_is_not_found(platform: Platform) -> None:
    tenant = await platform.tenant()
    missing = uuid4()

    expect_error(
        await tenant.admin.get(f"/api/customer/{missing}"),
        404,
        32,
        f"Customer with id [{missing}] is not found",
    )
    expect_error(
        await tenant.admin.post("/api/customer", json={"id": {"id": str(missing)}, "title": "x"}),
        404,
        32,
    )
    expect_v1_error(await tenant.admin.get(f"/api/v1/customers/{missing}"), 404)


async def test_another_tenants_customer_is_refused(platform: Platform) -> None:
    first, second = await platform.tenant(), await platform.tenant()
    path = f"/api/customer/{first.customer_id}"
    body = {"id": {"id": str(first.customer_id)}, "title": "mine"}

    for answer in (
        await second.admin.get(path),
        await second.admin.delete(path),
        await second.admin.post("/api/customer", json=body),
        await second.admin.get(f"{path}/users{PAGE}"),
        await second.customer_user.get(path),
        await (await platform.sysadmin()).get(path),
    ):
        expect_error(answer, 403, 20, "You don't have permission to perform this operation!")


async def test_a_customer_user_reads_the_own_customer_only(platform: Platform) -> None:
    tenant = await platform.tenant()
    other = await created(tenant.admin, "/api/customer", {"title": "Other"})
    user = tenant.customer_user

    assert (await user.get(f"/api/customer/{tenant.customer_id}")).status_code == 200
    assert [c["id"] for c in (await user.get("/api/v1/customers")).json()] == [
        str(tenant.customer_id)
    ]
    expect_error(await user.get(f"/api/customer/{other['id']['id']}"), 403, 20)
    expect_error(await user.post("/api/customer", json={"title": "x"}), 403, 20)
    expect_error(await user.delete(f"/api/customer/{tenant.customer_id}"), 403, 20)


async def test_pages_sort_search_and_count(platform: Platform) -> None:
    tenant = await platform.tenant()
    for title in ("Delta", "alpha", "Beta 100%", "Beta 200"):
        await created(tenant.admin, "/api/customer", {"title": title})

    first = await tenant.admin.get("/api/customers?pageSize=2&page=0&sortProperty=title")
    found = await tenant.admin.get(f"/api/customers{PAGE}&textSearch=BETA")
    literal = await tenant.admin.get("/api/customers?pageSize=9&page=0&textSearch=100%25")
    newest = await ids_of(
        tenant.admin, f"/api/customers{PAGE}&sortProperty=createdTime&sortOrder=desc"
    )

    assert first.json()["totalElements"] == 5
    assert (first.json()["totalPages"], first.json()["hasNext"]) == (3, True)
    assert {item["title"] for item in found.json()["data"]} == {"Beta 100%", "Beta 200"}
    assert [item["title"] for item in literal.json()["data"]] == ["Beta 100%"]
    assert newest == list(reversed(await ids_of(tenant.admin, f"/api/customers{PAGE}")))


@on_sqlite
@pytest.mark.parametrize(
    "query",
    [
        "pageSize=0&page=0",
        "pageSize=10&page=-1",
        "pageSize=x&page=0",
        "pageSize=10",
        "pageSize=10&page=0&sortOrder=UP",
        "pageSize=10&page=0&sortProperty=password",
        "pageSize=10&page=99999999999999999999",
        "pageSize=10000000&page=0",
    ],
)
async def test_a_wrong_page_is_a_bad_request(platform: Platform, query: str) -> None:
    tenant = await platform.tenant()

    expect_error(await tenant.admin.get(f"/api/customers?{query}"), 400, 31)


async def test_a_search_may_hold_anything(platform: Platform) -> None:
    tenant = await platform.tenant()

    for search in ("%25", "_", "'", "\\", "%00", "%F0%9F%99%82"):
        answer = await tenant.admin.get(f"/api/customers{PAGE}&textSearch={search}")
        assert answer.status_code in {200, 400}, answer.text


async def test_finds_by_title_and_by_ids(platform: Platform) -> None:
    first, second = await platform.tenant(), await platform.tenant()
    ids = f"{first.customer_id},{second.customer_id},{uuid4()}"

    by_title = await first.admin.get("/api/tenant/customers?customerTitle=Customer A")
    missing = await first.admin.get("/api/tenant/customers?customerTitle=nobody")

    assert by_title.json()["id"]["id"] == str(first.customer_id)
    expect_error(missing, 404, 32, "Requested item wasn't found!")
    for path in ("/api/customers", "/api/customers/list"):
        found = (await first.admin.get(f"{path}?customerIds={ids}")).json()
        assert [item["id"]["id"] for item in found] == [str(first.customer_id)]


async def test_title_and_short_info(platform: Platform) -> None:
    tenant = await platform.tenant()
    path = f"/api/customer/{tenant.customer_id}"

    title = await tenant.customer_user.get(f"{path}/title")
    short = await tenant.customer_user.get(f"{path}/shortInfo")

    assert title.text == "Customer A"
    assert title.headers["content-type"].startswith("application/text")
    assert short.json() == {"title": "Customer A", "isPublic": False}


async def test_deleting_a_customer_deletes_its_users_and_ends_their_tokens(
    platform: Platform,
) -> None:
    tenant = await platform.tenant()
    told: list[EntityChanged] = []
    platform.bus.listen(EntityChanged, told.append)

    answer = await tenant.admin.delete(f"/api/customer/{tenant.customer_id}")

    assert (answer.status_code, answer.content) == (200, b"")
    assert (await tenant.customer_user.get("/api/auth/user")).status_code == 401
    users = (await tenant.admin.get("/api/v1/users")).json()
    assert [user["authority"] for user in users] == ["TENANT_ADMIN"]
    assert [(event.change, event.entity.type) for event in told] == [
        (Change.DELETED, EntityType.USER),
        (Change.DELETED, EntityType.CUSTOMER),
    ]


async def test_the_public_customer_is_made_once_and_keeps_its_name(platform: Platform) -> None:
    tenant = await platform.tenant()
    async with platform.services.database.write() as session:
        first = await customer_service.public_customer(session, tenant.id)
        second = await customer_service.public_customer(session, tenant.id)
    path = f"/api/customer/{first.id}"
    body = (await tenant.admin.get(path)).json()

    assert first.id == second.id
    assert body["additionalInfo"] == {"isPublic": True}
    expect_error(await tenant.admin.post("/api/customer", json=body | {"title": "x"}), 400, 31)
    saved = await created(tenant.admin, "/api/customer", body | {"additionalInfo": None})
    assert saved["additionalInfo"] == {"isPublic": True}
    short = await tenant.admin.get(f"{path}/shortInfo")
    assert short.json() == {"title": "Public", "isPublic": True}


async def test_v1_changes_only_the_fields_given(platform: Platform) -> None:
    tenant = await platform.tenant()
    made = await created(
        tenant.admin,
        "/api/v1/customers",
        {"title": "B", "city": "Ghent", "id": str(uuid4()), "tenant_id": str(uuid4()), "x": 1},
        201,
    )
    path = f"/api/v1/customers/{made['id']}"

    changed = (await tenant.admin.put(path, json={"phone": "1", "is_public": True})).json()

    assert made["tenant_id"] == str(tenant.id)
    assert changed == made | {"phone": "1"}
    assert (await tenant.admin.get(path)).json() == changed
    answer = await tenant.admin.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    expect_v1_error(await tenant.admin.get(path), 404)


async def test_v1_lists_newest_first_with_limit_and_offset(platform: Platform) -> None:
    tenant = await platform.tenant()
    for title in ("one", "two", "three"):
        await created(tenant.admin, "/api/v1/customers", {"title": title}, 201)

    async def titles(query: str) -> list[str]:
        answer = await tenant.admin.get(f"/api/customers{query}")
        return [item["name"] for item in answer.json()]

    assert await titles("") == ["three", "two", "one", "Customer A"]
    assert await titles("?limit=2&offset=1") == ["two", "one"]
    assert await titles("?search=T") == ["three", "two", "Customer A"]


async def test_a_customer_limit_of_the_profile_is_enforced(platform: Platform) -> None:
    tenant = await platform.tenant()
    sysadmin = await platform.sysadmin()
    configuration = {"type": "DEFAULT", "maxCustomers": 1}
    profile = await created(
        sysadmin,
        "/api/tenantProfile",
        {"name": "Small", "profileData": {"configuration": configuration}},
    )
    await sysadmin.put(
        f"/api/v1/tenants/{tenant.id}", json={"tenant_profile_id": profile["id"]["id"]}
    )

    answer = await tenant.admin.post("/api/customer", json={"title": "one too many"})

    expect_error(answer, 403, 41, "Customers limit reached")
    assert (answer.json()["entityType"], answer.json()["limit"]) == ("CUSTOMER", 1)
