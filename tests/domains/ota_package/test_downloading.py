"""People download the files of packages."""

import logging
from base64 import b64decode
from collections.abc import AsyncIterator

import httpx
import pytest

from fieldline.api.http_protocol import HttpProtocol
from tests.api.support import Platform
from tests.api.websocket.server import serving
from tests.app.ota import package, profile_of
from tests.domains.support import expect_error, on_sqlite

LARGE = bytes(range(256)) * 40_000
"""Ten megabytes: more than lies in the buffers of a connection."""


async def drain(parts: AsyncIterator[bytes]) -> None:
    async for _part in parts:
        pass


async def test_a_small_file_is_in_the_answer_too(platform: Platform) -> None:
    admin = (await platform.tenant()).admin
    profile_id = await profile_of(admin)
    small = await package(admin, profile_id, b"small")
    large = await package(admin, profile_id, LARGE, version="2.0")

    answers = [
        (await admin.get(f"/api/otaPackage/{each['id']['id']}")).json() for each in (small, large)
    ]

    assert b64decode(answers[0]["data"]) == b"small"
    assert (answers[1]["hasData"], answers[1]["data"]) == (True, None)


async def test_a_package_without_a_file(platform: Platform) -> None:
    admin = (await platform.tenant()).admin
    linked = await package(admin, await profile_of(admin), url="https://files.example.org/p")

    answer = await admin.get(f"/api/otaPackage/{linked['id']['id']}/download")

    expect_error(answer, 404, 32, "'pump' has no file")


@on_sqlite
async def test_a_package_that_is_deleted_while_it_is_downloaded(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    admin = (await platform.tenant()).admin
    made = await package(admin, await profile_of(admin), LARGE)
    path = f"/api/otaPackage/{made['id']['id']}"

    async with serving(platform, http=HttpProtocol) as port, httpx.AsyncClient() as client:
        url = f"http://127.0.0.1:{port}{path}/download"
        async with client.stream("GET", url, headers=admin.headers) as answer:
            parts = answer.aiter_raw()
            await anext(parts)
            assert (await admin.delete(path)).status_code == 200
            with pytest.raises(httpx.RemoteProtocolError):
                await drain(parts)

    ours = [record for record in caplog.records if record.name.startswith("fieldline")]
    assert [record.levelno for record in ours] == [logging.WARNING]
    assert f"answering {path}/download broke off: OTA package" in ours[0].getMessage()
