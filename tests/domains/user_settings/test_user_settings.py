import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from fieldline.domains.customer import service as customer_service
from fieldline.domains.user.errors import UserNotFound
from fieldline.domains.user_settings import service
from fieldline.domains.user_settings.kinds import SettingsKind
from fieldline.domains.user_settings.service import MAX_BYTES, MAX_PATHS
from fieldline.kit.errors import Invalid
from tests.api.support import Client, Platform, Tenant, created
from tests.domains.support import expect_error, on_sqlite

PATH = "/api/user/settings"
TYPES = ("general", "QUICK_LINKS", "doc_links", "Dashboards", "GETTING_STARTED", "NOTIFICATIONS")


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant()


async def put(client: Client, body: object, path: str = PATH) -> None:
    answer = await client.put(path, json=body)
    assert (answer.status_code, answer.content) == (200, b"")


async def read(client: Client, path: str = PATH) -> Any:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_settings_begin_empty_and_are_replaced_by_post(tenant: Tenant) -> None:
    before = await read(tenant.admin)
    await created(tenant.admin, PATH, {"old": 1})

    answer = await created(tenant.admin, PATH, {"openedMenuSections": ["devices"], "n": None})

    assert before == {}
    assert answer == {"openedMenuSections": ["devices"], "n": None}
    assert await read(tenant.admin) == answer


async def test_put_merges_keys_and_dotted_keys(tenant: Tenant) -> None:
    await put(tenant.admin, {"A": {"x": 1, "y": 2}, "B": 1})
    await put(tenant.admin, {"A.x": 5, "C.D": [1]})
    merged = await read(tenant.admin)

    await put(tenant.admin, {"A": {"z": 3}})

    assert merged == {"A": {"x": 5, "y": 2}, "B": 1, "C": {"D": [1]}}
    assert await read(tenant.admin) == {"A": {"z": 3}, "B": 1, "C": {"D": [1]}}


async def test_delete_takes_away_what_is_at_paths(tenant: Tenant) -> None:
    await put(tenant.admin, {"A": {"x": 1, "y": 2}, "B": [1, 2], "C": 3})

    answer = await tenant.admin.delete(f"{PATH}/A.x,$.B[0],missing.too,C")

    assert (answer.status_code, answer.content) == (200, b"")
    assert await read(tenant.admin) == {"A": {"y": 2}, "B": [2]}


async def test_deleting_where_nothing_is_set_is_fine(tenant: Tenant) -> None:
    assert (await tenant.admin.delete(f"{PATH}/QUICK_LINKS/links")).status_code == 200
    assert (await tenant.admin.delete(f"{PATH}/A")).status_code == 200
    assert await read(tenant.admin) == {}


async def test_each_type_is_an_object_of_its_own(tenant: Tenant) -> None:
    for number, name in enumerate(TYPES):
        await put(tenant.admin, {"n": number, "m": number}, f"{PATH}/{name}")
    assert (await tenant.admin.delete(f"{PATH}/quick_links/n")).status_code == 200

    found = [await read(tenant.admin, f"{PATH}/{name.lower()}") for name in TYPES]

    assert found == [{"n": n, "m": n} if n != 1 else {"m": 1} for n in range(len(TYPES))]
    assert await read(tenant.admin) == found[0]


async def test_settings_are_everybodys_own(platform: Platform, tenant: Tenant) -> None:
    sysadmin = await platform.sysadmin()
    clients = (sysadmin, tenant.admin, tenant.customer_user)
    for number, client in enumerate(clients):
        await put(client, {"n": number})

    assert [await read(client) for client in clients] == [{"n": 0}, {"n": 1}, {"n": 2}]


async def test_settings_go_with_the_user(platform: Platform, tenant: Tenant) -> None:
    me = (await tenant.customer_user.get("/api/v1/auth/user")).json()
    await put(tenant.customer_user, {"n": 1})

    assert (await tenant.admin.delete(f"/api/user/{me['id']}")).status_code == 200

    async with platform.services.database.read() as session:
        assert await service.read(session, UUID(me["id"]), SettingsKind.GENERAL) == {}


async def test_merges_at_once_lose_nothing(tenant: Tenant) -> None:
    await asyncio.gather(*(put(tenant.admin, {f"k{n}": n}) for n in range(6)))

    assert await read(tenant.admin) == {f"k{n}": n for n in range(6)}


