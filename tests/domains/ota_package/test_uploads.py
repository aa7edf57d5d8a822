"""Files of packages: taken whole or not at all."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from fieldline.api.http_protocol import HttpProtocol
from fieldline.database.base import now_ms
from fieldline.domains.ota_package import uploads
from fieldline.domains.ota_update.service import UpdatesWanted
from fieldline.domains.ota_update.updater import CLEAN_MS, OtaUpdater
from fieldline.rest import timely
from fieldline.rest.services import UPLOADS_OF_ONE, Limits
from tests.api.support import Client, Platform, running
from tests.api.websocket.server import serving
from tests.app.ota import package, profile_of
from tests.domains.support import expect_error, on_sqlite
from tests.waiting import until, until_async

DATA = b"".join(hashlib.sha256(n.to_bytes(2, "big")).digest() for n in range(65_000))
"""Two megabytes: more than is written in one transaction."""
LIMIT = 3 * 1024 * 1024


@pytest.fixture
async def platform(database_url: str) -> AsyncIterator[Platform]:
    """A platform whose packages may have 3 MiB."""
    async with running(database_url, limits=Limits(max_ota_package_bytes=LIMIT)) as platform:
        yield platform


async def empty(platform: Platform) -> tuple[Client, str]:
    """Make a package without a file; returns its administrator and id."""
    admin = (await platform.tenant()).admin
    made = await package(admin, await profile_of(admin))
    return admin, made["id"]["id"]


async def send(admin: Client, package_id: str, data: bytes, **query: str) -> Any:
    return await admin.post(
        f"/api/otaPackage/{package_id}",
        files={"file": ("pump.bin", data)},
        params={"checksumAlgorithm": "SHA256", **query},
    )


async def rows(platform: Platform) -> list[int]:
    """Return how many files, whole or not, and how many pieces there are."""
    async with platform.services.database.read() as session:
        return [
            await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0
            for table in ("ota_content", "ota_piece")
        ]


async def test_a_file_is_kept_as_it_was(platform: Platform) -> None:
    admin, package_id = await empty(platform)

    saved = (await send(admin, package_id, DATA)).json()
    downloaded = await admin.get(f"/api/otaPackage/{package_id}/download")

    assert downloaded.content == DATA
    assert downloaded.headers["content-length"] == str(len(DATA))
    assert (saved["hasData"], saved["dataSize"], saved["fileName"]) == (True, len(DATA), "pump.bin")
    assert saved["checksum"] == hashlib.sha256(DATA).hexdigest()


async def test_a_wrong_checksum_leaves_nothing(platform: Platform) -> None:
    admin, package_id = await empty(platform)

    wrong = await send(admin, package_id, DATA, checksum="00" * 32)
    left = await rows(platform)
    right = await send(admin, package_id, DATA, checksum=hashlib.sha256(DATA).hexdigest().upper())

    expect_error(wrong, 400, 31, "Wrong checksum: the SHA256 of the file is")
    assert left == [0, 0]
    assert right.status_code == 200


@on_sqlite
async def test_files_that_cannot_be(platform: Platform) -> None:
    admin, package_id = await empty(platform)
    path = f"/api/otaPackage/{package_id}?checksumAlgorithm=SHA256"

    expect_error(await send(admin, package_id, b""), 400, 31, "The file is empty")
    expect_error(await send(admin, package_id, b"x", checksum="xyz"), 400, 31, "hexadecimal")
    expect_error(await send(admin, package_id, b"x", checksumAlgorithm="SHA1"), 400, 31)
    expect_error(await admin.post(path, files={"data": ("a", b"x")}), 400, 31, "part 'file'")
    expect_error(await admin.post(path, data={"file": "text"}), 400, 31, "multipart/form-data")
    expect_error(await admin.post(path, content=DATA), 400, 31, "multipart/form-data")
    two = [("file", ("a", b"x")), ("file", ("b", b"y"))]
    assert (await admin.post(path, files=two)).status_code == 400
    broken = await admin.post(
        path, content=b"--a\r\nno form", headers={"Content-Type": "multipart/form-data; boundary=a"}
    )
    assert broken.status_code == 400
    large = await send(admin, package_id, bytes(LIMIT + 1))
    assert (large.status_code, "3145728 at the most" in large.json()) == (413, True)
    assert await rows(platform) == [0, 0]
    assert (await send(admin, package_id, bytes(LIMIT))).status_code == 200


@on_sqlite
async def test_a_file_far_over_the_limit_is_not_even_read(platform: Platform) -> None:
    admin, package_id = await empty(platform)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--a\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
        while True:
            sent += 65_536
            yield bytes(65_536)

    answer = await admin.post(
        f"/api/otaPackage/{package_id}?checksumAlgorithm=SHA256",
        content=endless(),
        headers={"Content-Type": "multipart/form-data; boundary=a"},
    )

    assert answer.status_code == 413
    assert sent < 3 * LIMIT


async def test_two_uploads_at_once(platform: Platform) -> None:
    admin, package_id = await empty(platform)
    other = DATA[::-1]

    answers = await asyncio.gather(*(send(admin, package_id, data) for data in (DATA, other)))
    downloaded = (await admin.get(f"/api/otaPackage/{package_id}/download")).content

    [winner] = [answer for answer in answers if answer.status_code == 200]
    [loser] = [answer for answer in answers if answer is not winner]
    expect_error(loser, 400, 31, "it has a file; make a new package")
    assert downloaded == (DATA if winner is answers[0] else other)
    pieces = -(-len(DATA) // 65_536)
    assert await rows(platform) == [1, pieces]


async def test_a_package_that_is_deleted_while_its_file_is_written(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, package_id = await empty(platform)
    read_block = uploads._read_block

    async def delete_first(file: Any) -> bytes:
        await admin.delete(f"/api/otaPackage/{package_id}")
        return await read_block(file)

    monkeypatch.setattr(uploads, "_read_block", delete_first)
    answer = await send(admin, package_id, DATA)

    expect_error(answer, 404, 32, "is not found")
    assert await rows(platform) == [0, 0]


@on_sqlite
async def test_more_uploads_than_there_is_room_for(platform: Platform) -> None:
    admin, package_id = await empty(platform)
    others, other_id = await empty(platform)
    tenant_id = (await admin.get(f"/api/otaPackage/info/{package_id}")).json()["tenantId"]["id"]

    with ExitStack() as held:
        for _ in range(UPLOADS_OF_ONE):
            held.enter_context(platform.services.uploads.take(UUID(tenant_id)))
        answer = await send(admin, package_id, DATA)
        of_others = await send(others, other_id, DATA)

    expect_error(answer, 503, 2, "Too many files are being uploaded; try again later")
    assert answer.headers["retry-after"] == "10"
    assert of_others.status_code == 200
    assert (await send(admin, package_id, DATA)).status_code == 200


HEAD = (
    b"POST /api/otaPackage/%s?checksumAlgorithm=SHA256 HTTP/1.1\r\nHost: x\r\n"
    b"X-Authorization: Bearer %s\r\nContent-Type: multipart/form-data; boundary=a\r\n"
    b"Content-Length: 1000000\r\n\r\n"
    b'--a\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
)


def head(admin: Client, package_id: str) -> bytes:
    return HEAD % (package_id.encode(), (admin.token or "").encode())


@on_sqlite
async def test_an_upload_that_breaks_off_leaves_nothing(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    admin, package_id = await empty(platform)

    async with serving(platform, http=HttpProtocol) as port:
        for _ in range(2 * UPLOADS_OF_ONE):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head(admin, package_id) + bytes(100_000))
            await until(lambda: platform.services.uploads.taken)
            writer.transport.abort()
            await until(lambda: not platform.services.uploads.taken)

    assert await rows(platform) == [0, 0]
    assert (await send(admin, package_id, DATA)).status_code == 200
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


@on_sqlite
async def test_an_upload_that_stands_still_is_ended(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timely, "PATIENCE_S", 0.2)
    monkeypatch.setattr(timely, "SLOWEST_BYTES_PER_S", 10_000_000)
    admin, package_id = await empty(platform)

    async with serving(platform, http=HttpProtocol) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head(admin, package_id) + bytes(100_000))
        answer = await reader.readuntil(b"}")
        writer.close()

    assert answer.startswith(b"HTTP/1.1 400")
    assert b"The body came too slowly" in answer
    assert not platform.services.uploads.taken
    assert await rows(platform) == [0, 0]


async def test_what_an_upload_left_is_deleted_after_an_hour(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.clock.advance(now_ms() - platform.clock.now_ms())
    platform._sysadmin = None  # whose token is of another time
    admin, package_id = await empty(platform)
    updater = OtaUpdater(platform.services)

    async def not_now(*_given: object) -> None:
        """As of a process that is killed."""

    async def leave(admin: Client) -> None:
        expect_error(await send(admin, package_id, DATA, checksum="00"), 400, 31, "Wrong checksum")
        assert await rows(platform) == [1, -(-len(DATA) // 65_536)]

    async def is_gone() -> bool:
        return await rows(platform) == [0, 0]

    monkeypatch.setattr(uploads, "_drop", not_now)
    await leave(admin)
    platform.clock.advance(uploads.ABANDONED_AFTER_MS + 60_000)
    updater.start()
    await until_async(is_gone)

    await leave(await platform.as_user("admin1@example.com"))
    platform.clock.advance(CLEAN_MS)
    platform.bus.emit(UpdatesWanted())
    await until_async(is_gone)
    await updater.stop()
