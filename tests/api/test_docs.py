"""The documentation and what watches the process."""

import base64
import hashlib
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from fieldline.api.app import ApiOptions, Routers, create_app
from fieldline.api.docs import MEDIA_TYPES, REDOC_PAGE, STATIC, SWAGGER_PAGE
from fieldline.api.health import Metrics, Reading
from fieldline.api.routers import THINGSBOARD, V1
from tests.api.support import Client, Platform, running

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # One worker: the document, which takes seconds, is made once.
    pytest.mark.xdist_group("documents"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Platform]:
    path = tmp_path_factory.mktemp("documents") / "fieldline.db"
    shutil.copy(sqlite_template, path)
    async with running(f"sqlite+aiosqlite:///{path}") as platform:
        yield platform


async def test_the_schema_describes_every_route_once(platform: Platform) -> None:
    first = await platform.anybody.get("/openapi.json")
    second = await platform.anybody.get("/openapi.json")

    schema: dict[str, Any] = first.json()
    operations = [
        operation["operationId"] for path in schema["paths"].values() for operation in path.values()
    ]
    assert first.content == second.content
    assert len(operations) == len(set(operations)) > 50
    assert {"/api/customer", "/api/v1/customers", "/api/auth/login"} <= set(schema["paths"])
    listed = schema["paths"]["/api/customers"]["get"]
    assert "pageSize" in {parameter["name"] for parameter in listed["parameters"]}


async def test_the_schema_says_where_a_token_is_needed(platform: Platform) -> None:
    schema = (await platform.anybody.get("/openapi.json")).json()

    assert schema["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for path in ("/api/v1/devices", "/api/tenant/devices"):
        assert schema["paths"][path]["get"]["security"] == [{"token": []}]
    for path in ("/api/auth/login", "/api/v1/auth/login"):
        assert "security" not in schema["paths"][path]["post"]


@pytest.mark.parametrize("page", ["/swagger-ui", "/redoc"])
async def test_the_pages_need_nothing_from_elsewhere(platform: Platform, page: str) -> None:
    answer = await platform.anybody.get(page)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "http" not in answer.text.replace("/openapi.json", "")


async def test_only_the_script_that_starts_swagger_may_stand_in_the_page(
    platform: Platform,
) -> None:
    answer = await platform.anybody.get("/swagger-ui")

    (script,) = re.findall(r"<script>(.+?)</script>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert f"script-src 'self' 'sha256-{digest}';" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("name", MEDIA_TYPES)
async def test_the_scripts_come_with_the_package(platform: Platform, name: str) -> None:
    answer = await platform.anybody.get(f"/docs-assets/{name}")

    assert answer.status_code == 200
    assert len(answer.content) > 100_000
    assert "immutable" in answer.headers["cache-control"]
    assert f"/docs-assets/{name}" in SWAGGER_PAGE + REDOC_PAGE


@pytest.mark.parametrize("name", ["nope.js", "..%2Fdocs.py", "swagger-ui-LICENSE.txt"])
async def test_no_other_file_is_served(platform: Platform, name: str) -> None:
    assert (await platform.anybody.get(f"/docs-assets/{name}")).status_code == 404


async def test_the_licences_of_the_scripts_are_shipped() -> None:
    for name in ("swagger-ui-LICENSE.txt", "redoc-LICENSE.txt"):
        assert "icense" in (STATIC / name).read_text()


async def test_readiness_gives_its_reason(platform: Platform) -> None:
    reasons: list[str | None] = ["the store is away", None]
    options = ApiOptions(readiness=lambda: reasons.pop(0), serves_docs=False)
    client = Client(create_app(platform.services, Routers(THINGSBOARD, V1), options))

    away = await client.get("/readyz")
    ready = await client.get("/readyz")

    assert (away.status_code, away.text) == (503, "the store is away")
    assert (ready.status_code, ready.text) == (200, "ready")
    assert (await client.get("/livez")).text == "ok"
    assert (await client.get("/swagger-ui")).status_code == 404
    await client.aclose()


async def test_metrics_show_what_the_parts_count(platform: Platform) -> None:
    metrics = Metrics()
    metrics.add(
        Reading("fieldline_devices_connected", "Devices with an open session", lambda: 7),
        Reading("fieldline_messages", "Messages taken", lambda: 3, is_counter=True),
    )
    client = Client(create_app(platform.services, Routers(), ApiOptions(metrics=metrics)))

    answer = await client.get("/metrics")

    assert "fieldline_devices_connected 7.0" in answer.text
    assert "fieldline_messages_total 3.0" in answer.text
    assert "process_resident_memory_bytes" in answer.text
    await client.aclose()


async def test_closed_metrics_are_for_the_system_administrator(platform: Platform) -> None:
    tenant = await platform.tenant()
    sysadmin = await platform.sysadmin()
    app = create_app(platform.services, Routers(THINGSBOARD, V1), ApiOptions(metrics_open=False))
    tokens = {None: 401, tenant.admin.token: 403, sysadmin.token: 200}

    for token, status in tokens.items():
        async with Client(app, token) as client:
            assert (await client.get("/metrics")).status_code == status