@on_sqlite
@pytest.mark.parametrize("name", ["VISITED_DASHBOARDS", "mobile", "nonsense", "GENERAL2"])
async def test_reserved_and_unknown_types_are_refused(tenant: Tenant, name: str) -> None:
    for method, path, body in (
        ("GET", f"{PATH}/{name}", None),
        ("PUT", f"{PATH}/{name}", {"a": 1}),
        ("DELETE", f"{PATH}/{name}/a", None),
    ):
        answer = await tenant.admin.request(method, path, json=body)
        expect_error(answer, 400, 31, name.upper() if "_" in name or name == "mobile" else name)


@on_sqlite
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "Malformed JSON"),
        (b"[1]", "dictionary"),
        (b"null", ""),
        (b"", "required"),
        (b'{"a": "\\u0000"}', "U+0000"),
        (b'{"a": {"b": "<script>"}}', "HTML"),
        (b'{"a": ' + b"[" * 150 + b"]" * 150 + b"}", "deeper"),
        (b'{"a": "' + b"x" * MAX_BYTES + b'"}', "at most 100000"),
    ],
)
async def test_settings_that_cannot_be_stored_change_nothing(
    tenant: Tenant, method: str, body: bytes, message: str
) -> None:
    await put(tenant.admin, {"kept": True})

    headers = {"content-type": "application/json"}
    answer = await tenant.admin.request(method, PATH, content=body, headers=headers)

    expect_error(answer, 400, 31, message)
    assert await read(tenant.admin) == {"kept": True}


@on_sqlite
async def test_a_dotted_key_through_a_value_changes_nothing(tenant: Tenant) -> None:
    await put(tenant.admin, {"A": 5})

    answer = await tenant.admin.put(PATH, json={"B": 1, "A.x": 1})

    expect_error(answer, 400, 31, "'A' is no object")
    assert await read(tenant.admin) == {"A": 5}


@on_sqlite
async def test_settings_do_not_grow_over_the_limit_by_merging(tenant: Tenant) -> None:
    half = "x" * (MAX_BYTES // 2)
    await put(tenant.admin, {"a": half})

    expect_error(await tenant.admin.put(PATH, json={"b": half}), 400, 31, "at most 100000")

    assert set(await read(tenant.admin)) == {"a"}


@on_sqlite
async def test_paths_that_cannot_be_read_or_are_too_many_are_refused(tenant: Tenant) -> None:
    await put(tenant.admin, {"A": 1})

    expect_error(await tenant.admin.delete(f"{PATH}/A,,B"), 400, 31, "is not a path")
    expect_error(await tenant.admin.delete(f"{PATH}/general/A["), 400, 31, "'A['")
    many = ",".join(["A"] * (MAX_PATHS + 1))
    expect_error(await tenant.admin.delete(f"{PATH}/{many}"), 400, 31, "at most 100")
    assert await read(tenant.admin) == {"A": 1}


@on_sqlite
async def test_the_public_user_has_no_settings(platform: Platform, tenant: Tenant) -> None:
    async with platform.services.database.write() as session:
        customer = await customer_service.public_customer(session, tenant.id)
    body = {"publicId": str(customer.id)}
    pair = await created(platform.anybody, "/api/auth/login/public", body)
    public = platform.client(pair["token"])

    expect_error(await public.get(PATH), 403, 20)
    expect_error(await public.put(PATH, json={"a": 1}), 403, 20)
    expect_error(await public.post(PATH, json={"a": 1}), 403, 20)
    expect_error(await public.delete(f"{PATH}/a"), 403, 20)


async def test_other_domains_read_and_write_reserved_types(
    platform: Platform, tenant: Tenant
) -> None:
    user_id = UUID((await tenant.admin.get("/api/v1/auth/user")).json()["id"])
    kind, database = SettingsKind.VISITED_DASHBOARDS, platform.services.database
    async with database.write() as session:
        await service.write(session, user_id, kind, {"old": 1})
    async with database.write() as session:
        await service.write(session, user_id, kind, {"last": []})

    async with database.read() as session:
        assert await service.read(session, user_id, kind) == {"last": []}
        assert await service.read(session, uuid4(), kind) == {}


async def test_other_domains_cannot_write_for_nobody_or_too_much(
    platform: Platform, tenant: Tenant
) -> None:
    user_id = UUID((await tenant.admin.get("/api/v1/auth/user")).json()["id"])
    kind, database = SettingsKind.VISITED_DASHBOARDS, platform.services.database

    with pytest.raises(UserNotFound):
        async with database.write() as session:
            await service.write(session, uuid4(), kind, {"last": []})
    with pytest.raises(Invalid, match="at most"):
        async with database.write() as session:
            await service.write(session, user_id, kind, {"a": "x" * MAX_BYTES})
