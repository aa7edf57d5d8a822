"""How errors are told, in each dialect."""

import inspect
import logging
from collections.abc import AsyncIterator

import pytest
from fastapi import APIRouter

from fieldline.api.errors import KINDS, problem_of
from fieldline.api.limits import MAX_BODY_BYTES, MAX_PUBLIC_BYTES
from fieldline.kit import errors as kinds
from fieldline.rest.callers import public
from fieldline.rest.dialects import SMALL_BYTES, RawTextRoute, tb_router, v1_router
from tests.api.support import Client, running

thingsboard = tb_router("test")
raw = tb_router("test", route_class=RawTextRoute)
v1 = v1_router("test")


async def _raise(kind: str) -> None:
    special = {
        "LimitReached": kinds.LimitReached("Devices limit reached", entity_type="DEVICE", limit=3),
        "RateLimited": kinds.RateLimited("slower", retry_after_s=2.4),
    }
    if kind == "Bug":
        secret = "a secret of the inside"
        raise RuntimeError(secret)
    raise special.get(kind) or getattr(kinds, kind)("said")


thingsboard.get("/broken/{kind}", dependencies=[public])(_raise)
raw.get("/rawly/{kind}", dependencies=[public])(_raise)
v1.get("/shattered/{kind}", dependencies=[public])(_raise)
devices = APIRouter(prefix="/api/v1")


@devices.get("/{token}/broken")
async def _break(token: str) -> None:
    raise RuntimeError


@thingsboard.post("/shattered", dependencies=[public])
async def echo(body: dict[str, int]) -> dict[str, int]:
    return body


@v1.post("/things", dependencies=[public])
async def echo_v1(body: dict[str, int]) -> dict[str, int]:
    return body


@pytest.fixture
async def client(sqlite_url: str) -> AsyncIterator[Client]:
    async with running(
        sqlite_url, thingsboard=[thingsboard, raw], v1=[v1], others=[devices]
    ) as platform:
        yield platform.anybody


def all_kinds() -> list[type[kinds.FieldlineError]]:
    return [
        kind
        for _, kind in inspect.getmembers(kinds, inspect.isclass)
        if issubclass(kind, kinds.FieldlineError) and kind is not kinds.FieldlineError
    ]


def test_every_kind_has_its_place_in_the_table() -> None:
    assert [kind.__name__ for kind in all_kinds() if kind not in KINDS] == []


def test_a_subclass_is_told_as_its_kind_and_no_kind_is_a_bug() -> None:
    class DuplicateToken(kinds.Conflict):
        pass

    assert problem_of(DuplicateToken("x")).v1_status == 409
    with pytest.raises(kinds.FieldlineError):
        problem_of(kinds.FieldlineError("x"))


@pytest.mark.parametrize(
    ("kind", "status", "code", "v1_status"),
    [
        ("Invalid", 400, 31, 400),
        ("Unauthenticated", 401, 10, 401),
        ("Forbidden", 403, 20, 403),
        ("LimitReached", 403, 41, 403),
        ("NotFound", 404, 32, 404),
        ("Conflict", 400, 31, 409),
        ("StaleVersion", 409, 35, 409),
        ("RateLimited", 429, 33, 429),
        ("Unavailable", 503, 2, 503),
    ],
)
async def test_each_dialect_tells_a_kind_in_its_form(
    client: Client, kind: str, status: int, code: int, v1_status: int
) -> None:
    tb = await client.get(f"/api/broken/{kind}")
    v1_answer = await client.get(f"/api/v1/shattered/{kind}")
    shared = await client.get(f"/api/shattered/{kind}")

    assert tb.status_code == tb.json()["status"] == status
    assert tb.json()["errorCode"] == code
    assert {"status", "message", "errorCode", "timestamp"} <= set(tb.json())
    assert "detail" not in tb.json()
    assert v1_answer.status_code == v1_answer.json()["status_code"] == v1_status
    assert set(v1_answer.json()) == {"detail", "status_code"}
    assert shared.status_code == v1_status
    assert shared.json()["detail"] == shared.json()["message"]
    assert shared.json()["errorCode"] == code


async def test_a_limit_and_a_rate_say_more(client: Client) -> None:
    limit = (await client.get("/api/broken/LimitReached")).json()
    rate = await client.get("/api/broken/RateLimited")

    assert (limit["entityType"], limit["limit"]) == ("DEVICE", 3)
    assert rate.headers["retry-after"] == "3"


async def test_a_bug_tells_an_id_that_the_log_has_and_nothing_else(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)

    answers = [await client.get(f"/api/{path}/Bug") for path in ("broken", "v1/shattered")]

    for answer in answers:
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text
        body = answer.json()
        error_id = (body.get("message") or body["detail"]).rsplit(" ", 1)[1]
        assert error_id in caplog.text
    assert "a secret of the inside" in caplog.text


