"""What the document says of errors is what is answered."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.api.support import Platform, running

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # One worker: the document, which takes seconds, is made once.
    pytest.mark.xdist_group("documents"),
]
DEVICE = "00000000-0000-4000-8000-000000000001"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Platform]:
    path = tmp_path_factory.mktemp("documents") / "fieldline.db"
    shutil.copy(sqlite_template, path)
    async with running(f"sqlite+aiosqlite:///{path}") as platform:
        yield platform


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def document(platform: Platform) -> Any:
    return (await platform.anybody.get("/openapi.json")).json()


TB, V1 = "ThingsBoardError", "V1Error"


@pytest.mark.parametrize(
    ("call", "template", "body", "expected"),
    [
        (f"GET /api/device/{DEVICE}", "/api/device/{device_id}", None, (404, TB)),
        ("GET /api/device/1", "/api/device/{device_id}", None, (400, TB)),
        ("POST /api/device", "/api/device", {}, (400, TB)),
        (f"GET /api/v1/devices/{DEVICE}", "/api/v1/devices/{device_id}", None, (404, V1)),
        ("GET /api/v1/devices/1", "/api/v1/devices/{device_id}", None, (422, V1)),
        ("POST /api/v1/devices", "/api/v1/devices", {"name": 7}, (422, V1)),
        ("POST /api/v1/tenants", "/api/v1/tenants", {"title": "t"}, (403, V1)),
    ],
)
async def test_an_error_is_told_as_documented(
    platform: Platform,
    document: Any,
    call: str,
    template: str,
    body: object,
    expected: tuple[int, str],
) -> None:
    tenant = await platform.tenant()
    (method, path), (status, form) = call.split(" "), expected

    answer = await tenant.admin.request(method, path, json=body)

    assert answer.status_code == status
    told = document["paths"][template][method.lower()]["responses"][str(status)]["content"]
    assert told == {"application/json": {"schema": {"$ref": f"#/components/schemas/{form}"}}}
    assert set(document["components"]["schemas"][form]["required"]) <= set(answer.json())


async def test_telemetry_documents_bare_text_but_a_refused_token_as_json(document: Any) -> None:
    route = "/api/plugins/telemetry/{entityType}/{entityId}/values/attributes"

    answers = document["paths"][route]["get"]["responses"]

    assert set(answers["403"]["content"]) == {"text/plain"}
    assert set(answers["401"]["content"]) == {"application/json"}


async def test_every_route_documents_the_errors_of_what_it_takes(document: Any) -> None:
    for path, operations in document["paths"].items():
        if not path.startswith("/api/"):
            continue
        for method, operation in operations.items():
            where, told = f"{method} {path}", set(operation["responses"])
            assert {"429", "503"} <= told, where
            if "security" in operation:
                assert {"401", "403"} <= told, where
                assert operation["x-roles"], where
            if "requestBody" in operation:
                assert {"400", "413"} <= told, where
            if "parameters" in operation:
                assert "400" in told, where
            v1_path = f"/api/v1/{path.removeprefix('/api/v1/').removeprefix('/api/')}"
            is_v1 = method in document["paths"].get(v1_path, {})
            assert ("422" in told) == (is_v1 and "400" in told), where


async def test_an_empty_answer_is_documented_as_empty(document: Any) -> None:
    for path, method, status in (
        ("/api/device/{device_id}", "delete", "200"),
        ("/api/v1/devices/{device_id}", "delete", "204"),
        ("/api/plugins/telemetry/{entityType}/{entityId}/{scope}", "post", "200"),
    ):
        assert "content" not in document["paths"][path][method]["responses"][status], path


async def test_errors_that_nobody_answers_are_not_documented(document: Any) -> None:
    assert "HTTPValidationError" not in document["components"]["schemas"]


async def test_a_path_of_both_dialects_documents_the_answers_of_both(document: Any) -> None:
    answers = document["paths"]["/api/deviceProfiles"]["get"]["responses"]

    shown = answers["200"]["content"]["application/json"]["schema"]["anyOf"]
    assert [schema.get("type", "page") for schema in shown] == ["page", "array"]
    assert "422" in answers