async def test_raw_text_routes_answer_the_bare_message(client: Client) -> None:
    told = {}
    for kind in ("Invalid", "Forbidden", "NotFound", "Unauthenticated", "Bug"):
        answer = await client.get(f"/api/rawly/{kind}")
        told[kind] = (answer.status_code, answer.text)

    assert told == {
        "Invalid": (400, "said"),
        "Forbidden": (403, "said"),
        "NotFound": (404, "said"),
        "Unauthenticated": (401, ""),
        "Bug": (500, ""),
    }


@pytest.mark.parametrize("body", [b"{", b"", b"NaN", b'{"a": NaN}', b'{"a": "\\ud800"}', b"\xff"])
async def test_what_is_not_json_is_a_bad_request(client: Client, body: bytes) -> None:
    headers = {"content-type": "application/json"}

    tb = await client.post("/api/shattered", content=body, headers=headers)
    v1_answer = await client.post("/api/v1/things", content=body, headers=headers)

    assert (tb.status_code, tb.json()["errorCode"]) == (400, 31)
    assert v1_answer.status_code in {400, 422}
    assert isinstance(v1_answer.json()["detail"], str)


async def test_a_wrong_field_is_named_and_its_value_is_not_repeated(client: Client) -> None:
    body = {"b": "hunter2", "a": "hunter2"}

    tb = await client.post("/api/shattered", json=body)
    v1_answer = await client.post("/api/v1/things", json=body)

    assert tb.status_code == 400
    assert tb.json()["message"].startswith("Validation error: a input should be")
    assert v1_answer.status_code == 422
    assert "hunter2" not in tb.text + v1_answer.text


async def test_an_unknown_path_and_a_wrong_method(client: Client) -> None:
    tb = await client.get("/api/nowhere")
    v1_answer = await client.get("/api/v1/nowhere")
    method = await client.put("/api/shattered")
    v1_method = await client.patch("/api/v1/things")
    outside = await client.get("/nowhere")

    assert (tb.status_code, tb.json()["errorCode"]) == (404, 32)
    assert (outside.status_code, outside.json()["errorCode"]) == (404, 32)
    assert v1_answer.json()["status_code"] == 404
    assert (method.status_code, method.json()["errorCode"]) == (405, 31)
    assert method.headers["allow"] == "POST"
    assert v1_method.json()["status_code"] == 405


@pytest.mark.parametrize("is_declared", [True, False])
async def test_a_body_over_the_limit_is_refused(client: Client, is_declared: bool) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * (MAX_BODY_BYTES // 16)

    content = b" " * (MAX_BODY_BYTES + 1) if is_declared else parts()
    headers = {"content-type": "application/json"}

    answer = await client.post("/api/shattered", content=content, headers=headers)

    assert answer.status_code == 413
    assert isinstance(answer.json(), str)


async def test_v1_says_that_a_body_is_too_large_in_its_form(client: Client) -> None:
    headers = {"content-type": "application/json", "content-length": str(MAX_BODY_BYTES + 1)}

    answer = await client.post("/api/v1/things", content=b"{}", headers=headers)

    assert answer.json()["status_code"] == 413


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/v1/auth/token/refresh"])
async def test_who_need_not_say_who_they_are_send_small_bodies(client: Client, path: str) -> None:
    answer = await client.post(path, content=b" " * (MAX_PUBLIC_BYTES + 1))

    assert answer.status_code == 413
    assert "64 KiB" in answer.text


@pytest.mark.parametrize("path", ["/api/device", "/api/v1/devices"])
@pytest.mark.parametrize("is_declared", [True, False])
async def test_a_large_body_is_read_only_from_who_may_send_it(
    client: Client, path: str, is_declared: bool
) -> None:
    read = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(10):
            read += 1
            yield b" " * SMALL_BYTES

    headers = {"content-length": str(10 * SMALL_BYTES)} if is_declared else {}

    answer = await client.post(path, content=parts(), headers=headers)

    assert (answer.status_code, read) == (401, 0)


async def test_any_origin_may_ask_and_gets_errors_too(client: Client) -> None:
    origin = {"Origin": "https://dashboard.example"}
    asks = {**origin, "Access-Control-Request-Method": "POST"}
    asks["Access-Control-Request-Headers"] = "x-authorization,content-type"

    preflight = await client.options("/api/shattered", headers=asks)
    bug = await client.get("/api/broken/Bug", headers=origin)

    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == origin["Origin"]
    assert preflight.headers["access-control-allow-credentials"] == "true"
    assert preflight.headers["access-control-max-age"] == "1800"
    assert "x-authorization" in preflight.headers["access-control-allow-headers"].lower()
    assert bug.status_code == 500
    assert bug.headers["access-control-allow-origin"] == origin["Origin"]


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/openapi.json"])
async def test_what_is_not_the_api_is_not_for_other_origins(client: Client, path: str) -> None:
    answer = await client.get(path, headers={"Origin": "https://dashboard.example"})

    assert answer.is_success
    assert "access-control-allow-origin" not in answer.headers


async def test_the_log_shows_a_bug_without_the_access_token_in_the_path(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await client.get("/api/v1/A1_TEST_TOKEN/broken")

    assert answer.status_code == 500
    assert "GET /api/v1/{token}/broken" in caplog.text
    assert "A1_TEST_TOKEN" not in caplog.text
